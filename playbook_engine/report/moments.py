"""The course of a run as rows: what the timeline's drawing says, for those who read or search it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from playbook_engine.journal.codec import Record
from playbook_engine.model.events import (
    ApprovalGiven,
    CheckEvaluated,
    EscalationRaised,
    HostConnected,
    HostFinished,
    HostUnreachable,
    PreconditionEvaluated,
    RollbackStarted,
    RollbackVerified,
    RunFinished,
    RunHandedOver,
    RunResumed,
    RunStarted,
    StepFinished,
    StepUndone,
)
from playbook_engine.model.frozen import frozen
from playbook_engine.report.status import judge_then
from playbook_engine.report.text import clock, instant, one_line, plain_name, seconds, shortened


@frozen
class Moment:
    """One row. `seq` is the number of its record."""

    seq: int
    at: str
    time: str
    offset: str
    host: str
    what: str
    name: str
    outcome: str
    seconds: str
    detail: str


def moments(records: Iterable[Record], start: datetime) -> Iterable[Moment]:
    """What a person wants to see of a run, in order; offsets count from `start`."""
    for record in records:
        found = _moment(record)
        if found is None:
            continue
        what, name, outcome, span, detail = found
        at = instant(record.at)
        yield Moment(
            seq=record.seq, at=record.at, time=clock(record.at),
            offset=f"+{(at - start).total_seconds():.1f} s" if at else "", host=one_line(record.event.host), what=what,
            name=plain_name(name), outcome=outcome.replace("_", " "), seconds=seconds(span) if span >= 0.0005 else "",
            detail=shortened(one_line(detail), 300),
        )  # fmt: skip


def _moment(record: Record) -> tuple[str, str, str, float, str] | None:
    """(what, name, outcome, seconds, detail) of what a person wants to see in the course of a run."""
    match event := record.event:
        case RunStarted():
            return "run", event.title or event.runbook, "started", 0.0, event.reason
        case RunResumed():
            return "run", "", "resumed", 0.0, event.reason
        case RunHandedOver():
            return "run", "", "handed over", 0.0, f"to {event.to}: {event.reason}" if event.reason else f"to {event.to}"
        case HostConnected():
            return "connection", event.address or event.host, "connected", event.seconds, ""
        case HostUnreachable():
            return "connection", event.kind, "unreachable", 0.0, event.message
        case PreconditionEvaluated():
            said = judge_then(record.seq, record.at, event)
            return "precondition", event.name, said.status, event.seconds, said.why
        case StepFinished() if event.outcome != "skipped":
            return "handler" if event.handler else "step", event.name, event.outcome, event.seconds, event.message
        case CheckEvaluated() if event.purpose != "unless":
            said = judge_then(record.seq, record.at, event)
            return event.purpose, event.name, said.status, event.seconds, said.why
        case RollbackStarted():
            return "rollback", event.scope, "started", 0.0, event.why
        case StepUndone():
            return "undo", event.name, event.outcome, event.seconds, event.message
        case RollbackVerified():
            told = f"{event.compared} compared, {len(event.differences)} differ"
            return "proof", event.scope, "proved" if event.proved else "not proved", 0.0, told
        case ApprovalGiven():
            answer = {"yes": "agreed", "no": "refused"}.get(event.answer, "no answer")
            by = f"by {event.actor}" if event.actor else ""
            return "approval", event.approval, answer, 0.0, f"{by}: {event.reason}" if event.reason else by
        case EscalationRaised():
            return "escalation", event.to, "raised", 0.0, event.why
        case HostFinished():
            return "host", event.host, event.status, event.seconds, event.message
        case RunFinished():
            return "run", "", f"exit {event.exit_code}", event.seconds, event.message
        case _:
            return None
