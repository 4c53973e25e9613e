"""What records have to say about what went well, badly, and by luck: hints for people, who judge."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from playbook_engine.journal.fold import HostView
from playbook_engine.model.events import CheckEvaluated, StepFinished
from playbook_engine.model.frozen import frozen
from playbook_engine.model.incident import NoteKind
from playbook_engine.report.declared import mapping, sequence, word
from playbook_engine.report.dossier import Dossier, Part
from playbook_engine.report.failings import Course
from playbook_engine.report.text import count, one_line, plain_name, seconds

NEAR = 0.8  # of its time that a step took, and nobody noticed
MOST = 8


@frozen
class Hint:
    text: str
    evidence: tuple[str, ...] = ()


def hints(dossier: Dossier, fate: Course) -> dict[str, tuple[Hint, ...]]:
    """By the kind of note that they may help with."""
    found = {NoteKind.WELL: _well(dossier), NoteKind.BADLY: _badly(dossier, fate), NoteKind.LUCKY: _lucky(dossier)}
    return {str(kind): tuple(h for h, _ in zip(each, range(MOST), strict=False)) for kind, each in found.items()}


def _hosts(dossier: Dossier) -> Iterator[tuple[Part, HostView]]:
    return ((part, host) for part in dossier.parts for host in part.subject.view.hosts.values())


def _well(dossier: Dossier) -> Iterator[Hint]:
    for part, host in _hosts(dossier):
        for record in part.subject.view.records:
            event = record.event
            if event in host.proofs and getattr(event, "proved", False):
                yield Hint(
                    text=f"what was done on {one_line(host.name)} was taken back, and that was proved",
                    evidence=(f"{part.prefix}{record.seq}",),
                )


def _badly(dossier: Dossier, fate: Course) -> Iterator[Hint]:
    for each in fate.failings:
        if len(each.bad) > 1 and each.kind == "step":
            yield Hint(
                text=f"{each.name} on {each.host} failed {len(each.bad)} times",
                evidence=(each.bad[0].evidence, each.bad[-1].evidence),
            )
    for part in dossier.parts:
        started = part.subject.view.started
        if started.kind == "exec":
            first = part.subject.view.records[0].seq
            yield Hint(
                text=f"{part.label} was done by hand, outside a runbook: {one_line(started.title or started.runbook)}",
                evidence=(f"{part.prefix}{first}",),
            )
    for part, host in _hosts(dossier):
        for change in host.changes:
            if change.in_doubt and change.undone is None:
                name = f"{plain_name(change.intended.name)} was sent to {one_line(host.name)}"
                yield Hint(text=f"{name}, and nobody heard how it ended", evidence=(f"{part.prefix}{change.seq}",))


def _lucky(dossier: Dossier) -> Iterator[Hint]:
    for part, host in _hosts(dossier):
        limits = dict(_timeouts(mapping(part.subject.view.started.plan.get("runbook"))))
        checked = {r.event.step for r in part.subject.view.records if isinstance(r.event, CheckEvaluated)}
        checked -= {""}
        for step in host.steps:
            end = step.finished
            if end is None or end.outcome not in ("ok", "changed"):
                continue
            evidence = (f"{part.prefix}{step.finished_seq}",)
            name = f"{plain_name(end.name)} on {one_line(host.name)}"
            if step.retries or end.attempts > 1:
                tries = max(end.attempts, step.retries + 1)
                yield Hint(text=f"{name} worked at attempt {tries}", evidence=evidence)
            yield from _near(name, end, limits.get(end.step, 0.0), evidence)
        for check in host.checks:
            event = check.event
            if isinstance(event, CheckEvaluated) and event.verdict == "met" and event.samples > 3:
                yield Hint(
                    text=f"{plain_name(event.name)} on {one_line(host.name)} held only at look {event.samples}",
                    evidence=(f"{part.prefix}{check.seq}",),
                )
        unproved = [s for s in host.steps if s.outcome == "changed" and s.started.step not in checked]
        if unproved and not any(
            isinstance(c.event, CheckEvaluated) and c.event.purpose == "criterion" for c in host.checks
        ):
            yield Hint(
                text=f"nothing checked {count(len(unproved), 'changed step')} on {one_line(host.name)}",
                evidence=(f"{part.prefix}{unproved[0].finished_seq}",),
            )


def _near(name: str, end: StepFinished, limit: float, evidence: tuple[str, ...]) -> Iterator[Hint]:
    if limit and limit > end.seconds >= NEAR * limit:
        yield Hint(text=f"{name} took {seconds(end.seconds)} of the {seconds(limit)} that it had", evidence=evidence)


def _timeouts(runbook: Mapping[str, object]) -> Iterator[tuple[str, float]]:
    """Step → its deadline in seconds; the default is not written down, and is five minutes."""
    for each in sequence(runbook.get("steps")):
        step = mapping(each)
        inner = mapping(step.get("runbook"))
        if inner:
            yield from _timeouts(inner)
        else:
            limit = step.get("timeout", 300.0)
            yield word(step.get("id")), float(limit) if isinstance(limit, (int, float)) else 0.0
