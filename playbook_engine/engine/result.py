"""How a step ended on a host, as a value."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import field

from playbook_engine.model.errors import EngineError, HostError, TemplateError
from playbook_engine.model.frozen import frozen
from playbook_engine.model.outcome import HostStatus, Outcome

ADVICE = {
    "disk-full": "the file system is full; what was there before is intact. `runbook run free-disk HOST` makes room",
    "no-inodes": "no inodes are left (df -i); what was there before is intact. `runbook run free-disk HOST` makes room",
    "read-only": "the file system is mounted read-only: look at dmesg for disk errors before remounting it",
    "permission": "the user lacks the right: set `become: true`, or connect as another user",
    "timeout": "its whole process group was killed. Raise the step's `timeout` if it may take longer",
    "no-such-command": "install the program, or give its full path",
    "no-terminal": "run it at a terminal, or say --yes: then nobody is asked, and the run goes on",
    "over-undo-limit": "give the step a `rollback:` of its own, say `irreversible: reason`, or raise undo_limit",
}
"""What to do next, by the kind of a failure."""


class Stopped(Exception):
    """The host ends here with this status; raised inside the machine only."""

    def __init__(self, status: HostStatus, message: str = "", advice: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.advice = advice


class Ended(Exception):
    """The host is done, and well (`meta: end_host`); raised inside the machine only."""


@frozen
class Failed:
    """Something did not end well, and it is not decided yet what that means for the host.

    `task`: the step as `ansible_failed_task` has it. `unreachable`: the host was lost, and nothing there can be taken
    back now. `ended`: how an imported runbook has ended already, its changes taken back or kept.
    """

    message: str
    advice: str = ""
    kind: str = ""
    task: Mapping[str, object] = field(default_factory=dict)
    result: Mapping[str, object] = field(default_factory=dict)
    unreachable: bool = False
    ended: HostStatus | None = None


@frozen
class StepResult:
    """How a step ended. `result` is what `register` holds; not `known` when the step was only announced (`--check`).

    `elsewhere`: another host has done it for all (`run_once`).
    """

    outcome: Outcome
    kind: str = ""
    message: str = ""
    advice: str = ""
    ignored: bool = False
    known: bool = True
    elsewhere: bool = False
    result: Mapping[str, object] = field(default_factory=dict)

    @property
    def stops(self) -> bool:
        return not self.outcome.good and not self.ignored


def of_host_error(error: HostError) -> StepResult:
    """A host that cannot be worked with, as the end of the step that met it."""
    if error.kind in ("become-failed", "no-python", "interrupted"):
        return StepResult(outcome=Outcome.FAILED, kind=error.kind, message=error.message, advice=error.advice or "")
    return StepResult(outcome=Outcome.UNREACHABLE, kind=error.kind, message=error.message, advice=error.advice or "")


def unwanted(condition: str) -> StepResult:
    """One of its conditions does not hold."""
    return StepResult(
        outcome=Outcome.SKIPPED, message=f"when: {condition} is false",
        result={
            "changed": False, "skipped": True, "skip_reason": "Conditional result was False",
            "false_condition": False if condition == "false" else condition,  # as it is most likely written
        },
    )  # fmt: skip


def refused(error: EngineError) -> StepResult:
    """Nothing was asked of a host: what would be asked cannot be said."""
    return StepResult(
        outcome=Outcome.FAILED, kind=error.kind, message=str(error), advice=error.advice or "",
        result={"changed": False, "failed": True, "msg": str(error)},
    )  # fmt: skip


def spoiled(end: StepResult, message: str) -> StepResult:
    """An item that ended, as one that failed: what was to be decided after it cannot be."""
    return dataclasses.replace(
        end, outcome=Outcome.FAILED, kind=TemplateError.kind, message=message,
        result={**end.result, "failed": True, "msg": message},
    )  # fmt: skip


def of_another(end: StepResult, *, elsewhere: bool) -> StepResult:
    """What the end of a step on the host that does it for all means here: this host has not been lost with that one."""
    end = dataclasses.replace(end, elsewhere=elsewhere)
    if end.outcome is not Outcome.UNREACHABLE:
        return end
    message = f"the host that does it for all was lost: {end.message}"
    return dataclasses.replace(end, outcome=Outcome.FAILED, message=message, result={**end.result, "failed": True})


def status_of(error: HostError) -> HostStatus:
    """How a host ends on which nothing can be begun, or gone on with. One that is locked can be resumed."""
    if error.kind in ("locked", "interrupted"):
        return HostStatus.ABORTED
    return HostStatus.UNREACHABLE if error.exit_code == 4 else HostStatus.FAILED


def joined(results: list[StepResult]) -> StepResult:
    """A loop's items as one result."""
    order = (
        Outcome.IN_DOUBT, Outcome.UNREACHABLE, Outcome.FAILED, Outcome.TIMED_OUT, Outcome.UNKNOWN, Outcome.CHANGED,
        Outcome.OK, Outcome.SKIPPED,
    )  # fmt: skip
    worst = min(results, key=lambda r: (not r.stops, order.index(r.outcome)))
    whole: dict[str, object] = {
        "results": [dict(r.result) for r in results],
        "changed": any(r.outcome is Outcome.CHANGED for r in results),
        "failed": any(r.outcome.measured_failure for r in results),
        "skipped": all(r.outcome is Outcome.SKIPPED for r in results),
    }
    said = {"failed": "One or more items failed", "skipped": "All items skipped"}  # Ansible's words
    whole["msg"] = next((text for key, text in said.items() if whole[key]), "All items completed")
    return dataclasses.replace(worst, result=whole, known=all(r.known for r in results))
