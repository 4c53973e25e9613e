"""A drill as it is written: which hosts, what is broken on them and when, what has to come of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum

from playbook_engine.model.frozen import frozen
from playbook_engine.model.runbook import Probe
from playbook_engine.model.source import SourcePos

MILESTONES = (
    "detected", "communicated", "acknowledged", "first_action", "mitigated", "verified", "rolled_back",
)  # fmt: skip
"""What a scorecard tells the time of, in the order in which it is hoped for. docs/drills.md defines each."""


class Kind(StrEnum):
    """`live`: lab hosts are broken, and the runbook runs. `tabletop`: people only, no host."""

    LIVE = "live"
    TABLETOP = "tabletop"


class Own(StrEnum):
    """Faults that are no host's: of the controller, and of the runbook itself."""

    KILL_CONTROLLER = "kill-controller"
    FAIL_CHECK = "fail-check"


@frozen
class LabSpec:
    """A lab host to make. `sick`: the ailing system. `wheels`: what pip finds in /wheels: a stand-in of MLflow.

    `prepare` is a shell script that runs on it as root before anything is broken; `files` are there when it boots.
    """

    name: str
    sick: bool = False
    size_bytes: int = 64 << 20
    inodes: int = 8000
    python: str = "system"
    init: str = "runit"
    market_open: bool = True
    filled: bool = False
    wheels: bool = False
    prepare: str = ""
    files: Mapping[str, str] = field(default_factory=dict)


@frozen
class FaultSpec:
    """Something to break. `at_step`: when this step is about to begin (before everything without one).

    `clear_after`: seconds after which it is put right again, 0 for at the end of the drill.
    """

    fault: str
    argument: str = ""
    host: str = ""
    at_step: str = ""
    check: str = ""
    clear_after: float = 0.0
    where: SourcePos | None = None


@frozen
class Notified:
    """A level that has to hear of it, within so many seconds of the drill's time after the failure."""

    level: str
    within: float = 0.0


@frozen
class Response:
    """Somebody at the other end of a message: acknowledges once this level was told, after so many seconds."""

    level: str
    by: str
    after: float = 0.0
    note: str = ""


@frozen
class Expected:
    """What has to come of it. `hosts`: how each ends. None means that nothing is said about it.

    `failed_on` is a part of the message of every host that failed. `same`: paths on the hosts that are at the end as
    they were before the run: content, mode, owner, link target.
    """

    exit_code: int | None = None
    hosts: Mapping[str, str] = field(default_factory=dict)
    changed: tuple[str, ...] | None = None
    not_changed: tuple[str, ...] = ()
    undone: tuple[str, ...] | None = None
    verdicts: Mapping[str, str] = field(default_factory=dict)
    failed_on: str = ""
    probes: tuple[Probe, ...] = ()
    same: tuple[str, ...] = ()
    notified: tuple[Notified, ...] | None = None
    resumed: bool | None = None
    within: float = 0.0


@frozen
class AbortWhen:
    """The drill ends at once: after so many seconds, or when this shell command succeeds on a host."""

    after: float = 600.0
    command: str = ""
    host: str = ""


@frozen
class Inject:
    """News for the people at the table, at this minute. `hint`: given only when they ask for one."""

    name: str
    minute: float
    text: str
    to: tuple[str, ...] = ()
    hint: str = ""


@frozen
class Move:
    """What somebody at the table does at this minute, in a drill that plays itself. `reaches`: a milestone."""

    minute: float
    by: str
    text: str = ""
    ack: bool = False
    reaches: str = ""


@frozen
class Scenario:
    """One file. `speed`: how many times as fast the ladder runs as its policy says. `overlooks`: breakages of the
    runbook that no drill can notice, with the reason. `text` is the file."""

    name: str
    file: str
    kind: Kind = Kind.LIVE
    title: str = ""
    description: str = ""
    runbook: str = ""
    hosts: tuple[LabSpec, ...] = ()
    params: Mapping[str, object] = field(default_factory=dict)
    faults: tuple[FaultSpec, ...] = ()
    escalation: str = ""
    severity: str = "P1"
    trigger: str = "step_failed"
    speed: float = 60.0
    respond: tuple[Response, ...] = ()
    expect: Expected = field(default_factory=Expected)
    targets: Mapping[str, float] = field(default_factory=dict)
    abort_when: AbortWhen = field(default_factory=AbortWhen)
    roles: Mapping[str, str] = field(default_factory=dict)
    injects: tuple[Inject, ...] = ()
    moves: tuple[Move, ...] = ()
    minutes: float = 60.0
    overlooks: Mapping[str, str] = field(default_factory=dict)
    text: str = ""
