"""What a policy must not be: refused when it is loaded, not found out at three in the morning.

A contact that is a placeholder, a level that reaches nobody, one person on two levels in a row.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise

from playbook_engine.escalation import policy_model as shape
from playbook_engine.escalation.policy import Address, Kind, Level, Policy, Target
from playbook_engine.escalation.schedule import ever
from playbook_engine.loading.problems import Problems

PLACEHOLDER = re.compile(
    r"\b(tb[acd]|todo|fixme|xxx+|changeme|placeholder|someone|somebody|nobody)\b|\bexample\.|\.example\b|^\W*$|^<.*>$",
    re.I,
)
"""What people write until they know better. Names below `.test` (RFC 6761) are addresses, for tests and drills."""

ADDRESSES: Mapping[Kind, re.Pattern[str]] = {
    Kind.EMAIL: re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+|[^@\s]+@\[[\da-fA-F.:]+\]|[^@\s]+@localhost"),
    Kind.WEBHOOK: re.compile(r"https?://\S+"),
    Kind.PAGERDUTY: re.compile(r"env:\w+|\w{32}"),
    Kind.GOALERT: re.compile(r"env:\w+|[\w-]{20,}"),
    Kind.APPRISE: re.compile(r"env:\w+|\w+://\S+"),
    Kind.FILE: re.compile(r"state|[/~]\S.*"),
    Kind.TERMINAL: re.compile(r"starter|/dev/\S+"),
}
WRITTEN: Mapping[Kind, str] = {
    Kind.EMAIL: "an address such as ana@ops.test",
    Kind.WEBHOOK: "a URL such as https://hooks.ops.test/runbook",
    Kind.PAGERDUTY: "the integration's routing key (32 letters and digits), or env:NAME of a variable that holds it",
    Kind.GOALERT: "the integration key's token, or env:NAME of a variable that holds it",
    Kind.APPRISE: "an apprise URL, or env:NAME of a variable that holds it",
    Kind.FILE: "`state` (a folder of the controller's own), or the full path of a folder, where each message is a file",
    Kind.TERMINAL: "`starter` (the terminal that the run was started from), or a terminal device",
}
NEEDS_SENDER = (Kind.EMAIL, Kind.WEBHOOK, Kind.GOALERT)
ENOUGH = 2  # channels of a person


def addresses(channels: Sequence[shape.AddressModel]) -> tuple[Address, ...]:
    given = ((kind, getattr(c, kind)) for c in channels for kind in Kind)
    return tuple(Address(kind=kind, address=str(address)) for kind, address in given if address is not None)


def check(model: shape.PolicyModel, policy: Policy, problems: Problems) -> None:
    known = {c.id for c in policy.contacts}
    _contacts(model, policy, problems, known)
    _schedules(model, problems, {c.id for c in policy.contacts if not c.room})
    _levels(model, policy, problems)
    for n, (above, below) in enumerate(pairwise(policy.levels), 1):
        both = _ever(policy, above) & _ever(policy, below)
        for name in sorted(both):
            problems.add(
                ("levels", n, "notify"),
                f"{name} is on {below.name!r} and on the level before it, {above.name!r}",
                "whoever has not heard the first call will not hear the second: name somebody else",
            )


def _ever(policy: Policy, level: Level) -> set[str]:
    names = {name for target in level.notify for name in ever(policy, target)}
    return {n for n in names if (c := policy.contact(n)) and not c.room}


def _contacts(model: shape.PolicyModel, policy: Policy, problems: Problems, known: set[str]) -> None:
    seen: set[str] = set()
    for key, entries in (("contacts", model.contacts), ("rooms", model.rooms)):
        for n, entry in enumerate(entries):
            at = (key, n)
            if entry.id in seen:
                problems.add((*at, "id"), f"two are called {entry.id}", "each has an id of its own")
            seen.add(entry.id)
            for name in ("id", "name"):
                _no_placeholder(problems, (*at, name), getattr(entry, name), optional=key == "rooms")
            wanted = 1 if key == "rooms" else ENOUGH
            if len(entry.channels) < wanted:
                few = "no channel" if not entry.channels else "one channel only"
                problems.add(
                    (*at, "channels") if entry.channels else at, f"{entry.id} has {few}",
                    "give at least two ways to reach a person: one of them will fail when it matters",
                )  # fmt: skip
            for m, channel in enumerate(entry.channels):
                _channel(model, problems, (*at, "channels", m), channel)
            backup = getattr(entry, "backup", None)
            if backup and (backup not in known or backup == entry.id):
                _unknown(problems, (*at, "backup"), "contact", backup, known - {entry.id})


def _channel(
    model: shape.PolicyModel, problems: Problems, at: tuple[str | int, ...], channel: shape.AddressModel
) -> None:
    (address,) = addresses([channel])
    where = (*at, address.kind)
    here = address.kind in (Kind.FILE, Kind.TERMINAL)  # a path of this machine may have any name
    if not here and _no_placeholder(problems, where, address.address):
        return
    if not ADDRESSES[address.kind].fullmatch(address.address):
        problems.add(where, f"{address.address!r} is no address for {address.kind}", f"write {WRITTEN[address.kind]}")
    elif address.kind in NEEDS_SENDER and getattr(model.senders, address.kind) is None:
        problems.add(
            where, f"nothing says how {address.kind} is sent", f"add senders: {{{address.kind}: ...}} to the policy"
        )


def _no_placeholder(problems: Problems, at: tuple[str | int, ...], text: str, *, optional: bool = False) -> bool:
    if optional and not text:
        return False
    if not PLACEHOLDER.search(text):
        return False
    problems.add(at, f"{text!r} is a placeholder, and nobody", "write who it is, and how they are reached")
    return True


def _schedules(model: shape.PolicyModel, problems: Problems, people: set[str]) -> None:
    for n, schedule in enumerate(model.schedules):
        at = ("schedules", n)
        if not schedule.rotation.members:
            problems.add((*at, "rotation", "members"), f"nobody takes turns in {schedule.id}")
        if schedule.rotation.every <= 0:
            problems.add((*at, "rotation", "every"), "a turn that takes no time is nobody's")
        for m, name in enumerate(schedule.rotation.members):
            if name not in people:
                _unknown(problems, (*at, "rotation", "members", m), "contact", name, people)
        for m, override in enumerate(schedule.overrides):
            if override.contact not in people:
                _unknown(problems, (*at, "overrides", m, "contact"), "contact", override.contact, people)
            if shape.instant(override.until) <= shape.instant(override.from_):
                problems.add((*at, "overrides", m, "until"), "it ends before it begins")


def _levels(model: shape.PolicyModel, policy: Policy, problems: Problems) -> None:
    now = datetime.now(UTC)
    for n, level in enumerate(policy.levels):
        at = ("levels", n)
        _no_placeholder(problems, (*at, "name"), level.name)
        if level.name in [v.name for v in policy.levels[:n]]:
            problems.add((*at, "name"), f"two levels are called {level.name!r}", "nobody could tell which was told")
        if level.ack_timeout <= 0:
            problems.add((*at, "ack_timeout"), "nobody can answer in no time", "write 5m")
        fine = True
        for m, target in enumerate(level.notify):
            fine = _target(policy, problems, (*at, "notify", m), target) and fine
        if not fine:
            continue
        reached = [c for name in _ever(policy, level) if (c := policy.contact(name))]
        if not reached:
            problems.add(
                (*at, "notify"), f"{level.name!r} reaches no person", "a room reads nothing at night: name somebody"
            )
        for contact in reached:
            if level.via and not any(a.kind in level.via for a in contact.addresses):
                problems.add(
                    (*at, "via"), f"{contact.id} has no {' and no '.join(level.via)}: {level.name!r} cannot reach them",
                    f"{contact.id} has {', '.join(a.kind for a in contact.addresses)}",
                )  # fmt: skip
        for m, target in enumerate(level.notify):
            schedule = policy.schedule(target.schedule)
            if schedule and schedule.begin > now and not schedule.overrides:
                problems.add(
                    (*at, "notify", m, "schedule"),
                    f"nobody is on call in {schedule.id} before it begins, {schedule.begin}",
                )  # fmt: skip


def _target(policy: Policy, problems: Problems, at: tuple[str | int, ...], target: Target) -> bool:
    if target.schedule:
        known = {s.id for s in policy.schedules}
        return target.schedule in known or _unknown(problems, (*at, "schedule"), "schedule", target.schedule, known)
    if target.role:
        known = {r for c in policy.contacts for r in c.roles}
        return target.role in known or _unknown(problems, (*at, "role"), "role of a contact", target.role, known)
    key = "room" if target.room else "contact"
    known = {c.id for c in policy.contacts if c.room == bool(target.room)}
    name = target.room or target.contact
    return name in known or _unknown(problems, (*at, key), key, name, known)


def _unknown(problems: Problems, at: tuple[str | int, ...], what: str, name: str, known: set[str]) -> bool:
    close = difflib.get_close_matches(name, known, 1)
    there = f"there are: {', '.join(sorted(known))}" if known else f"there is no {what} at all"
    problems.add(at, f"there is no {what} {name!r}", f"did you mean {close[0]}?" if close else there)
    return False
