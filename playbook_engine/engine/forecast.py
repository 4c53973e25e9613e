"""What a run would do, computed from the journal of a preview: for each host and step a verdict, and why.

A pure function of plan and view, so that the same plan can be looked at twice, and compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from enum import StrEnum

from playbook_engine.catalog import catalog
from playbook_engine.catalog.spec import Kind
from playbook_engine.engine.crowd import OVER
from playbook_engine.engine.drift import ALREADY, key
from playbook_engine.journal.fold import HostView, RunView, StepView
from playbook_engine.model.frozen import frozen
from playbook_engine.model.outcome import HostStatus, Outcome
from playbook_engine.model.plan import Plan
from playbook_engine.model.runbook import Import, Runbook, Step, flat, in_plan


class Will(StrEnum):
    """What becomes of a step."""

    CHANGE = "will_change"
    NOT = "will_not"
    UNKNOWN = "unknown"


@frozen
class Prediction:
    """One step on one host, or one item of its loop (else -1). `digest` and `state` are what was found, if looked at.

    `expected`: what the step of a later run has to find (`engine/drift.py`), empty where nothing can be expected.
    """

    step: str
    item: int = -1
    name: str
    label: str = ""
    action: str
    will: Will
    why: str = ""
    changes: tuple[Mapping[str, object], ...] = ()
    digest: str = ""
    state: Mapping[str, object] = field(default_factory=dict)
    expected: str = ""


@frozen
class HostForecast:
    """One host. `ended` is the status of the preview, with its message."""

    host: str
    ended: str
    message: str = ""
    steps: tuple[Prediction, ...] = ()

    def count(self, will: Will) -> int:
        return sum(p.will is will for p in self.steps)


def forecast(plan: Plan, view: RunView) -> tuple[HostForecast, ...]:
    """The hosts in the order of the plan, their steps in the order of the runbook, and the handlers that would run."""
    return tuple(_host(plan, view.hosts[host.name]) for host in plan.hosts)


def expected(found: tuple[HostForecast, ...]) -> dict[str, str]:
    """`Plan.expected` of the run that carries this out."""
    return {key(h.host, p.step, p.item): p.expected for h in found for p in h.steps if p.expected}


def _host(plan: Plan, host: HostView) -> HostForecast:
    seen: dict[str, dict[tuple[str, int], StepView]] = {}
    for step in host.steps:
        seen.setdefault(in_plan(step.started.step), {})[step.started.step, step.started.item] = step
    steps: list[Prediction] = []
    for entry, outer, handler in _walk(plan.runbook, ()):
        views = seen.get(entry.id, {})
        steps += [_seen(v, entry) for v in views.values()]
        if not views and not handler:  # of the handlers those that would run, no others
            steps.append(_unseen(host, entry, outer))
    ended = host.finished
    return HostForecast(
        host=host.name, ended=ended.status if ended else "", message=ended.message if ended else "", steps=tuple(steps)
    )


def _walk(runbook: Runbook, outer: tuple[str, ...]) -> Iterator[tuple[Step, tuple[str, ...], bool]]:
    """Every step with the ids of the imports that it is in, and whether it is a handler."""
    for entry in runbook.flat():
        if isinstance(entry, Import):
            yield from _walk(entry.runbook, (*outer, entry.id))
        else:
            yield entry, outer, False
    for handler in (*runbook.handlers, *(s for s in flat(runbook.taken_in()) if isinstance(s, Step))):
        yield handler, outer, True


def _seen(view: StepView, step: Step) -> Prediction:
    started, end, observed = view.started, view.finished, view.observed
    will, why = _will(view)
    wanted = ""
    if end is not None and not end.on and catalog.get(started.action).kind is Kind.STATE:
        # What is done elsewhere (delegate_to) is shared with other hosts: any of them may have been there first.
        wanted = {Will.NOT: ALREADY, Will.CHANGE: observed.digest if observed else ""}.get(will, "")
    return Prediction(
        step=started.step, item=started.item, name=started.name, label=started.label, action=started.action, will=will,
        why=why, changes=observed.changes if observed else (), digest=observed.digest if observed else "",
        state=observed.state if observed and not step.no_log else {}, expected=wanted,
    )  # fmt: skip


def _will(view: StepView) -> tuple[Will, str]:
    end = view.finished
    if end is None:
        return Will.UNKNOWN, "not looked at: the preview ended in it"
    outcome = Outcome(end.outcome)
    if outcome is Outcome.CHANGED:
        opaque = end.kind == "check" and end.message != ""
        return (Will.UNKNOWN, "a command: what it would do cannot be known") if opaque else (Will.CHANGE, _freed(view))
    if outcome is Outcome.SKIPPED:
        reads = end.kind == "check" and catalog.get(view.started.action).kind is Kind.OPAQUE
        return Will.NOT, "a command that only reads" if reads else end.message
    if outcome is Outcome.OK:
        return Will.NOT, ""
    if end.kind == "left-out":
        return Will.UNKNOWN, f"left out by --check: {end.message.removeprefix('left out: ')}"
    if end.kind == "depends":
        return Will.UNKNOWN, end.message
    if outcome is Outcome.UNREACHABLE:
        return Will.UNKNOWN, f"unreachable: {end.message}"
    return Will.UNKNOWN, f"it would not end well: {end.message}"


def _freed(view: StepView) -> str:
    """What `reclaim` would free, which it says in its result."""
    shown = view.finished.shown if view.finished else {}
    return f"would free {shown['expected_bytes']} bytes" if shown.get("expected_bytes") is not None else ""


def _unseen(host: HostView, step: Step, outer: tuple[str, ...]) -> Prediction:
    """A step that the preview did not come to."""
    will, why = _left(host, outer)
    return Prediction(step=step.id, name=step.name, action=step.action, will=will, why=why)


def _left(host: HostView, outer: tuple[str, ...]) -> tuple[Will, str]:
    if host.finished is None:
        return Will.UNKNOWN, "not looked at: the preview did not end"
    if not HostStatus(host.finished.status).good:
        unreachable = host.finished.status == HostStatus.UNREACHABLE
        return Will.UNKNOWN, f"{'unreachable' if unreachable else 'not looked at'}: {host.finished.message}"
    ended = [host.scopes.get(scope) for scope in outer]
    if "unknown" in ended:
        return Will.UNKNOWN, "whether it is imported depends on what an earlier step gives when it is done"
    if OVER in ended:
        return Will.NOT, "its play is ended before (`meta: end_play`)"
    if "skipped" in ended:
        return Will.NOT, "what it is imported with is skipped"
    if host.finished.message:
        return Will.NOT, host.finished.message  # a precondition says that there is nothing to do
    return Will.NOT, "left out by its tags"
