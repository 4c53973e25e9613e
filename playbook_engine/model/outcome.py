"""How a step, a host and a run end. The words are those of the runbook language."""

from __future__ import annotations

from enum import IntEnum, StrEnum


class Outcome(StrEnum):
    """How a step ended on a host."""

    OK = "ok"
    CHANGED = "changed"
    SKIPPED = "skipped"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    UNREACHABLE = "unreachable"
    IN_DOUBT = "in_doubt"
    UNKNOWN = "unknown"

    @property
    def good(self) -> bool:
        return self in (Outcome.OK, Outcome.CHANGED, Outcome.SKIPPED)

    @property
    def measured_failure(self) -> bool:
        """Only these trigger a rollback: pulling a change out from under a host that cannot be seen makes it worse."""
        return self in (Outcome.FAILED, Outcome.TIMED_OUT)


class HostStatus(StrEnum):
    """How a host ended."""

    OK = "ok"
    CHANGED = "changed"
    SKIPPED = "skipped"
    FAILED = "failed"
    ROLLED_BACK = "rolled_back"
    PARTLY_ROLLED_BACK = "partly_rolled_back"
    ROLLBACK_FAILED = "rollback_failed"
    UNREACHABLE = "unreachable"
    ABORTED = "aborted"
    IN_DOUBT = "in_doubt"
    UNKNOWN = "unknown"

    @property
    def good(self) -> bool:
        return self in (HostStatus.OK, HostStatus.CHANGED, HostStatus.SKIPPED)


OPEN = frozenset(
    {HostStatus.ABORTED, HostStatus.UNREACHABLE, HostStatus.IN_DOUBT, HostStatus.UNKNOWN, HostStatus.ROLLBACK_FAILED}
)
"""Ends of a host that a run may be resumed from; the others are final."""


class Verdict(StrEnum):
    """What a probe said about an expectation. Unknown is a state, and it is not green."""

    MET = "met"
    NOT_MET = "not_met"
    UNKNOWN = "unknown"
    INVALID = "invalid"


class ExitCode(IntEnum):
    """What the process ends with (docs/runbook-reference.md)."""

    DONE = 0
    ERROR = 1
    HOST_FAILED = 2
    ROLLBACK_FAILED = 3
    UNREACHABLE = 4
    USAGE = 5
    BUDGET = 8
    WAITING = 10
    INTERRUPTED = 99


def exit_code(statuses: list[HostStatus], *, interrupted: bool = False, budget: bool = False) -> ExitCode:
    """The run's exit code: where several apply, 3, then 99, 8, 2, 4."""
    if HostStatus.ROLLBACK_FAILED in statuses:
        return ExitCode.ROLLBACK_FAILED
    if interrupted:
        return ExitCode.INTERRUPTED
    if budget:
        return ExitCode.BUDGET
    bad = [s for s in statuses if not s.good]
    if not bad:
        return ExitCode.DONE
    return ExitCode.UNREACHABLE if all(s is HostStatus.UNREACHABLE for s in bad) else ExitCode.HOST_FAILED
