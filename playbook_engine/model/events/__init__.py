"""Every event: the single source of truth. Past tense, append-only, versioned. One module for each kind of journal.

`run`: what hosts were asked, said, and became. `escalation`: who was told of a failure, when, and who took it.
`drill`: what was broken on purpose, and how it was met. `incident`: what people gather about it afterwards.

Two laws. `ChangeIntended`, with the state before, is durable before the request leaves. A `ChangeIntended` with neither
`ChangeApplied` nor `ChangeFailed` is in doubt: settled by asking the host and observing, never by guessing.

Fields named in `SEALED` hold what may be secret (before-images, variables, registered values): the journal
encrypts them. Times are in the envelope that the journal adds (`at`, UTC); durations are seconds.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from playbook_engine.model.events.event import Data, Event, fields
from playbook_engine.model.events.run import (
    ApprovalGiven,
    ApprovalRequested,
    ChangeApplied,
    ChangeFailed,
    ChangeIntended,
    CheckEvaluated,
    EscalationRaised,
    FactsObserved,
    HostConnected,
    HostFinished,
    HostUnreachable,
    LogClosed,
    PreconditionEvaluated,
    RetryScheduled,
    RollbackStarted,
    RollbackVerified,
    RunFinished,
    RunHandedOver,
    RunResumed,
    RunStarted,
    ScopeFinished,
    StateObserved,
    StepFinished,
    StepStarted,
    StepUndone,
    UndoIntended,
)

if TYPE_CHECKING:
    from playbook_engine.model.events.drill import (
        DrillAborted,
        DrillNoted,
        DrillScored,
        DrillStarted,
        FaultCleared,
        FaultInjected,
        InjectGiven,
        RunPerformed,
    )
    from playbook_engine.model.events.escalation import (
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
    from playbook_engine.model.events.incident import (
        IncidentAttached,
        IncidentClosed,
        IncidentNoted,
        IncidentOpened,
        ItemDecided,
        LineImported,
        ProbeVerified,
    )

__all__ = [
    "DURABLE",
    "EVENTS",
    "SEALED",
    "VERSION",
    "ApprovalGiven",
    "ApprovalRequested",
    "ChangeApplied",
    "ChangeFailed",
    "ChangeIntended",
    "CheckEvaluated",
    "Data",
    "DrillAborted",
    "DrillNoted",
    "DrillScored",
    "DrillStarted",
    "EscalationAcknowledged",
    "EscalationExhausted",
    "EscalationJoined",
    "EscalationOpened",
    "EscalationProgressed",
    "EscalationRaised",
    "EscalationReopened",
    "EscalationResolved",
    "Event",
    "FactsObserved",
    "FaultCleared",
    "FaultInjected",
    "HostConnected",
    "HostFinished",
    "HostRecovered",
    "HostUnreachable",
    "IncidentAttached",
    "IncidentClosed",
    "IncidentNoted",
    "IncidentOpened",
    "InjectGiven",
    "ItemDecided",
    "LevelReached",
    "LineImported",
    "LogClosed",
    "NotificationFailed",
    "NotificationIntended",
    "NotificationSent",
    "PreconditionEvaluated",
    "ProbeVerified",
    "RetryScheduled",
    "RollbackStarted",
    "RollbackVerified",
    "RunFinished",
    "RunHandedOver",
    "RunPerformed",
    "RunResumed",
    "RunStarted",
    "ScopeFinished",
    "StateObserved",
    "StepFinished",
    "StepStarted",
    "StepUndone",
    "UndoIntended",
    "fields",
]

VERSION = 1

MODULES: Mapping[str, tuple[str, ...]] = {
    "run": (
        "RunStarted", "RunResumed", "RunHandedOver", "HostConnected", "HostUnreachable", "FactsObserved",
        "PreconditionEvaluated", "StepStarted", "StateObserved", "ChangeIntended", "ChangeApplied", "ChangeFailed",
        "CheckEvaluated", "RetryScheduled", "StepFinished", "ScopeFinished", "RollbackStarted", "UndoIntended",
        "StepUndone", "RollbackVerified", "ApprovalRequested", "ApprovalGiven", "EscalationRaised", "HostFinished",
        "RunFinished", "LogClosed",
    ),
    "escalation": (
        "EscalationOpened", "EscalationJoined", "LevelReached", "NotificationIntended", "NotificationSent",
        "NotificationFailed", "EscalationAcknowledged", "EscalationProgressed", "EscalationReopened",
        "HostRecovered", "EscalationExhausted", "EscalationResolved",
    ),
    "drill": (
        "DrillStarted", "FaultInjected", "FaultCleared", "RunPerformed", "InjectGiven", "DrillNoted", "DrillAborted",
        "DrillScored",
    ),
    "incident": (
        "IncidentOpened", "IncidentAttached", "LineImported", "IncidentNoted", "ItemDecided", "ProbeVerified",
        "IncidentClosed",
    ),
}  # fmt: skip
"""The events of each module; those of the others are imported when one is named: a run needs its own alone."""


class _Events(Mapping[str, type[Event]]):
    """Every event by its name."""

    def __getitem__(self, name: str) -> type[Event]:
        for module, names in MODULES.items():
            if name in names:
                found = getattr(importlib.import_module(f"{__name__}.{module}"), name)
                assert isinstance(found, type) and issubclass(found, Event)
                return found
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return (name for names in MODULES.values() for name in names)

    def __len__(self) -> int:
        return sum(map(len, MODULES.values()))


EVENTS: Mapping[str, type[Event]] = _Events()


def __getattr__(name: str) -> type[Event]:
    """PEP 562."""
    try:
        return EVENTS[name]
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None


SEALED = frozenset({"variables", "facts", "args", "before", "result", "state", "plan", "digest", "snapshot"})

DURABLE = frozenset(
    {
        "RunStarted", "RunResumed", "RunHandedOver", "ChangeIntended", "RollbackStarted", "UndoIntended",
        "StepUndone", "ApprovalRequested", "ApprovalGiven", "EscalationRaised", "RunFinished", "HostFinished",
        "EscalationOpened", "EscalationJoined", "LevelReached", "NotificationIntended", "NotificationSent",
        "EscalationAcknowledged", "EscalationResolved", "DrillStarted", "FaultInjected", "FaultCleared",
        "DrillScored",
    }
)  # fmt: skip
"""Whoever appends one of these waits until it is on the disk; the rest is written in order with them."""
