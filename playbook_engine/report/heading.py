"""The head of a post-incident document: which incident, how grave, by whom, and what is wrong with its journals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta

from playbook_engine import __version__
from playbook_engine.model.frozen import frozen
from playbook_engine.model.incident import Milestone, NoteKind
from playbook_engine.report.blanks import Answer, Blank
from playbook_engine.report.contacts import contact
from playbook_engine.report.dossier import Dossier
from playbook_engine.report.milestones import Time
from playbook_engine.report.severity import Severity, highest, parse
from playbook_engine.report.text import instant, one_line, plain_name, stamp

MEETING_DAYS = 5  # business days until the meeting (PagerDuty's incident response guide)


@frozen
class Heading:
    """What stands above all: `run` is the incident's id. `drills` are those it was practised in."""

    run: str
    title: str
    status: str
    severity: Severity | None
    severity_why: str
    services: tuple[str, ...]
    opened: str
    opened_by: str
    closed: str
    closed_by: str
    closed_reason: str
    meeting_by: str
    drill: bool
    drills: tuple[str, ...]
    faults: tuple[str, ...]
    rendered: str
    records: int
    engine: str = __version__
    check: bool = False


def heading(dossier: Dossier, when: Sequence[Time], blanks: Sequence[Blank], records: int, now: datetime) -> Heading:
    view, started = dossier.incident, [p.subject.view.started for p in dossier.parts]
    grade, why = _severity(dossier)
    resolved = next((t.at for t in when if t.milestone is Milestone.RESOLVED and t.at), view.opened_at)
    drills = tuple(dict.fromkeys([log.id for log in dossier.logs_of("drill")] + [s.drill for s in started if s.drill]))
    title = view.opened.title or next((s.title or s.runbook for s in started), view.incident)
    status = "draft" if blanks else "final" if view.closed else "reviewed"
    services = dict.fromkeys([*view.opened.services, *(s for each in started for s in each.services)])
    return Heading(
        run=view.incident, title=plain_name(title), status=status, severity=grade, severity_why=why,
        services=tuple(one_line(s) for s in services), opened=view.opened_at, opened_by=one_line(view.opened.actor),
        closed=view.closed_at, closed_by=one_line(view.closed.actor) if view.closed else "",
        closed_reason=one_line(view.closed.reason) if view.closed else "", meeting_by=_business_days(resolved),
        drill=dossier.drill, drills=drills,
        faults=tuple(one_line(f) for f in (*dossier.faults, *_run_faults(dossier), *dossier.unread)),
        rendered=stamp(now), records=records,
    )  # fmt: skip


def _run_faults(dossier: Dossier) -> Iterable[str]:
    for part in (*dossier.parts, *dossier.earlier):
        yield from (f"{part.label} {part.subject.run}: {fault}" for fault in part.subject.faults)
    for log in dossier.logs:
        yield from (f"{log.kind} {log.id}: {fault}" for fault in log.faults)


def _severity(dossier: Dossier) -> tuple[Severity | None, str]:
    """What somebody says, or the worst of the runs."""
    declared = parse(dossier.incident.opened.severity)
    if declared is not None:
        why = dossier.incident.opened.why
        for part in dossier.parts:
            why = why.replace(part.subject.run, part.label)
        return declared, one_line(why)
    found = {p.label: parse(p.subject.view.started.severity) for p in dossier.parts}
    worst = highest(s for s in found.values() if s is not None)
    label = next((name for name, s in found.items() if s is worst), "")
    return (worst, f"the runbook of {label} says so") if worst else (None, "nobody gave one")


def _business_days(at: str) -> str:
    """The day by which it is to be talked about."""
    when = instant(at)
    if when is None:
        return ""
    day: date = when.date()
    left_over = MEETING_DAYS
    while left_over:
        day += timedelta(days=1)
        left_over -= day.weekday() < 5
    return day.isoformat()


def known(dossier: Dossier) -> dict[NoteKind, Answer]:
    """The document's owner is the runbook's, unless that is a placeholder."""
    for part in dossier.parts:
        owner = contact("owner", part.subject.view.started.owner)
        if owner.name:
            text, first = f"{owner.name}, the owner of the runbook", part.subject.view.records[0]
            answer = Answer(text=text, who="", at=first.at, evidence=f"{part.prefix}{first.seq}")
            return {NoteKind.OWNER: answer}
    return {}
