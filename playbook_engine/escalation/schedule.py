"""Who is on call: rotations, overrides, absences, and the quiet hours. Pure functions of a policy and an instant."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from playbook_engine.escalation.policy import Contact, Level, Policy, QuietHours, Schedule, Target


def on_call(schedule: Schedule, at: datetime) -> str:
    """The id of whoever is on call; empty before the rotation begins. The latest override that holds wins."""
    for override in reversed(schedule.overrides):
        if override.begin <= at < override.end:
            return override.contact
    turn = _turn(schedule, at)
    return schedule.members[turn % len(schedule.members)] if turn >= 0 else ""


def _turn(schedule: Schedule, at: datetime) -> int:
    """Which turn of the rotation it is: counted in local time, where a day may have 23 or 25 hours."""
    local = at.astimezone(schedule.timezone).replace(tzinfo=None)
    return int((local - schedule.begin.replace(tzinfo=None)) // schedule.every)


def handovers(schedule: Schedule, begin: datetime, end: datetime) -> Iterator[datetime]:
    """The instants in between at which somebody else may be on call, in order."""
    found = {edge for o in schedule.overrides for edge in (o.begin, o.end)}
    turn = max(_turn(schedule, begin), -1)
    while (edge := _begin_of(schedule, turn + 1)) < end:
        found.add(edge)
        turn += 1
    yield from sorted(edge for edge in found if begin < edge < end)


def _begin_of(schedule: Schedule, turn: int) -> datetime:
    naive = schedule.begin.replace(tzinfo=None) + turn * schedule.every
    return naive.replace(tzinfo=schedule.timezone).astimezone(UTC)


def people(policy: Policy, level: Level, at: datetime) -> list[Contact]:
    """Whom a level tells at this time, each once. Whoever is away is replaced by their backup, or left out."""
    found: dict[str, Contact] = {}
    for target in level.notify:
        for name in named(policy, target, at):
            contact = _present(policy, name, at)
            if contact is not None:
                found.setdefault(contact.id, contact)
    return list(found.values())


def named(policy: Policy, target: Target, at: datetime) -> list[str]:
    """The contacts that a target means at this time."""
    if target.schedule:
        schedule = policy.schedule(target.schedule)
        who = on_call(schedule, at) if schedule else ""
        return [who] if who else []
    if target.role:
        return [c.id for c in policy.contacts if target.role in c.roles]
    return [target.contact or target.room]


def ever(policy: Policy, target: Target) -> set[str]:
    """Everybody whom a target may ever mean, backups included."""
    if target.schedule:
        schedule = policy.schedule(target.schedule)
        names = {*schedule.members, *(o.contact for o in schedule.overrides)} if schedule else set()
    else:
        names = set(named(policy, target, datetime.now(UTC)))
    return names | {c.backup for n in names if (c := policy.contact(n)) and c.backup and c.away}


def _present(policy: Policy, name: str, at: datetime) -> Contact | None:
    seen: set[str] = set()
    while name and name not in seen:
        seen.add(name)
        contact = policy.contact(name)
        if contact is None or not contact.is_away(at):
            return contact
        name = contact.backup
    return None


def after_quiet(quiet: QuietHours | None, severity: str, at: datetime) -> datetime:
    """`at`, or the end of the quiet hours that it falls into."""
    if quiet is None or severity not in quiet.severities or quiet.begin == quiet.end:
        return at
    local = at.astimezone(quiet.timezone)
    now = local.time().replace(tzinfo=None)
    overnight = quiet.begin > quiet.end
    inside = (now >= quiet.begin or now < quiet.end) if overnight else quiet.begin <= now < quiet.end
    if not inside:
        return at
    day = local.date() + timedelta(days=1 if overnight and now >= quiet.begin else 0)
    return datetime.combine(day, quiet.end, tzinfo=quiet.timezone).astimezone(UTC)
