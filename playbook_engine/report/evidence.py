"""The records that a report's statuses link to, as rows: number, time, host, action, expectation, result."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from playbook_engine.journal.codec import Record
from playbook_engine.model.events import (
    ApprovalGiven,
    ChangeIntended,
    CheckEvaluated,
    EscalationRaised,
    HostFinished,
    HostUnreachable,
    PreconditionEvaluated,
    RollbackStarted,
    RollbackVerified,
    StepFinished,
    StepUndone,
)
from playbook_engine.model.frozen import frozen
from playbook_engine.report.status import judge_then, threshold_of, value_of
from playbook_engine.report.subject import Subject
from playbook_engine.report.text import one_line, plain_name, pretty, told


@frozen
class Entry:
    """One record. `id` is its anchor; `prefix`ed where a document holds the records of two runs."""

    id: str
    run: str
    seq: int
    at: str
    host: str
    what: str
    name: str
    action: str = ""
    expect: str = ""
    outcome: str = ""
    value: str = ""
    detail: str = ""
    on: str = ""
    touches: str = ""
    samples: int = 1
    where: str = ""
    result: str = ""


def entries(
    subject: Subject, wanted: Callable[[Record], bool] | None = None, *, prefix: str = "E"
) -> tuple[Entry, ...]:
    """The records of a run that can be linked to, and that are `wanted`, in their order."""
    found = []
    for record in subject.view.records:
        if wanted is None or wanted(record):
            entry = _entry(record, subject.run, f"{prefix}{record.seq}")
            if entry is not None:
                found.append(entry)
    return tuple(found)


def by_numbers(numbers: Iterable[int]) -> Callable[[Record], bool]:
    """Wants the records with these numbers."""
    chosen = frozenset(numbers)
    return lambda record: record.seq in chosen


def _entry(record: Record, run: str, anchor: str) -> Entry | None:
    event = record.event
    base = {"id": anchor, "run": run, "seq": record.seq, "at": record.at, "host": event.host}
    return _of(event, base)


def _of(event: object, base: Mapping[str, object]) -> Entry | None:
    def entry(what: str, name: str, **more: object) -> Entry:
        return Entry(**base, what=what, name=plain_name(name), **more)  # type: ignore[arg-type]

    match event:
        case PreconditionEvaluated():
            return entry(
                "precondition", event.name, action=event.action, expect=one_line(event.expect),
                on=event.on, where=event.where, result=_result(event.evidence), **_said(base, event),
            )  # fmt: skip
        case CheckEvaluated():
            return entry(
                event.purpose, event.name, action=event.action, expect=one_line(event.expect),
                on=event.on, **_said(base, event),
                value=one_line(f"{value_of(event)}, wanted {threshold_of(event)}") if event.value is not None else "",
                touches=one_line(event.touches), samples=event.samples, where=event.where,
                result=_result(event.evidence),
            )  # fmt: skip
        case StepFinished():
            label = f" [{event.label}]" if event.label else ""
            return entry(
                "handler" if event.handler else "step", f"{event.name}{label}", action=event.action,
                outcome=event.outcome.replace("_", " "), detail=one_line(event.message), on=event.on,
                samples=event.attempts, where=event.where, result=pretty(dict(event.shown)) if event.shown else "",
            )  # fmt: skip
        case ChangeIntended():
            return entry(
                "intent", event.name, action=event.action, outcome="intended",
                on=event.on if event.on != event.host else "",
                detail=one_line(event.irreversible) if event.irreversible else f"taken back by {event.reversible}",
                result=pretty([dict(c) for c in event.changes]) if event.changes else "",
            )  # fmt: skip
        case RollbackStarted():
            return entry("rollback", event.scope, outcome="started", detail=one_line(event.why))
        case StepUndone():
            return entry("undo", event.name, action=event.action, outcome=event.outcome, detail=one_line(event.message))
        case RollbackVerified():
            return entry(
                "proof", event.scope, outcome="proved" if event.proved else "not proved",
                detail=f"{event.compared} states compared with those before, {len(event.differences)} differ",
                result=pretty([dict(d) for d in event.differences]) if event.differences else "",
            )  # fmt: skip
        case HostUnreachable():
            return entry("connection", event.kind, outcome="unreachable", detail=one_line(event.message))
        case HostFinished():
            return entry("host", event.host, outcome=event.status.replace("_", " "), detail=one_line(event.message))
        case ApprovalGiven():
            return entry("approval", event.approval, outcome=event.answer, detail=one_line(event.actor))
        case EscalationRaised():
            return entry("escalation", event.to, outcome="raised", detail=one_line(event.why))
        case _:
            return None


def _said(base: Mapping[str, object], event: CheckEvaluated | PreconditionEvaluated) -> dict[str, object]:
    """The status that the report gives the record, and where that is not the recorded verdict, both."""
    seq = base["seq"]
    assert isinstance(seq, int)
    said = judge_then(seq, str(base["at"]), event)
    recorded = event.verdict.replace("_", " ")
    detail = said.why if recorded == said.status else f"recorded as {recorded}; {said.why}"
    return {"outcome": str(said.status), "detail": one_line(detail)}


def _result(evidence: Mapping[str, object]) -> str:
    result = evidence.get("result")
    shown = {"result": told(result)} if isinstance(result, Mapping) else {}
    measured = evidence.get("measured")
    return pretty({**({"measured": measured} if measured else {}), **shown}) if measured or shown else ""
