"""The journal of an escalation as rows: when, what happened, who. For the terminal, the timeline and the incident."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from playbook_engine.journal.codec import Record
from playbook_engine.model.events import (
    EscalationAcknowledged,
    EscalationExhausted,
    EscalationJoined,
    EscalationOpened,
    EscalationProgressed,
    EscalationReopened,
    EscalationResolved,
    HostRecovered,
    LevelReached,
    NotificationFailed,
    NotificationIntended,
    NotificationSent,
)
from playbook_engine.report.text import listed, moment, one_line, seconds

Intents = Mapping[str, NotificationIntended]
"""By notification: to whom it was to go, and by what."""


def intents_of(records: Iterable[Record]) -> dict[str, NotificationIntended]:
    return {r.event.notification: r.event for r in records if isinstance(r.event, NotificationIntended)}


def as_rows(records: Sequence[Record], names: Mapping[str, str]) -> list[dict[str, object]]:
    """Time, what, and the record's number. `names` of contacts, by id."""
    intents = intents_of(records)
    rows = [(r, line(r.event, names, intents)) for r in records]
    return [{"at": r.at, "seq": r.seq, "what": said} for r, said in rows if said]


def as_lines(records: Sequence[Record], names: Mapping[str, str]) -> list[str]:
    return [f"{moment(str(row['at']))}  {row['what']}" for row in as_rows(records, names)]


def line(event: object, names: Mapping[str, str], intents: Intents) -> str:
    """One event, in one line; empty for what is no news."""
    return one_line(_said(event, names, intents))


def _said(event: object, names: Mapping[str, str], intents: Intents) -> str:
    match event:
        case EscalationOpened():
            return f"{event.severity} by policy {event.policy}, raised by {event.run}: {_where(event)}"
        case EscalationJoined():
            return f"another failure, in {event.run}: {_where(event)}"
        case LevelReached():
            who = listed([names.get(c, c) for c in event.contacts]) or "nobody on call"
            again = f" (round {event.round})" if event.round > 1 else ""
            return f"level {event.number} {event.level}{again}: {who}{'; ' + event.why if event.why else ''}"
        case NotificationSent():
            who = _whom(intents.get(event.notification), names)
            times = f", attempt {event.attempt}" if event.attempt > 1 else ""
            return f"sent to {who}{times}: {event.answer} ({seconds(event.seconds)})"
        case NotificationFailed():
            who = _whom(intents.get(event.notification), names)
            then = f"again in {seconds(event.retry)}" if event.retry >= 0 else "given up"
            return f"NOT sent to {who}, attempt {event.attempt}: {event.reason}; {then}"
        case EscalationAcknowledged():
            return f"acknowledged by {event.by} ({event.via}){': ' + event.note if event.note else ''}"
        case EscalationProgressed():
            where = f" in {event.run}" if event.run else ""
            return f"progress: {event.what}{where}{' by ' + event.actor if event.actor else ''}"
        case EscalationReopened():
            return f"begins anew: {event.why}"
        case HostRecovered():
            return f"{event.host} has recovered in {event.run}"
        case EscalationExhausted():
            then = "" if event.then in ("", "nothing") else f"; {event.then.replace('_', ' ')}"
            return f"nobody has answered in {event.rounds} rounds{then}"
        case EscalationResolved():
            return f"over: {event.why}{' (' + event.by + ')' if event.by else ''}"
        case _:
            return ""


def _where(event: EscalationOpened | EscalationJoined) -> str:
    return f"{event.host}: {event.why}" if event.host else event.why


def _whom(intent: NotificationIntended | None, names: Mapping[str, str]) -> str:
    if intent is None:
        return "somebody"
    purpose = "" if intent.purpose == "page" else f", {intent.purpose}"
    return f"{names.get(intent.contact, intent.contact)} by {intent.channel}{purpose}"
