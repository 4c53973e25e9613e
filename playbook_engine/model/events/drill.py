"""The events of a drill: what was broken on purpose, what was done about it, and the score."""

from __future__ import annotations

from dataclasses import field

from playbook_engine.model.events.event import Data, Event
from playbook_engine.model.frozen import frozen


@frozen
class DrillStarted(Event):
    """`kind`: live (hosts are broken) | tabletop (people only) | mutation (the runbook is broken)."""

    drill: str
    kind: str
    scenario: str
    title: str = ""
    scenario_sha256: str = ""
    runbook: str = ""
    runbook_sha256: str = ""
    hosts: tuple[str, ...] = ()
    actor: str = ""
    command: str = ""
    seed: int = 0
    real: bool = False


@frozen
class FaultInjected(Event):
    """Durable before the fault is there: whatever happens to the drill, it can be cleared by this."""

    fault: str
    argument: str = ""
    at_step: str = ""
    done: str = ""


@frozen
class FaultCleared(Event):
    fault: str
    how: str = ""


@frozen
class RunPerformed(Event):
    """A run of the drill, or one leg of it, has ended. `exit_code` is below 0 for one that was killed."""

    run: str
    exit_code: int
    seconds: float = 0.0


@frozen
class InjectGiven(Event):
    """News for the people at the table. `minute`: of the drill's clock."""

    inject: str
    to: tuple[str, ...] = ()
    text: str = ""
    minute: float = 0.0
    hint: bool = False


@frozen
class DrillNoted(Event):
    """What somebody at the table said or did. `milestone`: detected, acknowledged, …; empty for a remark."""

    actor: str = ""
    role: str = ""
    text: str = ""
    milestone: str = ""
    minute: float = 0.0


@frozen
class DrillAborted(Event):
    why: str


@frozen
class DrillScored(Event):
    """`passed`: every expectation was met. `milestones` and `expectations` are what the scorecard shows."""

    passed: bool
    milestones: tuple[Data, ...] = ()
    expectations: tuple[Data, ...] = ()
    seconds: float = 0.0
    details: Data = field(default_factory=dict)
