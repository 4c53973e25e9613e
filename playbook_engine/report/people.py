"""Who had a part in an incident, by what is recorded of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from playbook_engine.journal.approvals import person
from playbook_engine.model.events import (
    ApprovalGiven,
    DrillNoted,
    DrillStarted,
    EscalationAcknowledged,
    EscalationOpened,
    EscalationProgressed,
    EscalationResolved,
    IncidentAttached,
    IncidentClosed,
    IncidentNoted,
    IncidentOpened,
    ItemDecided,
    LevelReached,
    LineImported,
    NotificationIntended,
    RunHandedOver,
    RunResumed,
    RunStarted,
)
from playbook_engine.model.frozen import frozen
from playbook_engine.model.incident import NoteKind
from playbook_engine.report.dossier import OWN, Dossier

LISTED = re.compile(r"\s*(?:,|;|\band\b|&|/)\s*")


@frozen
class Person:
    """`roles`: what they did, in the order in which it is first recorded. `evidence`: the first record of each."""

    name: str
    roles: tuple[str, ...]
    since: str
    evidence: tuple[str, ...]


@frozen
class Mention:
    """A record that names somebody. `linkable`: whether the document holds it."""

    name: str
    role: str
    at: str
    evidence: str


def people(dossier: Dossier) -> tuple[Person, ...]:
    """By when they are first recorded; `ada@laptop.test` and `ada@bastion.test` are one."""
    groups: dict[str, list[Mention]] = {}
    for mention in sorted(mentions(dossier), key=lambda m: m.at):
        if mention.at:
            groups.setdefault(person(mention.name).casefold(), []).append(mention)
    return tuple(
        Person(
            name=found[0].name, roles=tuple(dict.fromkeys(m.role for m in found)), since=found[0].at,
            evidence=tuple({m.role: m.evidence for m in reversed(found)}.values())[::-1],
        )
        for found in groups.values()
    )  # fmt: skip


def mentions(dossier: Dossier) -> Iterator[Mention]:
    """Every name of a person that a record gives as such. Those without a time are no actors: an owner, a contact."""
    for part in (*dossier.parts, *dossier.earlier):
        earlier = part in dossier.earlier
        for record in part.subject.view.records:
            for name, role in _of_run(record.event):
                if name:
                    at = "" if earlier or role == "owner" else record.at
                    yield Mention(name=name, role=role, at=at, evidence=f"{part.prefix}{record.seq}")
    for record in dossier.incident.records:
        for name, role in _of_incident(record.event):
            if name:
                at = "" if role == "owner" else record.at
                yield Mention(name=name, role=role, at=at, evidence=f"{OWN}{record.seq}")
    for log in dossier.logs:
        for record in log.records:
            for name, role in _of_log(record.event):
                if name:
                    at = "" if role == "contact" else record.at
                    yield Mention(name=name, role=role, at=at, evidence=f"{log.prefix}{record.seq}")


def _of_run(event: object) -> Iterator[tuple[str, str]]:
    match event:
        case RunStarted():
            yield event.actor, "operator"
            yield event.owner, "owner"
            yield event.escalation, "owner"
        case RunResumed():
            yield event.actor, "operator"
        case RunHandedOver():
            yield event.actor, "operator"
            yield event.to, "operator"
        case ApprovalGiven():
            yield event.actor, "approver"
        case _:
            pass


def _of_incident(event: object) -> Iterator[tuple[str, str]]:
    match event:
        case IncidentOpened() | IncidentAttached() | IncidentClosed() | ItemDecided() | IncidentNoted():
            yield event.actor, "scribe"
            if isinstance(event, ItemDecided):
                yield event.owner, "owner"
            if isinstance(event, IncidentNoted) and event.kind in (NoteKind.OWNER, NoteKind.REVIEWERS):
                yield from ((name, "owner") for name in LISTED.split(event.text))
        case LineImported():
            yield event.speaker, "participant"
            yield event.actor, "scribe"
        case _:
            pass


def _of_log(event: object) -> Iterator[tuple[str, str]]:
    match event:
        case EscalationOpened():
            yield from ((name, "contact") for name in _contacts(event.snapshot))
        case LevelReached():
            yield from ((name, "on call") for name in event.contacts)
        case NotificationIntended():
            yield event.contact, "on call"
        case EscalationAcknowledged() | EscalationResolved():
            yield event.by, "responder"
        case EscalationProgressed() | DrillStarted():
            yield event.actor, "operator"
        case DrillNoted():
            yield event.actor, event.role or "participant"
        case _:
            pass


def _contacts(snapshot: object) -> Iterator[str]:
    """Names and addresses of the contacts that a policy has, wherever they stand in it."""
    if isinstance(snapshot, Mapping):
        for key, value in snapshot.items():
            if key in ("id", "name", "address", "user", "backup", "email", "phone") and isinstance(value, str):
                yield value
            elif key == "contacts" and isinstance(value, Mapping):
                yield from (str(name) for name in value)
                yield from _contacts(list(value.values()))
            else:
                yield from _contacts(value)
    elif isinstance(snapshot, (list, tuple)):
        for value in snapshot:
            yield from _contacts(value)
