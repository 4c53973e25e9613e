"""What other journals than those of runs say of an incident: notes, chat, alerts, pages. None is a measurement."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from playbook_engine.journal.codec import Record
from playbook_engine.model.events import (
    DrillAborted,
    DrillNoted,
    DrillScored,
    DrillStarted,
    EscalationAcknowledged,
    EscalationExhausted,
    EscalationJoined,
    EscalationOpened,
    EscalationProgressed,
    EscalationReopened,
    EscalationResolved,
    Event,
    FaultCleared,
    FaultInjected,
    HostRecovered,
    IncidentAttached,
    IncidentClosed,
    IncidentNoted,
    IncidentOpened,
    InjectGiven,
    ItemDecided,
    LevelReached,
    LineImported,
    NotificationFailed,
    NotificationSent,
    ProbeVerified,
)
from playbook_engine.model.frozen import frozen
from playbook_engine.model.incident import Milestone, NoteKind
from playbook_engine.report.dossier import OWN, Dossier
from playbook_engine.report.escalation_log import Intents, intents_of, line
from playbook_engine.report.text import instant, listed, one_line

SAID = ("note", "chat", "alert")
LABELS: Mapping[type[Event], str] = {
    EscalationOpened: "escalation opened", EscalationJoined: "joined the escalation", LevelReached: "level told",
    NotificationSent: "message sent", NotificationFailed: "message not sent", EscalationAcknowledged: "acknowledged",
    EscalationProgressed: "progress", EscalationReopened: "escalation reopened", HostRecovered: "host recovered",
    EscalationExhausted: "nobody has answered", EscalationResolved: "escalation resolved",
}  # fmt: skip
"""What a reader sees of an escalation's events, in a word."""


@frozen
class Account:
    """One record of a journal that is no run's. `at` is when it happened as it says itself, `recorded` when it was
    written down. `id` is its anchor. `kind`: note, alert, chat, escalation, drill, incident."""

    id: str
    at: str
    recorded: str
    kind: str
    source: str
    who: str
    what: str
    text: str
    milestone: str = ""
    role: str = ""
    place: str = ""

    @property
    def said(self) -> bool:
        """Whether it is somebody's word, and not what the engine itself recorded of its own doing."""
        return self.kind in SAID


def accounts(dossier: Dossier) -> tuple[Account, ...]:
    """All of them, by the times that they give."""
    found = [a for r in dossier.incident.records if (a := _account(r, f"{OWN}{r.seq}", "incident", {}))]
    for log in dossier.logs:
        source = f"{log.prefix[:-1]} {log.kind}"
        intents = intents_of(log.records)
        found += [a for r in log.records if (a := _account(r, f"{log.prefix}{r.seq}", source, intents))]
    return tuple(sorted(found, key=lambda a: a.at))


def of_milestone(found: Iterable[Account], milestone: Milestone) -> Iterator[Account]:
    return (a for a in found if a.milestone == milestone)


def _account(record: Record, anchor: str, source: str, intents: Intents) -> Account | None:
    said = _said(record.event, intents)
    if said is None:
        return None
    kind, who, what, text = said
    event = record.event
    told = event.told if isinstance(event, (LineImported, IncidentNoted)) else ""
    milestone = event.milestone if isinstance(event, (LineImported, IncidentNoted, DrillNoted)) else ""
    if isinstance(event, EscalationAcknowledged):
        milestone = Milestone.ACKNOWLEDGED
    return Account(
        id=anchor, at=told if instant(told) else record.at, recorded=record.at, kind=kind,
        source=one_line(event.source) if isinstance(event, LineImported) else source, who=one_line(who), what=what,
        text=one_line(text), milestone=one_line(milestone),
        role=one_line(event.role) if isinstance(event, DrillNoted) else "",
        place=one_line(event.place) if isinstance(event, LineImported) else "",
    )  # fmt: skip


def _said(event: Event, intents: Intents) -> tuple[str, str, str, str] | None:
    """(kind, who, what, text) of what a reader wants to see."""
    match event:
        case IncidentOpened():
            return "incident", event.actor, "incident opened", f"{event.severity} {event.title}".strip()
        case IncidentAttached():
            return (
                "incident",
                event.actor,
                f"{event.kind} attached",
                f"{event.of}: {event.why}" if event.why else event.of,
            )
        case LineImported():
            return (
                ("chat" if event.speaker else "alert"),
                event.speaker,
                "chat" if event.speaker else "alert",
                event.text,
            )
        case IncidentNoted():
            return "note", event.actor, f"note: {event.kind}" if event.kind != NoteKind.NOTE else "note", event.text
        case ItemDecided():
            return "incident", event.actor, f"action item {event.item}", _decision(event)
        case ProbeVerified():
            verdict = event.verdict.replace("_", " ")
            return "incident", "", f"action item {event.item} verified", f"{verdict}, by {event.run}"
        case IncidentClosed():
            return "incident", event.actor, "incident closed", event.reason
        case _:
            return _of_escalation(event, intents) or _of_drill(event)


def _decision(event: ItemDecided) -> str:
    said = {
        "title": event.title, "type": event.type, "owner": event.owner, "due": event.due, "ticket": event.ticket,
        "proof": event.proof, "status": event.status, "reason": event.reason,
    }  # fmt: skip
    return ", ".join(f"{name} {value}" for name, value in said.items() if value)


def _of_escalation(event: Event, intents: Intents) -> tuple[str, str, str, str] | None:
    what = LABELS.get(type(event))
    if what is None:
        return None
    who = event.by if isinstance(event, (EscalationAcknowledged, EscalationResolved)) else ""
    return (
        "escalation",
        who or (event.actor if isinstance(event, EscalationProgressed) else ""),
        what,
        line(event, {}, intents),
    )


def _of_drill(event: Event) -> tuple[str, str, str, str] | None:
    kind = "drill"
    match event:
        case DrillStarted():
            return kind, event.actor, "drill started", f"{event.kind}: {event.title or event.scenario}"
        case FaultInjected():
            return kind, "", "fault injected", f"{event.fault} {event.argument} on {event.host}".strip()
        case FaultCleared():
            return kind, "", "fault cleared", f"{event.fault} on {event.host}"
        case InjectGiven():
            return kind, "", "inject", f"to {listed(list(event.to)) or 'all'}: {event.text}"
        case DrillNoted():
            return kind, event.actor or event.role, event.milestone or "said", event.text
        case DrillAborted():
            return kind, "", "drill aborted", event.why
        case DrillScored():
            return kind, "", "drill scored", "passed" if event.passed else "not passed"
        case _:
            return None
