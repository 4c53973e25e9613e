"""An incident as its journal tells it: what belongs to it, what was said, what was decided."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from playbook_engine.journal.codec import Record
from playbook_engine.model.events import (
    IncidentAttached,
    IncidentClosed,
    IncidentNoted,
    IncidentOpened,
    ItemDecided,
    LineImported,
    ProbeVerified,
)
from playbook_engine.model.frozen import frozen


@frozen
class Attached:
    """Something that belongs to it, with the record that says so."""

    seq: int
    kind: str
    of: str
    why: str


@dataclass(slots=True, kw_only=True)
class IncidentView:
    """One incident. `decided` and `verified` are the records about each action item, oldest first."""

    incident: str
    opened: IncidentOpened
    opened_at: str
    attached: list[Attached] = field(default_factory=list)
    notes: list[Record] = field(default_factory=list)
    lines: list[Record] = field(default_factory=list)
    decided: dict[str, list[Record]] = field(default_factory=dict)
    verified: dict[str, list[Record]] = field(default_factory=dict)
    closed: IncidentClosed | None = None
    closed_at: str = ""
    closed_seq: int = 0
    records: tuple[Record, ...] = ()

    def of(self, kind: str) -> list[str]:
        """The ids of what is attached of a kind, in the order in which it was."""
        return list(dict.fromkeys(a.of for a in self.attached if a.kind == kind))


def fold_incident(incident: str, records: Iterable[Record]) -> IncidentView | None:
    """None when there is not even its first record."""
    view: IncidentView | None = None
    kept = tuple(records)
    for record in kept:
        match event := record.event:
            case IncidentOpened():
                view = IncidentView(incident=incident, opened=event, opened_at=record.at)
            case _ if view is not None:
                _apply(view, record)
            case _:
                pass
    if view is not None:
        view.records = kept
    return view


def _apply(view: IncidentView, record: Record) -> None:
    match event := record.event:
        case IncidentAttached():
            view.attached.append(Attached(seq=record.seq, kind=event.kind, of=event.of, why=event.why))
        case IncidentNoted():
            view.notes.append(record)
        case LineImported():
            view.lines.append(record)
        case ItemDecided():
            view.decided.setdefault(event.item, []).append(record)
        case ProbeVerified():
            view.verified.setdefault(event.item, []).append(record)
        case IncidentClosed():
            view.closed, view.closed_at, view.closed_seq = event, record.at, record.seq
        case _:
            pass
