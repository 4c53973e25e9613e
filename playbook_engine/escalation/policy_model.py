"""The shape of a policy file, as pydantic models: validation with paths, and the JSON Schema that editors use."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from playbook_engine.escalation.policy import Kind, Then, Trigger
from playbook_engine.loading.json_schema import model_schema
from playbook_engine.loading.schema import Bool, Closed, Duration, Integer, Severity, Text, Words


def _zone(value: object) -> object:
    try:
        return ZoneInfo(str(value)).key
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"{value!r} is no time zone: write Europe/Berlin, or UTC") from error


def _of_day(value: object) -> object:
    try:
        return time.fromisoformat(str(value)).isoformat("minutes")
    except ValueError as error:
        raise ValueError(f'{value!r} is no time of day: write "22:00"') from error


def instant(value: object) -> datetime:
    """A point in time. Raises ValueError for one without a date; without an offset it is UTC."""
    try:
        at = datetime.fromisoformat(str(value).replace("Z", "+00:00"))
    except ValueError as error:
        raise ValueError(f"{value!r} is no point in time: write 2026-03-02T09:00Z") from error
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _instant(value: object) -> object:
    return instant(value).isoformat()


def _local(value: object) -> object:
    """A local time without an offset: the zone stands beside it."""
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError as error:
        raise ValueError(f"{value!r} is no local time: write 2026-01-05T09:00") from error
    if at.tzinfo is not None:
        raise ValueError(f"{value!r} has an offset, and the schedule has a timezone of its own: leave the offset out")
    return at.isoformat()


def _id(value: object) -> object:
    """What becomes part of message ids, headers and file names."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", str(value)):
        raise ValueError(f"{value!r} is no id: letters, digits, '-', '_' and '.', at most 64, beginning with a letter")
    return value


def _span(value: float) -> float:
    if value > LONGEST:
        raise ValueError(f"more than {LONGEST / 86400:g} days: nobody waits so long")
    return value


def _triggers(value: object) -> object:
    return list(Trigger) if value == "any" else value


LONGEST = 400 * 86400.0
Id = Annotated[Text, AfterValidator(_id)]
Span = Annotated[Duration, AfterValidator(_span)]
Zone = Annotated[str, BeforeValidator(_zone)]
OfDay = Annotated[str, BeforeValidator(_of_day)]
Instant = Annotated[str, BeforeValidator(_instant)]
Local = Annotated[str, BeforeValidator(_local)]
Severities = Annotated[list[Severity], Field(min_length=1)]


class AddressModel(Closed):
    """One way to reach somebody: `{email: ana@ops.test}`."""

    email: Text | None = None
    webhook: Text | None = None
    pagerduty: Text | None = None
    goalert: Text | None = None
    apprise: Text | None = None
    file: Text | None = None
    terminal: Text | None = None

    @model_validator(mode="after")
    def _one(self) -> AddressModel:
        given = [k for k in Kind if getattr(self, k) is not None]
        if len(given) != 1:
            raise ValueError("a channel is one kind and its address, such as {email: ana@ops.test}")
        return self


class AwayModel(Closed):
    """When somebody is not to be called."""

    from_: Instant = Field(alias="from")
    until: Instant


class Reachable(Closed):
    """What can be told something."""

    id: Id
    name: Text = ""
    channels: list[AddressModel] = Field(default_factory=list)


class ContactModel(Reachable):
    """Somebody who can be told."""

    name: Text
    roles: Words = Field(default_factory=list)
    timezone: Zone = "UTC"
    backup: Text | None = None
    away: list[AwayModel] = Field(default_factory=list)


class RoomModel(Reachable):
    """A place where several people read: told with the others, and nobody in particular."""


class RotationModel(Closed):
    """Turns: the first member from `from` on, then the next after each `every`."""

    members: Words
    every: Span = 7 * 86400.0
    from_: Local = Field(alias="from")


class OverrideModel(Closed):
    """Somebody stands in."""

    contact: Text
    from_: Instant = Field(alias="from")
    until: Instant


class ScheduleModel(Closed):
    """Who is on call."""

    id: Id
    timezone: Zone = "UTC"
    rotation: RotationModel
    overrides: list[OverrideModel] = Field(default_factory=list)


class TargetModel(Closed):
    """Whom a level tells."""

    contact: Text | None = None
    schedule: Text | None = None
    role: Text | None = None
    room: Text | None = None

    @model_validator(mode="after")
    def _one(self) -> TargetModel:
        if sum(v is not None for v in (self.contact, self.schedule, self.role, self.room)) != 1:
            raise ValueError("one of contact, schedule, role and room, such as {schedule: primary}")
        return self


class LevelModel(Closed):
    """One rung of the ladder."""

    name: Text
    notify: list[TargetModel] = Field(min_length=1)
    ack_timeout: Span = 300.0
    delay: Span = 0.0
    via: list[Kind] = Field(default_factory=list)


class RuleModel(Closed):
    """Which failures count."""

    on: Annotated[list[Trigger], BeforeValidator(_triggers), Field(min_length=1)]
    severities: Severities = ["P0", "P1", "P2", "P3", "P4"]  # noqa: RUF012
    attempts: Integer = Field(default=1, ge=1)


class QuietModel(Closed):
    """When nobody is told of these severities."""

    from_: OfDay = Field(alias="from")
    until: OfDay
    timezone: Zone = "UTC"
    severities: Severities


class ExhaustedModel(Closed):
    """What happens when every level was told as often as `repeat` says, and nobody has answered."""

    notify_everyone: Bool = True
    then: Then = Then.NOTHING


class EmailSender(Closed):
    """An SMTP server. `password_env` names the environment variable with the password."""

    host: Text
    port: Integer = Field(default=25, ge=1, le=65535)
    sender: Text = Field(alias="from")
    tls: Literal["no", "starttls", "tls"] = "no"
    username: Text | None = None
    password_env: Text | None = None


class WebhookSender(Closed):
    """`secret_env` names the environment variable with the key that messages are signed with."""

    secret_env: Text


class PagerDutySender(Closed):
    """`url`: the Events API v2, of another region or a proxy."""

    url: Text = "https://events.pagerduty.com/v2/enqueue"


class GoAlertSender(Closed):
    """`url`: the GoAlert server."""

    url: Text


class SendersModel(Closed):
    """How messages of each kind are sent."""

    email: EmailSender | None = None
    webhook: WebhookSender | None = None
    pagerduty: PagerDutySender = Field(default_factory=PagerDutySender)
    goalert: GoAlertSender | None = None


class PolicyModel(Closed):
    """A policy file."""

    name: Text
    title: Text = ""
    description: Text = ""
    owner: Text = ""
    contacts: list[ContactModel]
    rooms: list[RoomModel] = Field(default_factory=list)
    schedules: list[ScheduleModel] = Field(default_factory=list)
    levels: list[LevelModel] = Field(min_length=1)
    triggers: list[RuleModel] = Field(default_factory=lambda: [RuleModel(on=list(Trigger))])
    repeat: Integer = Field(default=2, ge=0, le=20)
    exhausted: ExhaustedModel = Field(default_factory=ExhaustedModel)
    escalate_again_after: Span = 1800.0
    quiet_hours: QuietModel | None = None
    dedup: list[Literal["policy", "runbook", "run", "host", "step", "trigger"]] = ["runbook"]  # noqa: RUF012
    recovered: Bool = True
    senders: SendersModel = Field(default_factory=SendersModel)


def policy_schema() -> dict[str, object]:
    """For editors."""
    return model_schema(PolicyModel, "Escalation policy")
