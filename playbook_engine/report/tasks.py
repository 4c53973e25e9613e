"""What to do after an audit: computed from what is open, what needs what, and the remedies that the runbook names."""

from __future__ import annotations

import dataclasses
import heapq
from collections.abc import Iterable, Mapping, Sequence

from playbook_engine.model.events import RunStarted
from playbook_engine.model.frozen import frozen
from playbook_engine.report.commands import again, other
from playbook_engine.report.criteria import Criterion
from playbook_engine.report.services import ServiceState
from playbook_engine.report.severity import Severity, highest
from playbook_engine.report.status import Status
from playbook_engine.report.text import count, listed

MEASURED = (Status.NOT_MET, Status.INVALID)
UNMEASURED = (Status.UNKNOWN, Status.STALE)


@frozen
class Task:
    """One thing to do on some hosts: repair a service, or measure what is not known. In order of what needs what, then
    of severity. `command` is empty where no runbook is named."""

    title: str
    severity: Severity
    why: str
    hosts: tuple[str, ...]
    criteria: tuple[Criterion, ...]
    command: str = ""
    after: tuple[str, ...] = ()


def tasks(started: RunStarted, states: Sequence[ServiceState], loose: Sequence[Criterion]) -> tuple[Task, ...]:
    """What to do, each thing once: what is needed by something else before it, and otherwise the worst first.

    A service that a worse one needs is as urgent as that one. What was not measured is measured again before anything
    is repaired for it. `loose` are the open criteria without a service.
    """
    open_ = {s.name: s for s in states if s.status.open}
    found = [task for name in _ordered(open_) for task in _tasks(started, open_[name])]
    measured = sorted((c for c in loose if c.status in MEASURED), key=_rank)
    found += [_task(started, c.name, [c], ()) for c in measured]
    found = _merged(found)
    unknown = [c for c in (*(c for s in states for c in s.criteria), *loose) if c.status in UNMEASURED]
    return (*found, *([_again(started, unknown)] if unknown else []))


def _merged(found: Sequence[Task]) -> list[Task]:
    """The same command stands in the list once, where it comes first, for all that it repairs."""
    once: dict[str, Task] = {}
    for n, task in enumerate(found):
        key = task.command or str(n)
        first = once.get(key)
        once[key] = task if first is None else _both(first, task)
    return list(once.values())


def _both(first: Task, second: Task) -> Task:
    criteria = (*first.criteria, *second.criteria)
    return dataclasses.replace(
        first, title=f"{first.title}, {second.title}", criteria=criteria, why=_said(criteria),
        severity=highest((first.severity, second.severity)) or first.severity,
    )  # fmt: skip


def _said(criteria: Sequence[Criterion]) -> str:
    return listed(list(dict.fromkeys(f"{c.name}: {c.status}" for c in criteria)), 4)


def _rank(criterion: Criterion) -> int:
    return criterion.severity.severity.rank if criterion.severity else len(Severity)


def _ordered(open_: Mapping[str, ServiceState]) -> Iterable[str]:
    """Topologically, the most urgent of those whose needs are seen to first."""
    urgent = {name: _urgency(name, open_) for name in open_}
    order = {name: n for n, name in enumerate(open_)}
    waiting = {name: {n for n in state.needs if n in open_} for name, state in open_.items()}
    ready = [(urgent[n].rank, order[n], n) for n, left in waiting.items() if not left]
    heapq.heapify(ready)
    while ready:
        _, _, name = heapq.heappop(ready)
        yield name
        for later, left in waiting.items():
            if name in left:
                left.remove(name)
                if not left:
                    heapq.heappush(ready, (urgent[later].rank, order[later], later))


def _urgency(name: str, open_: Mapping[str, ServiceState]) -> Severity:
    """A service's own severity, or that of the worst that needs it."""
    found = {name}
    grown = True
    while grown:
        more = {s.name for s in open_.values() if set(s.needs) & found} - found
        found |= more
        grown = bool(more)
    rated = [s.severity.severity for n in found if (s := open_[n]).severity is not None]
    return highest(rated) or Severity.P4


def _tasks(started: RunStarted, state: ServiceState) -> list[Task]:
    """One for each remedy of a service, so that nothing stands in the list twice."""
    bad = [c for c in state.criteria if c.status in MEASURED]
    if not bad and state.why:
        hosts = tuple(dict.fromkeys(c.host for c in state.criteria))
        severity = state.severity.severity if state.severity else Severity.P4
        return [Task(title=state.name, severity=severity, why=state.why, hosts=hosts, criteria=())]
    remedies = dict.fromkeys(c.remedy for c in bad)
    return [_task(started, state.name, [c for c in bad if c.remedy == remedy], state.blocked_by) for remedy in remedies]


def _task(started: RunStarted, title: str, criteria: Sequence[Criterion], after: tuple[str, ...]) -> Task:
    hosts = tuple(dict.fromkeys(c.host for c in criteria))
    remedy = criteria[0].remedy
    return Task(
        title=title, severity=highest(c.severity.severity for c in criteria if c.severity) or Severity.P4,
        why=_said(criteria), hosts=hosts,
        criteria=tuple(criteria), command=other(started, remedy, hosts) if remedy else "", after=after,
    )  # fmt: skip


def _again(started: RunStarted, criteria: Sequence[Criterion]) -> Task:
    hosts = tuple(dict.fromkeys(c.host for c in criteria))
    reasons = dict.fromkeys(c.why for c in criteria if c.why)
    return Task(
        title="measure what is not known",
        severity=highest(c.severity.severity for c in criteria if c.severity) or Severity.P4,
        why=f"{count(len(criteria), 'criterion', 'criteria')}; {'; '.join(list(reasons)[:3])}", hosts=hosts,
        criteria=tuple(criteria), command=again(started, "audit", hosts),
    )  # fmt: skip
