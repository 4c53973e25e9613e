"""What had to come of a drill, against the journals and what was measured afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field

from playbook_engine.drill.scenario import Expected, Scenario
from playbook_engine.escalation.view import EscalationView
from playbook_engine.journal.fold import RunView
from playbook_engine.model.events import CheckEvaluated, PreconditionEvaluated
from playbook_engine.model.frozen import frozen
from playbook_engine.report.text import listed, seconds


@frozen
class Finding:
    """One expectation. `said` is what was found, where it is not what was wanted also what was."""

    name: str
    met: bool
    said: str


@frozen
class Found:
    """What a drill has left: the last exit code, the runs' views (a resumed one once), the escalations, what the probes
    measured at the end, and what is not as it was below the paths that had to stay the same."""

    code: int
    seconds: float
    runs: Sequence[RunView]
    escalations: Sequence[EscalationView] = ()
    probes: Mapping[str, tuple[str, str]] = field(default_factory=dict)  # name → verdict, detail
    moved: Sequence[str] = ()


def judged(scenario: Scenario, found: Found) -> tuple[Finding, ...]:
    """Every expectation of the scenario, in the order of its file."""
    return tuple(_judged(scenario, scenario.expect, found))


def _judged(scenario: Scenario, expect: Expected, found: Found) -> Iterator[Finding]:
    run = found.runs[-1] if found.runs else None
    if run is None:
        yield Finding(name="the run", met=False, said="it never began")
        return
    if expect.exit_code is not None:
        yield _same("exit code", expect.exit_code, found.code)
    for host, status in expect.hosts.items():
        view = run.hosts.get(host)
        yield _same(f"{host} ends", status, view.status.value if view and view.status else "without an end")
    yield from _steps(expect, run)
    for name, verdict in expect.verdicts.items():
        yield _same(f"“{name}”", verdict, _verdict(run, name))
    if expect.failed_on:
        messages = [h.finished.message for h in run.hosts.values() if h.finished and not h.status.good]  # type: ignore[union-attr]
        met = bool(messages) and all(expect.failed_on in m for m in messages)
        yield Finding(name=f"it fails of {expect.failed_on!r}", met=met, said="; ".join(messages) or "nothing failed")
    for name, (verdict, detail) in found.probes.items():
        yield Finding(name=f"at the end: {name}", met=verdict == "met", said=detail or verdict.replace("_", " "))
    if expect.same:
        said = listed(list(found.moved), 4) if found.moved else "nothing differs"
        yield Finding(name=f"as before: {listed(list(expect.same))}", met=not found.moved, said=said)
    if expect.resumed is not None:
        name = "resumed" if expect.resumed else "in one go"
        yield Finding(name=name, met=(run.leg > 1) == expect.resumed, said=f"{run.leg} controllers")
    if expect.notified is not None:
        yield from _notified(scenario, expect, found)
    if expect.within:
        yield Finding(
            name=f"within {seconds(expect.within)}", met=found.seconds <= expect.within, said=seconds(found.seconds)
        )


def _same(name: str, wanted: object, got: object) -> Finding:
    said = str(got) if wanted == got else f"{got}, wanted {wanted}"
    return Finding(name=f"{name}: {wanted}", met=wanted == got, said=said)


def _steps(expect: Expected, run: RunView) -> Iterator[Finding]:
    """In the order in which they were done, each once: hosts do them side by side."""
    changed = list(dict.fromkeys(
        s.started.name for h in run.hosts.values() for s in h.steps if s.finished and s.finished.outcome == "changed"
    ))  # fmt: skip
    steps = [s for h in run.hosts.values() for s in h.steps if s.finished]
    begun = {s.started.name for s in steps if s.outcome != "skipped"}
    if expect.changed is not None:
        yield _list("changed", expect.changed, changed)
    for name in expect.not_changed:
        if name in changed:
            yield Finding(name=f"does not change “{name}”", met=False, said="it did")
        else:
            yield Finding(name=f"does not change “{name}”", met=True, said="ok" if name in begun else "not begun")
    if expect.undone is not None:
        undone = list(dict.fromkeys(
            c.undone.name for h in run.hosts.values() for c in reversed(h.changes)
            if c.undone and c.undone.outcome == "undone"
        ))  # fmt: skip
        yield _list("undone", expect.undone, undone)


def _list(name: str, wanted: tuple[str, ...], got: list[str]) -> Finding:
    met = list(wanted) == got
    said = listed(got, 8) or "nothing"
    return Finding(
        name=f"{name}: {listed(list(wanted), 8) or 'nothing'}", met=met,
        said=said if met else f"{said}, wanted {listed(list(wanted), 8) or 'nothing'}",
    )  # fmt: skip


def _verdict(run: RunView, name: str) -> str:
    """The last verdict on a check or precondition of this name, or of `service: name`."""
    found = "was not evaluated"
    for record in run.records:
        event = record.event
        if isinstance(event, (CheckEvaluated, PreconditionEvaluated)):
            service = event.service if isinstance(event, CheckEvaluated) else ""
            if name in (event.name, f"{service}: {event.name}"):
                found = event.verdict
    return found


def _notified(scenario: Scenario, expect: Expected, found: Found) -> Iterator[Finding]:
    wanted = [n.level for n in expect.notified or ()]
    reached = [
        (r.level, (r.at - v.opened_at).total_seconds() * scenario.speed) for v in found.escalations for r in v.levels
    ]
    levels = [level for level, _ in reached]
    if wanted and not scenario.respond:
        levels = levels[: len(wanted)]  # nobody answers in it, so the ladder rightly goes on
    yield _list("levels told", tuple(wanted), levels)
    for each in expect.notified or ():
        after = next((t for level, t in reached if level == each.level), None)
        if each.within and after is not None:
            yield Finding(
                name=f"“{each.level}” within {seconds(each.within)}", met=after <= each.within, said=seconds(after)
            )
    for view in found.escalations:
        lost = [s.id for s in view.sendings.values() if s.sent_at is None]
        if lost:
            yield Finding(name="every message arrives", met=False, said=f"not sent: {listed(lost, 4)}")
