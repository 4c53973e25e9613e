"""The journals behind a post-incident document, and those of their records that it links to."""

from __future__ import annotations

from playbook_engine.journal.codec import Record
from playbook_engine.model.events import HostConnected, RunFinished, RunResumed, RunStarted, StateObserved
from playbook_engine.model.frozen import frozen
from playbook_engine.report.dossier import OWN, Dossier, Part
from playbook_engine.report.evidence import Entry, by_numbers, entries
from playbook_engine.report.subject import Subject
from playbook_engine.report.text import count, one_line, plain_name


@frozen
class Source:
    """A journal that the document was computed from."""

    label: str
    id: str
    kind: str
    records: int
    faults: tuple[str, ...]


def sources(dossier: Dossier) -> tuple[Source, ...]:
    view = dossier.incident
    found = [
        Source(label=OWN, id=view.incident, kind="incident", records=len(view.records), faults=dossier.faults),
        *(_source(p, p.subject.view.started.kind) for p in dossier.parts),
        *(
            Source(label=log.prefix[:-1], id=log.id, kind=log.kind, records=len(log.records), faults=log.faults)
            for log in dossier.logs
        ),
        *(_source(p, f"earlier {p.subject.view.started.kind}") for p in dossier.earlier),
    ]  # fmt: skip
    return tuple(found)


def _source(part: Part, kind: str) -> Source:
    subject = part.subject
    return Source(
        label=part.label, id=subject.run, kind=kind, records=len(subject.view.records), faults=subject.faults
    )  # fmt: skip


def evidence(dossier: Dossier, wanted: frozenset[str]) -> tuple[Entry, ...]:
    """The records of runs that something in the document links to."""
    found: list[Entry] = []
    for part in (*dossier.parts, *dossier.earlier):
        mine = [r for r in part.subject.view.records if f"{part.prefix}{r.seq}" in wanted]
        made = {e.seq: e for e in entries(part.subject, by_numbers(r.seq for r in mine), prefix=part.prefix)}
        found += [made.get(r.seq) or _other(part.subject, r, part.prefix) for r in mine]
    return tuple(found)


def _other(subject: Subject, record: Record, prefix: str) -> Entry:
    """A record that no status stands on, and that a row of the timeline or a candidate cause does."""
    event = record.event
    what, name, detail = type(event).__name__, "", ""
    match event:
        case RunStarted():
            what, name, detail = "run", plain_name(event.title or event.runbook), f"started by {event.actor}"
        case RunResumed():
            what, detail = "run", f"resumed by {event.actor} {event.reason}"
        case RunFinished():
            what, detail = "run", f"ended, exit {event.exit_code} {event.message}"
        case HostConnected():
            what, name, detail = "connection", event.address, f"boot {event.boot_id}, python {event.python}"
        case StateObserved():
            what, detail = "state", count(len(event.changes), "difference")
        case _:
            pass
    return Entry(
        id=f"{prefix}{record.seq}", run=subject.run, seq=record.seq, at=record.at, host=one_line(event.host), what=what,
        name=one_line(name), outcome="recorded", detail=one_line(detail),
    )  # fmt: skip
