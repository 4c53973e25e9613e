"""The fault matrix as a table: what is right in every cell.

A cell is a fault and a job. What is expected of it: how the host ends, the exit code, the kind of the failure, words of
the message or the advice, and within how many seconds of having been started. The seconds are the promise's own (a
timeout, a deadline, the time in which a dead link is noticed and a host may come back), and what the job takes.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Job(StrEnum):
    """What is asked of the host."""

    FACTS = "facts"
    FREE_DISK = "free-disk"
    TEN_STEPS = "ten-steps"
    ROLLBACK = "rollback"


class Fault(StrEnum):
    """What is wrong with the host. `DURING`: it happens while a step (or its undoing) runs."""

    FULL = "0 bytes free"
    NO_INODES = "0 inodes free"
    READ_ONLY = "read-only /"
    NO_TMP = "no /tmp"
    NOEXEC_TMP = "noexec /tmp"
    NO_PYTHON = "no Python"
    PYTHON_36 = "Python 3.6"
    REFUSED = "refused"
    BLACKHOLED = "blackholed"
    CUT_OFF = "blackholed during a step"
    CUT_AWHILE = "blackholed for 35 s during a step"
    SSHD_KILLED = "sshd killed during a step"
    REBOOTED = "reboot during a step"
    HANGS = "a step that hangs"
    FLOOD = "1 GiB of output"
    NO_TEXT = "output that is no text"
    NEW_KEY = "changed host key"
    CLOCK = "clock 1 h back"


DURING = (Fault.CUT_OFF, Fault.CUT_AWHILE, Fault.SSHD_KILLED, Fault.REBOOTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Right:
    """What is right: `kind` and `words` are looked for in what the run says of the host, empty ones are not."""

    status: str
    code: int
    kind: str = ""
    words: str = ""
    within: float


# Seconds that a job takes undisturbed, on two cores that many cells share.
TAKES = {Job.FACTS: 10.0, Job.FREE_DISK: 25.0, Job.TEN_STEPS: 20.0, Job.ROLLBACK: 20.0}
# A dead link is noticed after so long, and then the host may come back for so long.
NOTICED, RECONNECT = 30.0, 30.0
AWHILE = 35.0  # longer than it takes to be noticed, and back before patience ends

_GOOD = {Job.FACTS: "ok", Job.FREE_DISK: "changed", Job.TEN_STEPS: "changed", Job.ROLLBACK: "rolled_back"}
_ALL = tuple(Job)


def _well(job: Job, extra: float = 0.0) -> Right:
    return Right(status=_GOOD[job], code=0, within=TAKES[job] + extra)


def _bad(job: Job, status: str, code: int, kind: str, words: str, extra: float = 0.0) -> Right:
    return Right(status=status, code=code, kind=kind, words=words, within=TAKES[job] + extra)


def _row(usual: dict[Job, Right], **other: Right) -> dict[Job, Right]:
    return {**usual, **{Job[name]: right for name, right in other.items()}}


_WELL = {job: _well(job) for job in _ALL}


def _unreachable(kind: str, words: str, extra: float = 0.0) -> dict[Job, Right]:
    return {job: _bad(job, "unreachable", 4, kind, words, extra) for job in _ALL}


TABLE: dict[Fault, dict[Job, Right]] = {
    # The undoing of what came last makes the room that the undoing of what came first needs.
    Fault.FULL: _row(_WELL, TEN_STEPS=_bad(Job.TEN_STEPS, "rolled_back", 2, "disk-full", "runbook run free-disk")),
    Fault.NO_INODES: _row(_WELL, TEN_STEPS=_bad(Job.TEN_STEPS, "rolled_back", 2, "no-inodes", "no inodes are left")),
    Fault.READ_ONLY: {
        Job.FACTS: _well(Job.FACTS),
        Job.FREE_DISK: _bad(Job.FREE_DISK, "failed", 2, "", "the file system can be written at all"),
        Job.TEN_STEPS: _bad(Job.TEN_STEPS, "rolled_back", 2, "read-only", "dmesg"),
        Job.ROLLBACK: _bad(Job.ROLLBACK, "rollback_failed", 3, "", "Read-only file system"),
    },
    Fault.NO_TMP: _WELL,
    Fault.NOEXEC_TMP: _WELL,
    Fault.NO_PYTHON: _row(
        _WELL,
        TEN_STEPS=_bad(Job.TEN_STEPS, "failed", 2, "no-python", "python3-minimal"),
        ROLLBACK=_bad(Job.ROLLBACK, "rollback_failed", 3, "", "needs Python 3.6 or newer"),
    ),
    Fault.PYTHON_36: _WELL,
    Fault.REFUSED: _unreachable("unreachable", "sshd is not listening"),
    Fault.BLACKHOLED: _unreachable("unreachable", "firewall", 10.0),
    Fault.NEW_KEY: _unreachable("host-key", "ssh-keygen -R"),
    # What was looked at is not there; what was being changed is in doubt; what was taken back half-way wakes somebody.
    Fault.CUT_OFF: {
        Job.FACTS: _bad(Job.FACTS, "unreachable", 4, "unreachable", "no answer from", NOTICED + RECONNECT),
        Job.FREE_DISK: _bad(Job.FREE_DISK, "in_doubt", 2, "link-lost", "runbook resume", NOTICED + RECONNECT),
        Job.TEN_STEPS: _bad(Job.TEN_STEPS, "in_doubt", 2, "link-lost", "runbook resume", NOTICED + RECONNECT),
        Job.ROLLBACK: _bad(Job.ROLLBACK, "rollback_failed", 3, "", "stopped half-way", NOTICED + RECONNECT),
    },
    Fault.CUT_AWHILE: {job: _well(job, AWHILE + RECONNECT) for job in _ALL},
    Fault.SSHD_KILLED: {job: _well(job, RECONNECT) for job in _ALL},
    # Whether the drill ran to its end nobody can tell, nor how far `reclaim` came: neither keeps a state.
    Fault.REBOOTED: {
        Job.FACTS: _well(Job.FACTS, RECONNECT),
        Job.FREE_DISK: _bad(Job.FREE_DISK, "in_doubt", 2, "in-doubt", "the host was rebooted meanwhile", RECONNECT),
        Job.TEN_STEPS: _bad(Job.TEN_STEPS, "in_doubt", 2, "in-doubt", "the host was rebooted meanwhile", RECONNECT),
        Job.ROLLBACK: _bad(Job.ROLLBACK, "rollback_failed", 3, "", "the host was rebooted meanwhile", RECONNECT),
    },
    Fault.HANGS: {
        Job.FACTS: _bad(Job.FACTS, "failed", 2, "timeout", "", 3.0),
        Job.FREE_DISK: _bad(Job.FREE_DISK, "failed", 2, "timeout", "", 5.0),
        Job.TEN_STEPS: _bad(Job.TEN_STEPS, "rolled_back", 2, "timeout", "", 20.0),
        Job.ROLLBACK: _bad(Job.ROLLBACK, "rollback_failed", 3, "", "timed out", 20.0),
    },
    # No action of the first two runs a program: there it is the login shell that says so much.
    Fault.FLOOD: {
        Job.FACTS: _bad(Job.FACTS, "failed", 2, "protocol", "login scripts print without end"),
        Job.FREE_DISK: _bad(Job.FREE_DISK, "failed", 2, "protocol", "login scripts print without end"),
        Job.TEN_STEPS: _well(Job.TEN_STEPS, 20.0),
        Job.ROLLBACK: _well(Job.ROLLBACK, 20.0),
    },
    Fault.NO_TEXT: _WELL,
    Fault.CLOCK: _WELL,
}

# Every fault once, every job several times: what CI runs. A link that is gone for good takes longer than all of the
# others, and is in tests/live/test_lost_links.py.
SHORT: tuple[tuple[Fault, Job], ...] = (
    (Fault.CUT_AWHILE, Job.TEN_STEPS),
    (Fault.HANGS, Job.TEN_STEPS),
    (Fault.REBOOTED, Job.FACTS),
    (Fault.SSHD_KILLED, Job.ROLLBACK),
    (Fault.FLOOD, Job.TEN_STEPS),
    (Fault.FULL, Job.FREE_DISK),
    (Fault.NO_INODES, Job.ROLLBACK),
    (Fault.READ_ONLY, Job.TEN_STEPS),
    (Fault.NO_TMP, Job.TEN_STEPS),
    (Fault.NOEXEC_TMP, Job.FREE_DISK),
    (Fault.NO_PYTHON, Job.FREE_DISK),
    (Fault.PYTHON_36, Job.ROLLBACK),
    (Fault.NO_TEXT, Job.TEN_STEPS),
    (Fault.CLOCK, Job.ROLLBACK),
    (Fault.BLACKHOLED, Job.FACTS),
    (Fault.REFUSED, Job.ROLLBACK),
    (Fault.NEW_KEY, Job.FREE_DISK),
)
