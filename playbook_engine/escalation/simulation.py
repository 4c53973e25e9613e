"""Who hears what when: an escalation on a clock that only runs in thought. Every message is taken to arrive.

The moves are the ladder's own, so that what is shown is what will happen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from playbook_engine.escalation.ladder import due, event_of, messages
from playbook_engine.escalation.policy import Contact, Policy
from playbook_engine.escalation.view import EscalationView, fold
from playbook_engine.journal.codec import Record
from playbook_engine.model.events import (
    EscalationAcknowledged,
    EscalationExhausted,
    EscalationOpened,
    EscalationReopened,
    EscalationResolved,
    Event,
    LevelReached,
    NotificationIntended,
    NotificationSent,
)
from playbook_engine.model.frozen import frozen
from playbook_engine.report.text import stamp


@frozen
class Told:
    """Somebody hears of it. `channels`: the kinds by which, in the order of the contact's own list."""

    contact: Contact
    channels: tuple[str, ...]
    purpose: str


@frozen
class Moment:
    """What happens at one instant: an event of the escalation, and whom it lets hear of it."""

    at: datetime
    after: timedelta
    event: Event
    told: tuple[Told, ...]


class Simulation:
    """One escalation in thought. Moves are made by `until`; what people do comes in by `happen`."""

    def __init__(self, policy: Policy, opening: EscalationOpened, at: datetime) -> None:
        self.policy = policy
        self._seq = 1
        view = fold([Record(seq=1, at=_record_time(at), event=opening)])
        assert view is not None
        self.view: EscalationView = view
        self._sent: set[str] = set()

    def until(self, end: datetime) -> Iterator[Moment]:
        """Makes every move that is due before `end`."""
        while (coming := due(self.policy, self.view)) is not None and coming.at < end:
            yield self.happen(event_of(self.policy, coming.move, coming.at), coming.at)

    def happen(self, event: Event, at: datetime) -> Moment:
        """Something happens now: a move, an acknowledgement, the end."""
        self._apply(event, at)
        told: dict[tuple[str, str], list[str]] = {}
        for message in messages(self.policy, self.view):
            if message.id in self._sent:
                continue
            self._sent.add(message.id)
            kinds = told.setdefault((message.contact.id, message.purpose), [])
            kinds.append(message.address.kind)
            self._apply(
                NotificationIntended(
                    notification=message.id, purpose=message.purpose, contact=message.contact.id,
                    channel=message.address.kind, number=message.number, round=message.round,
                ),
                at,
            )  # fmt: skip
            self._apply(NotificationSent(notification=message.id), at)
        found = [
            Told(contact=contact, channels=tuple(dict.fromkeys(kinds)), purpose=purpose)
            for (name, purpose), kinds in told.items()
            if (contact := self.policy.contact(name))
        ]
        return Moment(at=at, after=at - self.view.opened_at, event=event, told=tuple(found))

    def _apply(self, event: Event, at: datetime) -> None:
        self._seq += 1
        self.view.apply(Record(seq=self._seq, at=_record_time(at), event=event))


def _record_time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def simulate(
    policy: Policy, opening: EscalationOpened, at: datetime, *, acks: Sequence[tuple[timedelta, str]] = (),
    resolved: timedelta | None = None, horizon: timedelta = timedelta(hours=24),
) -> list[Moment]:  # fmt: skip
    """All that happens from `at` on, with these acknowledgements (after how long, by whom) and this end."""
    simulation = Simulation(policy, opening, at)
    happening: list[tuple[timedelta, Event]] = [(after, EscalationAcknowledged(by=by)) for after, by in acks]
    if resolved is not None:
        happening.append((resolved, EscalationResolved(why="it is over")))
    found: list[Moment] = []
    for after, event in sorted(happening, key=lambda h: h[0]):
        found += simulation.until(at + after)
        if simulation.view.over or after > horizon:
            break
        found.append(simulation.happen(event, at + after))
    return [*found, *simulation.until(at + horizon)]


def described(policy: Policy, moment: Moment) -> str:
    """What happens, in a few words."""
    match moment.event:
        case LevelReached(number=number, round=round_, level=level, why=why):
            again = f", round {round_} of {policy.repeat + 1}" if round_ > 1 else ""
            return f"level {number} {level}{again}{': ' + why if why else ''}"
        case EscalationAcknowledged(by=by):
            return f"acknowledged by {by}: the ladder stops"
        case EscalationReopened(why=why):
            return f"begins anew: {why}"
        case EscalationExhausted(then=then):
            follows = "" if then == "nothing" else f"; then {then.replace('_', ' ')}"
            return f"nobody has answered{follows}"
        case EscalationResolved():
            return "resolved"
        case _:
            return stamp(moment.at)
