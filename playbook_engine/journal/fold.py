"""Events → what is: the one view of a run that resume, rollback, the terminal and every report read.

Nothing is stored twice: a view is computed from the records and from nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from playbook_engine.journal.codec import Record
from playbook_engine.model.events import (
    ApprovalGiven,
    ApprovalRequested,
    ChangeApplied,
    ChangeFailed,
    ChangeIntended,
    CheckEvaluated,
    EscalationRaised,
    Event,
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
from playbook_engine.model.outcome import HostStatus

Key = tuple[str, int]
"""A step and the item of its loop (-1 without a loop)."""


@dataclass(slots=True, kw_only=True)
class Evidence:
    """A probe's record: what a status in a report stands on. `id` is `E` and the record's number."""

    seq: int
    at: str
    event: CheckEvaluated | PreconditionEvaluated

    @property
    def id(self) -> str:
        return f"E{self.seq}"


@dataclass(slots=True, kw_only=True)
class ChangeView:
    """An intent and what became of it: `applied` is None while it is in doubt.

    `leg` is the controller that intended it (1 is the first), `boot_id` the boot of its host at the time.
    """

    seq: int
    at: str
    intended: ChangeIntended
    leg: int = 1
    boot_id: str = ""
    applied: bool | None = None
    after: ChangeApplied | None = None
    failed: ChangeFailed | None = None
    undo: UndoIntended | None = None
    undone: StepUndone | None = None

    @property
    def in_doubt(self) -> bool:
        return self.applied is None

    @property
    def key(self) -> Key:
        return (self.intended.step, self.intended.item)


@dataclass(slots=True, kw_only=True)
class StepView:
    """One step on one host. `finished` is None for one that the run died in."""

    seq: int
    started: StepStarted
    started_at: str
    leg: int = 1
    finished: StepFinished | None = None
    finished_at: str = ""
    finished_seq: int = 0
    observed: StateObserved | None = None
    retries: int = 0
    undone: StepUndone | None = None

    @property
    def outcome(self) -> str:
        return self.finished.outcome if self.finished else "in_doubt"


@dataclass(slots=True, kw_only=True)
class HostView:
    """One host of a run."""

    name: str
    leg: int = 1
    connected: HostConnected | None = None
    connected_at: str = ""
    unreachable: HostUnreachable | None = None
    facts: FactsObserved | None = None
    steps: list[StepView] = field(default_factory=list)
    changes: list[ChangeView] = field(default_factory=list)
    preconditions: list[Evidence] = field(default_factory=list)
    checks: list[Evidence] = field(default_factory=list)
    scopes: dict[str, str] = field(default_factory=dict)
    rollbacks: list[RollbackStarted] = field(default_factory=list)
    proofs: list[RollbackVerified] = field(default_factory=list)
    escalations: list[EscalationRaised] = field(default_factory=list)
    finished: HostFinished | None = None
    finished_at: str = ""

    @property
    def status(self) -> HostStatus | None:
        """None while it runs, or when the run died."""
        return HostStatus(self.finished.status) if self.finished else None

    def step(self, key: Key) -> StepView | None:
        """The newest attempt at a step's item."""
        return next((s for s in reversed(self.steps) if (s.started.step, s.started.item) == key), None)

    def change(self, key: Key, attempt: int) -> ChangeView | None:
        """The newest intent of an attempt at a step's item."""
        mine = (c for c in reversed(self.changes) if c.key == key)
        return next((c for c in mine if c.intended.attempt == attempt), None)

    def to_undo(self) -> list[ChangeView]:
        """Changes that were made, or may have been, and were not taken back; in the order they were made."""
        return [
            c
            for c in self.changes
            if not (c.undone and c.undone.outcome in ("undone", "untouched", "kept"))
            and not (c.failed and c.failed.untouched)
            and not (c.after and c.after.already)
            and not c.intended.handler
            and not c.intended.scope.endswith("/rollback")
        ]


@dataclass(slots=True, kw_only=True)
class RunView:
    """One run."""

    run: str
    started: RunStarted
    started_at: str
    hosts: dict[str, HostView] = field(default_factory=dict)
    resumed: list[RunResumed] = field(default_factory=list)
    approvals: dict[str, ApprovalRequested] = field(default_factory=dict)
    answers: list[ApprovalGiven] = field(default_factory=list)
    handed_over: RunHandedOver | None = None
    finished: RunFinished | None = None
    finished_at: str = ""
    closed: bool = False
    records: tuple[Record, ...] = ()

    @property
    def leg(self) -> int:
        """How many controllers have worked at this run."""
        return self.resumed[-1].leg if self.resumed else 1

    @property
    def evidence(self) -> list[Evidence]:
        """All probe records of the run, in the order they were taken."""
        found = [e for host in self.hosts.values() for e in (*host.preconditions, *host.checks)]
        return sorted(found, key=lambda e: e.seq)


def fold(run: str, records: Iterable[Record]) -> RunView | None:
    """The view of a run; None when there is not even its first record."""
    view: RunView | None = None
    kept = tuple(records)
    for record in kept:
        if isinstance(record.event, RunStarted):
            view = RunView(run=run, started=record.event, started_at=record.at)
            view.hosts = {name: HostView(name=name) for name in record.event.hosts}
        elif view is not None:
            _apply(view, record)
    if view is not None:
        view.records = kept
    return view


def _apply(view: RunView, record: Record) -> None:
    event = record.event
    match event:
        case RunResumed():
            view.resumed.append(event)
            view.finished, view.closed, view.handed_over = None, False, None
            for host in view.hosts.values():
                host.leg = event.leg
                if host.name in event.hosts:
                    host.finished = None
        case ApprovalRequested():
            view.approvals[event.approval] = event
        case ApprovalGiven():
            view.answers.append(event)
        case RunHandedOver():
            view.handed_over = event
        case RunFinished():
            view.finished, view.finished_at = event, record.at
        case LogClosed():
            view.closed = True
        case _ if event.host:
            _host(view.hosts.setdefault(event.host, HostView(name=event.host)), record, event)
        case _:
            pass


def _host(host: HostView, record: Record, event: Event) -> None:
    match event:
        case HostConnected():
            host.connected, host.connected_at = event, record.at
        case HostUnreachable():
            host.unreachable = event
        case FactsObserved():
            host.facts = event
        case PreconditionEvaluated():
            host.preconditions.append(Evidence(seq=record.seq, at=record.at, event=event))
        case CheckEvaluated():
            host.checks.append(Evidence(seq=record.seq, at=record.at, event=event))
        case StepStarted():
            host.steps.append(StepView(seq=record.seq, started=event, started_at=record.at, leg=host.leg))
        case StateObserved():
            if step := host.step((event.step, event.item)):
                step.observed = event
        case RetryScheduled():
            if step := host.step((event.step, event.item)):
                step.retries += 1
        case ChangeIntended():
            mine = event.on in ("", event.host)
            boot_id = host.connected.boot_id if host.connected and mine else ""
            host.changes.append(ChangeView(seq=record.seq, at=record.at, intended=event, leg=host.leg, boot_id=boot_id))
        case ChangeApplied():
            if change := host.change((event.step, event.item), event.attempt):
                change.applied, change.after = True, event
        case ChangeFailed():
            if change := host.change((event.step, event.item), event.attempt):
                change.applied, change.failed = False, event
        case StepFinished():
            if step := host.step((event.step, event.item)):
                step.finished, step.finished_at, step.finished_seq = event, record.at, record.seq
        case UndoIntended():
            if change := host.change((event.step, event.item), event.attempt):
                change.undo = event
        case StepUndone():
            if change := host.change((event.step, event.item), event.attempt):
                change.undone = event
            if step := host.step((event.step, event.item)):
                step.undone = event
        case ScopeFinished():
            host.scopes[event.scope] = event.outcome
        case RollbackStarted():
            host.rollbacks.append(event)
        case RollbackVerified():
            host.proofs.append(event)
        case EscalationRaised():
            host.escalations.append(event)
        case HostFinished():
            host.finished, host.finished_at = event, record.at
        case _:
            pass
