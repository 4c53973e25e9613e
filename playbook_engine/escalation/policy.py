"""An escalation policy: who is told of a failure, in which order, how, and what happens when nobody answers.

All times of day are local to a named time zone (IANA); durations are seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from playbook_engine.model.frozen import frozen

SEVERITIES = ("P0", "P1", "P2", "P3", "P4")


class Trigger(StrEnum):
    """What may call for people."""

    STEP_FAILED = "step_failed"
    CHECK_FAILED = "check_failed"
    ROLLBACK_FAILED = "rollback_failed"
    APPROVAL_TIMEOUT = "approval_timeout"
    UNKNOWN_STATE = "unknown_state"
    UNREACHABLE = "unreachable"
    DEADLINE = "deadline"
    RUN_DIED = "run_died"


class Kind(StrEnum):
    """How a message travels."""

    EMAIL = "email"
    WEBHOOK = "webhook"
    PAGERDUTY = "pagerduty"
    GOALERT = "goalert"
    APPRISE = "apprise"
    FILE = "file"
    TERMINAL = "terminal"


class Then(StrEnum):
    """What follows when nobody has answered."""

    NOTHING = "nothing"
    OPEN_INCIDENT = "open_incident"
    STOP_RUNS = "stop_runs"


@frozen
class Address:
    """One way to reach somebody."""

    kind: Kind
    address: str


@frozen
class Contact:
    """Somebody, or a room where several people are. `away`: from, until (UTC), when nobody is to be called."""

    id: str
    name: str
    roles: tuple[str, ...] = ()
    timezone: ZoneInfo
    addresses: tuple[Address, ...]
    room: bool = False
    backup: str = ""
    away: tuple[tuple[datetime, datetime], ...] = ()

    def is_away(self, at: datetime) -> bool:
        return any(begin <= at < end for begin, end in self.away)


@frozen
class Override:
    """Somebody stands in for whoever would be on call. `begin`, `end`: UTC."""

    contact: str
    begin: datetime
    end: datetime


@frozen
class Schedule:
    """Who is on call when: the members take turns of `every`, from `begin` (local time, so that a handover at nine
    stays at nine when the clocks change)."""

    id: str
    timezone: ZoneInfo
    members: tuple[str, ...]
    begin: datetime
    every: timedelta
    overrides: tuple[Override, ...] = ()


@frozen
class Target:
    """Whom a level tells: one of the four is set."""

    contact: str = ""
    schedule: str = ""
    role: str = ""
    room: str = ""

    def __str__(self) -> str:
        if self.schedule:
            return f"schedule {self.schedule}"
        return f"role {self.role}" if self.role else self.contact or self.room


@frozen
class Level:
    """`ack_timeout`: seconds until the next level is told; `delay`: before this one is. `via`: only these kinds."""

    name: str
    notify: tuple[Target, ...]
    ack_timeout: float
    delay: float = 0.0
    via: tuple[Kind, ...] = ()


@frozen
class Rule:
    """Which failures count: of these kinds and severities, from the nth in a row on."""

    on: tuple[Trigger, ...]
    severities: tuple[str, ...] = SEVERITIES
    attempts: int = 1


@frozen
class QuietHours:
    """Between these times of day nobody is told of these severities; they are told when it ends."""

    begin: time
    end: time
    timezone: ZoneInfo
    severities: tuple[str, ...]


@frozen
class Sender:
    """How messages of a kind are sent: host, port, URL, and the names of environment variables that hold secrets."""

    settings: Mapping[str, object] = field(default_factory=dict)

    def text(self, name: str, default: str = "") -> str:
        value = self.settings.get(name)
        return default if value is None else str(value)


@frozen
class Policy:
    """`repeat`: how often the ladder is climbed again when nobody has answered. `again_after`: seconds without progress
    after an acknowledgement until it begins anew; 0: never. `dedup`: what later failures join an escalation by.

    `text` is the file, `file` its name: an escalation keeps both, and reads nothing else.
    """

    name: str
    title: str = ""
    description: str = ""
    owner: str = ""
    contacts: tuple[Contact, ...]
    schedules: tuple[Schedule, ...] = ()
    levels: tuple[Level, ...]
    rules: tuple[Rule, ...]
    repeat: int = 2
    tell_everyone: bool = True
    then: Then = Then.NOTHING
    again_after: float = 1800.0
    quiet: QuietHours | None = None
    dedup: tuple[str, ...] = ("runbook",)
    recovered: bool = True
    senders: Mapping[Kind, Sender] = field(default_factory=dict)
    file: str = ""
    text: str = ""

    def contact(self, name: str) -> Contact | None:
        return next((c for c in self.contacts if c.id == name), None)

    def schedule(self, name: str) -> Schedule | None:
        return next((s for s in self.schedules if s.id == name), None)

    def wants(self, trigger: str, severity: str, failures: int) -> bool:
        """Whether a failure is one that people are to hear of. A severity that is none is taken for P2."""
        grade = severity if severity in SEVERITIES else "P2"
        return any(trigger in r.on and grade in r.severities and failures >= r.attempts for r in self.rules)
