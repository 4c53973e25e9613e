"""The ladder: what is to happen next, and when. Pure functions of a policy and a view, the same in the simulation, on
a drill's clock, and at night.

Each level is told once in a round. Its people have `ack_timeout` to answer; then the next is told; after the last the
ladder is climbed again, `repeat` times. A level none of whose messages could be delivered is passed at once. An
acknowledgement stops it; one that nothing follows for `again_after` begins it anew.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from playbook_engine.escalation.policy import Address, Contact, Kind, Policy
from playbook_engine.escalation.schedule import after_quiet, people
from playbook_engine.escalation.view import EscalationView, Reached, State
from playbook_engine.model.events import EscalationExhausted, EscalationReopened, Event, LevelReached
from playbook_engine.model.frozen import frozen

TRACKING = (Kind.PAGERDUTY, Kind.GOALERT)
"""Services that keep the state of an alert, and have to hear that somebody has taken it."""


@frozen
class Climb:
    """Tell a level. `number` counts from 1, as `round` does."""

    number: int
    round: int
    why: str = ""


@frozen
class Exhaust:
    """Every level was told, and nobody has answered."""

    rounds: int


@frozen
class Reopen:
    """Somebody has taken it, and nothing was done since."""

    why: str


Move = Climb | Exhaust | Reopen


@frozen
class Due:
    """A move, and the instant from which on it is to be made."""

    at: datetime
    move: Move


def due(policy: Policy, view: EscalationView) -> Due | None:
    """The next move; None when there is none until something happens."""
    match view.state:
        case State.RESOLVED | State.EXHAUSTED:
            return None
        case State.ACKNOWLEDGED:
            return _without_progress(policy, view)
        case State.OPEN:
            found = _next(policy, view)
    if isinstance(found.move, Climb):
        return Due(at=after_quiet(policy.quiet, view.severity, found.at), move=found.move)
    return found


def _without_progress(policy: Policy, view: EscalationView) -> Due | None:
    if not policy.again_after or view.ack is None:
        return None
    at, ack = view.ack
    last = max([at, *(when for when, _ in view.progress)])
    minutes = policy.again_after / 60
    why = f"{ack.by} has acknowledged it, and nothing was done for {minutes:g} min"
    return Due(at=last + timedelta(seconds=policy.again_after), move=Reopen(why=why))


def _next(policy: Policy, view: EscalationView) -> Due:
    climbed = view.climbed()
    if not climbed:
        return Due(at=view.cycle_at + _seconds(policy.levels[0].delay), move=Climb(number=1, round=1))
    last = climbed[-1]
    at, why = _answered_by(policy, view, last), ""
    if at < last.at + _seconds(policy.levels[last.number - 1].ack_timeout):
        why = f"nobody on {last.level!r} could be reached"
    if last.number < len(policy.levels):
        following = policy.levels[last.number]
        return Due(at=at + _seconds(following.delay), move=Climb(number=last.number + 1, round=last.round, why=why))
    if last.round <= policy.repeat:
        return Due(at=at + _seconds(policy.levels[0].delay), move=Climb(number=1, round=last.round + 1, why=why))
    return Due(at=at, move=Exhaust(rounds=last.round))


def _answered_by(policy: Policy, view: EscalationView, last: Reached) -> datetime:
    """Until when the people of a level may answer: at once over where none of them could be told."""
    until = last.at + _seconds(policy.levels[last.number - 1].ack_timeout)
    mine = [s for s in view.sendings.values() if s.id.startswith(f"{prefix(last)}.")]
    named = [c for name in last.contacts if (c := policy.contact(name)) and not c.room]
    if not named:
        return last.at
    to_people = [s for s in mine if (c := policy.contact(s.contact)) and not c.room]
    if to_people and all(s.given_up for s in to_people):
        return min(until, max(s.last_at for s in to_people))
    return until


def _seconds(span: float) -> timedelta:
    return timedelta(seconds=span)


# ------------------------------------------------------------------ who is to be told what


@frozen
class Message:
    """One message to one address. `id` is the same at every attempt, also by a later process."""

    id: str
    purpose: str
    contact: Contact
    address: Address
    number: int = 0
    round: int = 0


def prefix(reached: Reached) -> str:
    """What the ids of a level's messages begin with."""
    return f"{reached.cycle}.{reached.round}.{reached.number}"


def messages(policy: Policy, view: EscalationView) -> list[Message]:
    """All messages that the view calls for, those that were sent already among them; each id once."""
    found: list[Message] = []
    for reached in view.levels:
        level = policy.levels[reached.number - 1]
        for contact in _known(policy, reached.contacts):
            found += _to(contact, f"{prefix(reached)}.{contact.id}", "page", level.via, reached.number, reached.round)
    for n, (at, _) in enumerate(view.failures):
        for contact in _taken_by(policy, view, at) if n and _news(view, n) else ():
            found += _to(contact, f"u{n}.{contact.id}", "update", (), 0, 0)
    if view.exhausted_at is not None and policy.tell_everyone:
        for contact in policy.contacts:
            found += _to(contact, f"x{view.cycle}.{contact.id}", "exhausted", (), 0, 0)
    told = _told(policy, view)
    for n, _ in enumerate(view.acks):
        for contact, address in told:
            if address.kind in TRACKING:
                found.append(_one(contact, address, f"a{n}", "acknowledged"))
    if view.resolved is not None and policy.recovered:
        found += [_one(contact, address, "r", "recovered") for contact, address in told]
    return found


def _news(view: EscalationView, n: int) -> bool:
    """Whether the nth failure is on a host that was not among those before."""
    return view.failures[n][1].host not in {f.host for _, f in view.failures[:n]}


def _taken_by(policy: Policy, view: EscalationView, at: datetime) -> list[Contact]:
    """Who had acknowledged it at that time; whoever was told last where a stranger has."""
    acks = [(when, ack) for when, ack in view.acks if when <= at]
    if not acks:
        return []
    by = acks[-1][1].by.partition("@")[0]
    named = [c for c in policy.contacts if by in (c.id, c.name)]
    levels = [r for r in view.levels if r.at <= at]
    return named or (_known(policy, levels[-1].contacts) if levels else [])


def _known(policy: Policy, names: tuple[str, ...]) -> list[Contact]:
    return [c for name in names if (c := policy.contact(name))]


def _to(
    contact: Contact, beginning: str, purpose: str, via: tuple[Kind, ...], number: int, round_: int
) -> list[Message]:
    return [
        Message(
            id=f"{beginning}.{n}", purpose=purpose, contact=contact, address=address, number=number, round=round_
        )
        for n, address in enumerate(contact.addresses)
        if not via or address.kind in via
    ]  # fmt: skip


def _told(policy: Policy, view: EscalationView) -> list[tuple[Contact, Address]]:
    """Every address that a page, an update or the last call has reached, once."""
    found: dict[tuple[str, int], tuple[Contact, Address]] = {}
    for sending in view.sendings.values():
        contact = policy.contact(sending.contact)
        number = int(sending.id.rpartition(".")[2])
        if contact and sending.sent_at and sending.purpose in ("page", "update", "exhausted"):
            found.setdefault((contact.id, number), (contact, contact.addresses[number]))
    return list(found.values())


def _one(contact: Contact, address: Address, beginning: str, purpose: str) -> Message:
    return Message(
        id=f"{beginning}.{contact.id}.{contact.addresses.index(address)}", purpose=purpose, contact=contact,
        address=address,
    )  # fmt: skip


def event_of(policy: Policy, move: Move, at: datetime) -> Event:
    """What a move is in the journal, when it is made at this time."""
    match move:
        case Climb():
            level = policy.levels[move.number - 1]
            told = tuple(c.id for c in people(policy, level, at))
            return LevelReached(level=level.name, number=move.number, round=move.round, contacts=told, why=move.why)
        case Exhaust():
            return EscalationExhausted(rounds=move.rounds, then=policy.then)
        case Reopen():
            return EscalationReopened(why=move.why)
