"""Events → what is: the one view of an escalation that the ladder, the messages and the reports read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from playbook_engine.journal.codec import Record
from playbook_engine.model.errors import JournalError
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
from playbook_engine.model.frozen import frozen
from playbook_engine.report.text import instant


class State(StrEnum):
    """Where an escalation stands."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    EXHAUSTED = "exhausted"
    RESOLVED = "resolved"


@dataclass(slots=True, kw_only=True)
class Sending:
    """One message to one address, over all attempts at it. `tries` counts those that were intended, `failures` those
    that are known to have failed."""

    id: str
    purpose: str
    contact: str
    channel: str
    number: int
    round: int
    tries: int = 0
    failures: int = 0
    first_at: datetime
    last_at: datetime
    sent_at: datetime | None = None
    answer: str = ""
    reason: str = ""
    retry: float | None = None

    @property
    def given_up(self) -> bool:
        return self.sent_at is None and self.retry is not None and self.retry < 0

    @property
    def done(self) -> bool:
        return self.sent_at is not None or self.given_up


@frozen
class Reached:
    """A level was told. `cycle` counts how often the ladder began anew."""

    at: datetime
    number: int
    round: int
    cycle: int
    level: str
    contacts: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class EscalationView:
    """One escalation. `failures` are what made it: the first, and those that joined; `hosts` in that order."""

    opened: EscalationOpened
    opened_at: datetime
    cycle: int = 0
    cycle_at: datetime
    failures: list[tuple[datetime, EscalationOpened | EscalationJoined]] = field(default_factory=list)
    levels: list[Reached] = field(default_factory=list)
    sendings: dict[str, Sending] = field(default_factory=dict)
    acks: list[tuple[datetime, EscalationAcknowledged]] = field(default_factory=list)
    progress: list[tuple[datetime, EscalationProgressed]] = field(default_factory=list)
    reopened: list[tuple[datetime, EscalationReopened]] = field(default_factory=list)
    recovered: dict[str, str] = field(default_factory=dict)
    acked_cycle: int = -1
    exhausted_at: datetime | None = None
    resolved: EscalationResolved | None = None
    resolved_at: datetime | None = None

    @property
    def id(self) -> str:
        return self.opened.escalation

    @property
    def hosts(self) -> list[str]:
        return list(dict.fromkeys(f.host for _, f in self.failures if f.host))

    @property
    def runs(self) -> list[str]:
        return list(dict.fromkeys(f.run for _, f in self.failures))

    @property
    def severity(self) -> str:
        """The gravest of its failures."""
        return min((f.severity for _, f in self.failures if f.severity), default="P2")

    @property
    def ack(self) -> tuple[datetime, EscalationAcknowledged] | None:
        """The acknowledgement that holds: one that came before the ladder began anew does not."""
        return self.acks[-1] if self.acks and self.acked_cycle == self.cycle else None

    @property
    def state(self) -> State:
        if self.resolved is not None:
            return State.RESOLVED
        if self.ack is not None:
            return State.ACKNOWLEDGED
        return State.EXHAUSTED if self.exhausted_at is not None else State.OPEN

    @property
    def over(self) -> bool:
        return self.state is State.RESOLVED

    def climbed(self) -> list[Reached]:
        """The levels that were told since the ladder last began."""
        return [r for r in self.levels if r.cycle == self.cycle]

    def unrecovered(self) -> list[str]:
        return [h for h in self.hosts if h not in self.recovered]

    def apply(self, record: Record) -> None:
        """Takes in one more event."""
        at, event = at_of(record), record.event
        match event:
            case EscalationJoined():
                self.failures.append((at, event))
                self.recovered.pop(event.host, None)
            case LevelReached():
                self._reached(at, event)
            case NotificationIntended():
                self._intended(at, event)
            case NotificationSent():
                if sending := self.sendings.get(event.notification):
                    sending.sent_at, sending.answer, sending.last_at = at, event.answer, at
            case NotificationFailed():
                if sending := self.sendings.get(event.notification):
                    sending.reason, sending.retry, sending.last_at = event.reason, event.retry, at
                    sending.failures += 1
            case EscalationAcknowledged():
                self.acks.append((at, event))
                self.acked_cycle, self.exhausted_at = self.cycle, None
            case EscalationProgressed():
                self.progress.append((at, event))
            case EscalationReopened():
                self.reopened.append((at, event))
                self.cycle, self.cycle_at, self.exhausted_at = self.cycle + 1, at, None
            case HostRecovered():
                self.recovered[event.host] = event.run
            case EscalationExhausted():
                self.exhausted_at = at
            case EscalationResolved():
                self.resolved, self.resolved_at = event, at
            case _:
                pass

    def _reached(self, at: datetime, event: LevelReached) -> None:
        self.levels.append(
            Reached(
                at=at, number=event.number, round=event.round, cycle=self.cycle, level=event.level,
                contacts=event.contacts,
            )
        )  # fmt: skip

    def _intended(self, at: datetime, event: NotificationIntended) -> None:
        sending = self.sendings.get(event.notification)
        if sending is None:
            sending = self.sendings[event.notification] = Sending(
                id=event.notification, purpose=event.purpose, contact=event.contact, channel=event.channel,
                number=event.number, round=event.round, first_at=at, last_at=at,
            )  # fmt: skip
        sending.tries, sending.last_at = event.attempt, at


def at_of(record: Record) -> datetime:
    """A record's time. Raises JournalError for one without."""
    at = instant(record.at)
    if at is None:
        raise JournalError(f"record {record.seq} has no time: {record.at!r}")
    return at


def fold(records: Iterable[Record]) -> EscalationView | None:
    """The view of an escalation; None when there is not even its first record."""
    view: EscalationView | None = None
    for record in records:
        if isinstance(record.event, EscalationOpened):
            at = at_of(record)
            view = EscalationView(opened=record.event, opened_at=at, cycle_at=at, failures=[(at, record.event)])
        elif view is not None:
            view.apply(record)
    return view
