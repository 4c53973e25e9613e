"""The shape of a drill's file, as pydantic models: validation with paths, and the JSON Schema that editors use."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from playbook_engine.lab.faults import Fault
from playbook_engine.loading.json_schema import model_schema
from playbook_engine.loading.schema import (
    Bool,
    Closed,
    Duration,
    Integer,
    Number,
    ProbeModel,
    Severity,
    Size,
    Text,
    Words,
)

Fault_ = Literal[
    "fill", "fill-inodes", "readonly", "kill-sshd", "freeze", "reboot", "partition", "blackhole", "reject", "newkey",
    "clock", "service-kill", "slow-api", "stale-heartbeat", "corrupt-file", "expired-certificate", "kill-controller",
    "fail-check",
]  # fmt: skip
Milestone = Literal[
    "detected", "communicated", "acknowledged", "first_action", "mitigated", "verified", "rolled_back"
]  # fmt: skip
Status = Literal[
    "ok", "changed", "failed", "rolled_back", "partly_rolled_back", "rollback_failed", "unreachable", "skipped",
    "aborted", "in_doubt", "unknown",
]  # fmt: skip


def _argument(value: object) -> object:
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value


class HostModel(Closed):
    """A lab host."""

    name: Text
    sick: Bool = False
    size: Size = 64 << 20
    inodes: Integer = 8000
    python: Text = "system"
    init: Literal["runit", "sh"] = "runit"
    market: Literal["open", "closed"] = "open"
    filled: Bool = False
    wheels: Bool = False
    prepare: Text = ""
    files: dict[str, str] = Field(default_factory=dict)


class FaultModel(Closed):
    """Something to break."""

    fault: Fault_
    arg: Annotated[Text, BeforeValidator(_argument)] = ""
    host: Text = ""
    at_step: Text = ""
    check: Text = ""
    path: Text = ""
    replace: Text | None = None
    with_: Text = Field(default="", alias="with")
    for_: Duration = Field(default=0.0, alias="for")


class NotifiedModel(Closed):
    """A level that has to hear of it."""

    level: Text
    within: Duration = 0.0


class ResponseModel(Closed):
    """Somebody at the other end."""

    level: Text
    by: Text
    after: Duration = 0.0
    note: Text = ""


class ExpectModel(Closed):
    """What has to come of it."""

    exit_code: Integer | None = None
    status: Status | None = None
    hosts: dict[str, Status] = Field(default_factory=dict)
    changed: Words | None = None
    not_changed: Words = Field(default_factory=list)
    undone: Words | None = None
    verdicts: dict[str, Literal["met", "not_met", "unknown", "invalid"]] = Field(default_factory=dict)
    failed_on: Text = ""
    probes: list[ProbeModel] = Field(default_factory=list)
    same: Words = Field(default_factory=list)
    notified: list[NotifiedModel] | None = None
    resumed: Bool | None = None
    within: Duration = 0.0


class AbortModel(Closed):
    """When the drill ends at once."""

    after: Duration = 600.0
    command: Text = ""
    host: Text = ""


class InjectModel(Closed):
    """News for the people at the table."""

    name: Text
    minute: Number = Field(ge=0)
    text: Text
    to: Words = Field(default_factory=list)
    hint: Text = ""


class MoveModel(Closed):
    """What somebody at the table does, in a drill that plays itself."""

    minute: Number = Field(ge=0)
    by: Text
    text: Text = ""
    ack: Bool = False
    reaches: Milestone | None = None


class ScenarioModel(Closed):
    """A drill's file."""

    name: Text
    title: Text = ""
    description: Text = ""
    kind: Literal["live", "tabletop"] = "live"
    runbook: Text = ""
    hosts: list[HostModel] = Field(default_factory=list)
    params: dict[str, Any] = Field(default_factory=dict)
    faults: list[FaultModel] = Field(default_factory=list)
    escalation: Text = ""
    severity: Severity = "P1"
    trigger: Text = "step_failed"
    speed: Number = Field(default=60.0, ge=1, le=3600)
    respond: list[ResponseModel] = Field(default_factory=list)
    expect: ExpectModel = Field(default_factory=ExpectModel)
    targets: dict[Milestone, Duration] = Field(default_factory=dict)
    abort_when: AbortModel = Field(default_factory=AbortModel)
    roles: dict[str, str] = Field(default_factory=dict)
    injects: list[InjectModel] = Field(default_factory=list)
    moves: list[MoveModel] = Field(default_factory=list)
    minutes: Number = Field(default=60.0, gt=0, le=480)
    overlooks: dict[str, str] = Field(default_factory=dict)


def scenario_schema() -> dict[str, object]:
    """For editors."""
    return model_schema(ScenarioModel, "Drill")


HOST_FAULTS = frozenset(str(f) for f in Fault)
