"""Rollbacks and their proofs: those of a run itself, and those that later runs did."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from playbook_engine.model.events import RollbackStarted, RollbackVerified, StepUndone
from playbook_engine.model.frozen import frozen
from playbook_engine.report.subject import Subject
from playbook_engine.report.text import number, one_line, plain_name


@frozen
class UndoRow:
    name: str
    action: str
    outcome: str
    how: str
    message: str
    seconds: float
    evidence: str


@frozen
class RollbackPart:
    """One rollback on one host. `run` names the run that did it, when it was a later one; `proved` is None without an
    end in the journal."""

    host: str
    run: str
    why: str
    at: str
    undos: tuple[UndoRow, ...]
    proved: bool | None
    compared: int
    differences: tuple[Mapping[str, str], ...]
    kept: tuple[str, ...]
    evidence: str


def later_prefix(n: int) -> str:
    """Evidence ids of the n-th later rollback run: `R1-12`."""
    return f"R{n + 1}-"


def rollbacks(subject: Subject) -> tuple[RollbackPart, ...]:
    """Those of the run itself, then those of later runs."""
    found = list(_parts(subject, "", "E"))
    for n, later in enumerate(subject.later):
        found += _parts(later, later.run, later_prefix(n))
    return tuple(found)


def _parts(subject: Subject, run: str, prefix: str) -> Iterable[RollbackPart]:
    """By host: the records between a RollbackStarted and its RollbackVerified."""
    for host in subject.view.hosts:
        started: tuple[RollbackStarted, str, int] | None = None
        undos: list[UndoRow] = []
        for record in subject.view.records:
            event = record.event
            if event.host != host:
                continue
            if isinstance(event, RollbackStarted):
                if started is not None:
                    yield _part(host, run, started, undos, None, f"{prefix}{started[2]}")
                started, undos = (event, record.at, record.seq), []
            elif isinstance(event, StepUndone):
                undos.append(_undo(event, f"{prefix}{record.seq}"))
            elif isinstance(event, RollbackVerified) and started is not None:
                yield _part(host, run, started, undos, event, f"{prefix}{record.seq}")
                started, undos = None, []
        if started is not None:
            yield _part(host, run, started, undos, None, f"{prefix}{started[2]}")


def _undo(event: StepUndone, evidence: str) -> UndoRow:
    return UndoRow(
        name=plain_name(event.name), action=event.action, outcome=event.outcome, how=event.how,
        message=one_line(event.message), seconds=event.seconds, evidence=evidence,
    )  # fmt: skip


def _part(
    host: str, run: str, started: tuple[RollbackStarted, str, int], undos: Sequence[UndoRow],
    proof: RollbackVerified | None, evidence: str,
) -> RollbackPart:  # fmt: skip
    event, at, _ = started
    return RollbackPart(
        host=one_line(host), run=run, why=one_line(event.why), at=at, undos=tuple(undos),
        proved=proof.proved if proof else None, compared=proof.compared if proof else 0,
        differences=tuple({k: number(v) for k, v in d.items()} for d in proof.differences) if proof else (),
        kept=tuple(plain_name(k) for k in proof.kept) if proof else (), evidence=evidence,
    )  # fmt: skip
