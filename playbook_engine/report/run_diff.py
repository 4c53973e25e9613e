"""Two runs side by side: how they were asked, how they ended, what they changed, what they measured, what took longer.

Steps, checks and changes are matched by host and name, not by number: a step that was put in moves none of the others.
Criteria are compared as two audits are (`compare`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from playbook_engine.model.frozen import frozen
from playbook_engine.report import compare as comparison
from playbook_engine.report.changes import ChangeRow, Detail
from playbook_engine.report.compare import Pair
from playbook_engine.report.criteria import criteria
from playbook_engine.report.declared import intent
from playbook_engine.report.matrix import Cell
from playbook_engine.report.meta import Meta
from playbook_engine.report.run import RunReport, run_report
from playbook_engine.report.subject import Subject
from playbook_engine.report.text import number, one_line, seconds

MUCH, LEAST = 2.0, 1.0  # a time differs much: twice as long, and by a second
NONE = "none"

By = Mapping[tuple[str, str], str]
"""What is compared: by host and name, in words."""


@frozen
class Difference:
    """What is not the same, alike on all `hosts`; empty for the whole run. A side is empty that has no such thing."""

    name: str
    before: str
    now: str
    hosts: tuple[str, ...] = ()


@frozen
class RunDiff:
    """`before` is the first run, `meta` the second. `asked`: how they were started. `times` alone are no difference.

    `hosts` that one of them does not have are compared in nothing else.
    """

    meta: Meta
    before: Meta
    asked: tuple[Difference, ...]
    hosts: tuple[Difference, ...]
    steps: tuple[Difference, ...]
    checks: tuple[Difference, ...]
    changes: tuple[Difference, ...]
    criteria: tuple[Pair, ...]
    times: tuple[Difference, ...]

    @property
    def sections(self) -> tuple[tuple[str, tuple[Difference, ...]], ...]:
        """All but the criteria, those that matter first."""
        return (
            ("Hosts", self.hosts), ("Steps", self.steps), ("Checks", self.checks), ("Changes", self.changes),
            ("How they were asked", self.asked), ("Took much longer or shorter", self.times),
        )  # fmt: skip

    @property
    def count(self) -> int:
        """How many differences there are, times aside."""
        found = (self.asked, self.hosts, self.steps, self.checks, self.changes, self.criteria)
        return sum(len(each) for each in found)

    @property
    def same(self) -> bool:
        """Whether nothing differs, and both journals are whole: of what is missing nobody can say that it is alike."""
        return not self.count and not self.meta.faults and not self.before.faults


def run_diff(
    before: Subject, now: Subject, asked: tuple[Mapping[str, object], Mapping[str, object]], at: datetime
) -> RunDiff:
    """`asked`: the parameters and options of each, without secrets. `at`: when the reports are made."""
    old, new = run_report(before, at), run_report(now, at)
    both = {h.name for h in old.hosts} & {h.name for h in new.hosts}
    # Each is judged as it was when it ended: that one is old is no difference.
    measured = [criteria(each, intent(each.view.started), at, None) for each in (before, now)]
    pairs = comparison.compare(*measured)
    return RunDiff(
        meta=new.meta, before=old.meta, asked=_asked(old.meta, new.meta, asked),
        hosts=_grouped(_ends(old), _ends(new)), steps=_grouped(_steps(old, both), _steps(new, both)),
        checks=_grouped(_checks(old, both), _checks(new, both)),
        changes=_grouped(_changes(old.changes, both), _changes(new.changes, both)),
        criteria=tuple(p for p in pairs if p.differs and one_line(p.host) in both),
        times=_times(before, now, old, new, both),
    )  # fmt: skip


def _asked(old: Meta, new: Meta, given: tuple[Mapping[str, object], Mapping[str, object]]) -> tuple[Difference, ...]:
    def told(meta: Meta, more: Mapping[str, object]) -> dict[str, str]:
        fixed = {
            "kind": f"{meta.kind}{' (check only)' if meta.check else ''}", "runbook": meta.runbook,
            "runbook sha256": meta.runbook_sha256[:16], "inventory sha256": meta.inventory_sha256[:16],
            "actor": meta.actor, "engine": meta.engine,
        }  # fmt: skip
        return fixed | {one_line(name): number(value) for name, value in more.items()}

    one, two = told(old, given[0]), told(new, given[1])
    return tuple(
        Difference(name=name, before=one.get(name, ""), now=two.get(name, ""))
        for name in dict.fromkeys([*one, *two])
        if one.get(name, "") != two.get(name, "")
    )


def _grouped(before: By, now: By) -> tuple[Difference, ...]:
    """What differs, once for all hosts on which it does so in the same way."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for host, name in dict.fromkeys([*now, *before]):
        was, is_ = before.get((host, name), ""), now.get((host, name), "")
        if was != is_:
            found.setdefault((name, was, is_), []).append(host)
    return tuple(Difference(name=n, before=b, now=i, hosts=tuple(hosts)) for (n, b, i), hosts in found.items())


def _ends(report: RunReport) -> By:
    return {(h.name, "ended"): h.status for h in report.hosts}


def _steps(report: RunReport, hosts: set[str]) -> By:
    """How each step ended; of those with the same name, each for itself."""
    found: dict[tuple[str, str], str] = {}
    seen: Counter[str] = Counter()
    for row in report.rows:
        name = f"{'handler: ' if row.handler else ''}{row.name}"
        seen[name] += 1
        name += f" ({seen[name]})" if seen[name] > 1 else ""
        for host, cell in zip(report.hosts, row.cells, strict=True):
            if host.name in hosts and cell.outcome:
                found[host.name, name] = _outcome(cell)
    return found


def _outcome(cell: Cell) -> str:
    undone = {"": "", "undone": ", taken back", "failed": ", undo failed"}.get(cell.undone, f", {cell.undone}")
    return f"{cell.outcome}{f' × {cell.items}' if cell.items > 1 else ''}{undone}"


def _checks(report: RunReport, hosts: set[str]) -> By:
    """Preconditions and checks of steps: the newest of each. The criteria of the runbook are compared as such."""
    rows = (c for c in (*report.preconditions, *report.checks) if c.purpose != "criterion" and c.host in hosts)
    return {(c.host, f"{c.purpose}: {c.name}"): str(c.status) for c in rows}


def _changes(rows: Sequence[ChangeRow], hosts: set[str]) -> By:
    """Each difference that was made on a host, with what became of it; a change that tells none, by its name."""
    found: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        if row.host not in hosts:
            continue
        details = [(f"{d.subject} {d.aspect}".strip() or row.name, _made(d)) for d in row.details]
        for what, made in details or [(row.name, "made")]:
            found.setdefault((row.host, what), []).append(f"{made}, {row.fate}")
    return {key: "; ".join(made) for key, made in found.items()}


def _made(detail: Detail) -> str:
    return f"{detail.before or NONE} → {detail.after or NONE}" if detail.before or detail.after else "made"


# ------------------------------------------------------------------ times


def _times(before: Subject, now: Subject, old: RunReport, new: RunReport, hosts: set[str]) -> tuple[Difference, ...]:
    """Of the run, and of each step: the host with the largest difference first, and its times."""
    found = []
    if _much(old.meta.seconds, new.meta.seconds):
        found.append(Difference(name="the run", before=seconds(old.meta.seconds), now=seconds(new.meta.seconds)))
    was, is_ = _spans(before), _spans(now)
    slow: dict[str, list[tuple[float, str]]] = {}
    for host, step in was.keys() & is_.keys():
        if one_line(host) in hosts and _much(was[host, step], is_[host, step]):
            slow.setdefault(step, []).append((-abs(was[host, step] - is_[host, step]), host))
    for step in sorted(slow, key=lambda s: min(slow[s])):
        ordered = [host for _, host in sorted(slow[step])]
        first = (ordered[0], step)
        found.append(
            Difference(
                name=step, before=seconds(was[first]), now=seconds(is_[first]), hosts=tuple(map(one_line, ordered))
            )
        )  # fmt: skip
    return tuple(found)


def _much(one: float, two: float) -> bool:
    return abs(one - two) >= LEAST and max(one, two) >= MUCH * min(one, two)


def _spans(subject: Subject) -> dict[tuple[str, str], float]:
    """Seconds of each step on each host, all of its items together."""
    found: dict[tuple[str, str], float] = {}
    for host in subject.view.hosts.values():
        for step in host.steps:
            if step.finished is not None:
                key = (host.name, one_line(step.started.name))
                found[key] = found.get(key, 0.0) + step.finished.seconds
    return found
