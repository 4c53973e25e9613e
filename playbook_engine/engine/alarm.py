"""What a host's end is to those who may have to hear of it: the word that escalation policies know it by."""

from __future__ import annotations

from collections.abc import Mapping

from playbook_engine.engine.commands import Program, emit
from playbook_engine.engine.context import HostContext
from playbook_engine.engine.limits import DEADLINE
from playbook_engine.model.events import EscalationRaised
from playbook_engine.model.frozen import frozen
from playbook_engine.model.outcome import HostStatus

BY_STATUS: Mapping[HostStatus, str] = {
    HostStatus.ROLLBACK_FAILED: "rollback_failed",
    HostStatus.IN_DOUBT: "unknown_state",
    HostStatus.UNKNOWN: "unknown_state",
    HostStatus.UNREACHABLE: "unreachable",
}
BY_KIND: Mapping[str, str] = {
    "check": "check_failed", "criterion": "check_failed", "precondition": "check_failed",
    "no-answer": "approval_timeout",
}  # fmt: skip


@frozen
class Cause:
    """What a host failed of: the kind of the failure, and the step it was in."""

    kind: str = ""
    step: str = ""


def trigger(status: HostStatus, message: str, cause: Cause) -> str:
    """The word for it; empty for what nobody is called for: a host that somebody stopped, and so knows of."""
    if status.good:
        return ""
    if status is HostStatus.ABORTED:
        return "deadline" if message.startswith(DEADLINE) else ""
    return BY_STATUS.get(status) or BY_KIND.get(cause.kind, "step_failed")


def raised(context: HostContext, status: HostStatus, message: str, cause: Cause) -> Program[None]:
    """Says it, once a host has ended, where the runbook names a policy or an owner who is to hear of it."""
    runbook = context.plan.runbook
    to, word = runbook.escalation or runbook.owner, trigger(status, message, cause)
    if to and word and not context.options.check:
        yield from emit(
            EscalationRaised(
                host=context.host.name, to=to, why=f"{status}: {message}", severity=runbook.severity, trigger=word,
                step=cause.step,
            )
        )  # fmt: skip
