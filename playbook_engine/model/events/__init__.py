"""Every event: the single source of truth. Past tense, append-only, versioned. One module for each kind of journal.

`run`: what hosts were asked, said, and became. `escalation`: who was told of a failure, when, and who took it.
`drill`: what was broken on purpose, and how it was met. `incident`: what people gather about it afterwards.

Two laws. `ChangeIntended`, with the state before, is durable before the request leaves. A `ChangeIntended` with neither
`ChangeApplied` nor `ChangeFailed` is in doubt: settled by asking the host and observing, never by guessing.

Fields named in `SEALED` hold what may be secret (before-images, variables, registered values): the journal
encrypts them. Times are in the envelope that the journal adds (`at`, UTC); durations are seconds.
"""

from __future__ import annotations

from collections.abc import Mapping

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
from playbook_engine.model.events.event import Data, Event, fields
from playbook_engine.model.events.incident import (
    IncidentAttached,
    IncidentClosed,
    IncidentNoted,
    IncidentOpened,
    ItemDecided,
    LineImported,
    ProbeVerified,
)
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

EVENTS: Mapping[str, type[Event]] = {
    cls.__name__: cls
    for cls in (
        RunStarted, RunResumed, RunHandedOver, HostConnected, HostUnreachable, FactsObserved,
        PreconditionEvaluated, StepStarted, StateObserved, ChangeIntended, ChangeApplied, ChangeFailed,
        CheckEvaluated, RetryScheduled, StepFinished, ScopeFinished, RollbackStarted, UndoIntended,
        StepUndone, RollbackVerified, ApprovalRequested, ApprovalGiven, EscalationRaised, HostFinished,
        RunFinished, LogClosed,
        EscalationOpened, EscalationJoined, LevelReached, NotificationIntended, NotificationSent,
        NotificationFailed, EscalationAcknowledged, EscalationProgressed, EscalationReopened, HostRecovered,
        EscalationExhausted, EscalationResolved,
        DrillStarted, FaultInjected, FaultCleared, RunPerformed, InjectGiven, DrillNoted, DrillAborted,
        DrillScored,
        IncidentOpened, IncidentAttached, LineImported, IncidentNoted, ItemDecided, ProbeVerified, IncidentClosed,
    )
}  # fmt: skip

SEALED = frozenset({"variables", "facts", "args", "before", "result", "state", "plan", "digest", "snapshot"})

DURABLE = (
    RunStarted, RunResumed, RunHandedOver, ChangeIntended, RollbackStarted, UndoIntended, StepUndone, ApprovalRequested,
    ApprovalGiven, EscalationRaised, RunFinished, HostFinished, EscalationOpened, EscalationJoined, LevelReached,
    NotificationIntended, NotificationSent, EscalationAcknowledged, EscalationResolved, DrillStarted, FaultInjected,
    FaultCleared, DrillScored,
)  # fmt: skip
"""Whoever appends one of these waits until it is on the disk; the rest is written in order with them."""
