"""When something happened in a drill, from the journals of its runs and escalations, and from nothing else.

All times are seconds since the first fault was there, or the run began, whichever came first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from playbook_engine.drill.scenario import MILESTONES
from playbook_engine.escalation.view import EscalationView
from playbook_engine.journal.codec import Record
from playbook_engine.journal.fold import RunView
from playbook_engine.model.events import (
    ChangeIntended,
    CheckEvaluated,
    HostFinished,
    HostUnreachable,
    PreconditionEvaluated,
    RollbackVerified,
    StepFinished,
)
from playbook_engine.model.frozen import frozen
from playbook_engine.model.outcome import HostStatus
from playbook_engine.report.text import instant

GOOD = (HostStatus.OK, HostStatus.CHANGED, HostStatus.ROLLED_BACK, HostStatus.PARTLY_ROLLED_BACK)


@frozen
class Milestone:
    """`after`: seconds, None for one that was not reached. `target`: seconds, None where the drill sets none."""

    name: str
    after: float | None
    target: float | None = None
    evidence: str = ""

    @property
    def met(self) -> bool | None:
        """None where there is no target."""
        if self.target is None:
            return None
        return self.after is not None and self.after <= self.target


def milestones(
    begin: datetime, runs: Sequence[RunView], escalations: Iterable[EscalationView], targets: Mapping[str, float]
) -> tuple[Milestone, ...]:
    found: dict[str, tuple[datetime, str]] = {}

    def first(name: str, at: datetime | None, evidence: str) -> None:
        if at is not None and at >= begin and (name not in found or at < found[name][0]):
            found[name] = (at, evidence)

    def last(name: str, at: datetime | None, evidence: str) -> None:
        if at is not None and (name not in found or at > found[name][0]):
            found[name] = (at, evidence)

    for run in runs:
        for record in run.records:
            at, where = instant(record.at), f"{run.run} E{record.seq}"
            if _shows_it(record):
                first("detected", at, where)
            match record.event:
                case ChangeIntended():
                    first("first_action", at, where)
                case CheckEvaluated(purpose="criterion", verdict="met"):
                    last("verified", at, where)
                case RollbackVerified(proved=True):
                    last("rolled_back", at, where)
                    last("verified", at, where)
                case HostFinished(status=status) if HostStatus(status) in GOOD:
                    last("mitigated", at, where)
                case _:
                    pass
    for view in escalations:
        for sending in view.sendings.values():
            first("communicated", sending.sent_at, f"{view.id} {sending.id}")
        if view.acks:
            first("acknowledged", view.acks[0][0], view.id)
    if any(_bad_end(run) for run in runs[-1:]):
        found.pop("mitigated", None)
        if "rolled_back" not in found:
            found.pop("verified", None)  # a criterion that holds beside one that does not proves nothing
    return tuple(
        Milestone(
            name=name, after=round((found[name][0] - begin).total_seconds(), 3) if name in found else None,
            target=targets.get(name), evidence=found[name][1] if name in found else "",
        )
        for name in MILESTONES
        if name in found or name in targets
    )  # fmt: skip


def _bad_end(run: RunView) -> bool:
    """Whether a host of it is left in a state that nothing has made good."""
    return any(h.status is None or h.status not in GOOD for h in run.hosts.values())


def _shows_it(record: Record) -> bool:
    """Whether a record is the first sign of trouble: something that does not hold, or a reason to begin that does."""
    match record.event:
        case CheckEvaluated(verdict=verdict):
            return verdict != "met"
        case PreconditionEvaluated(verdict=verdict, otherwise=otherwise):
            return (verdict == "met") if otherwise == "skip" else verdict != "met"
        case StepFinished(outcome=outcome):
            return outcome in ("failed", "timed_out", "unreachable", "in_doubt")
        case HostUnreachable():
            return True
        case _:
            return False
