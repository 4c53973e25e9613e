"""One action on one host as one answer: what `runbook module` prints, under the names that Ansible's modules use."""

from __future__ import annotations

import re

from playbook_engine.catalog import catalog
from playbook_engine.catalog.spec import Kind
from playbook_engine.model.errors import EngineError
from playbook_engine.model.events import Event, HostFinished, StepFinished
from playbook_engine.model.outcome import Outcome

OURS = ("kind", "stdout_bytes", "stderr_bytes", "pid")
"""Keys of a result that a module of Ansible does not have and nobody misses."""

UNSET = ("backup_file", "advice")
"""Keys that are left out where they are empty."""


class Answer:
    """Watches a run of one step on one host, and keeps how it ended."""

    def __init__(self) -> None:
        self._finished: StepFinished | None = None
        self._host: HostFinished | None = None

    def emit(self, event: Event) -> None:
        if isinstance(event, StepFinished) and event.step == "s1":
            self._finished = event
        elif isinstance(event, HostFinished):
            self._host = event

    def told(self, *, check: bool) -> dict[str, object]:
        """The answer: `changed`, `failed`, `skipped` where it was, `msg`, and the keys of the module's own result."""
        end = self._finished
        if end is None:
            message = self._host.message if self._host else "the run ended before the action began"
            return refused(message)
        outcome = Outcome(end.outcome)
        result = {k: v for k, v in end.result.items() if k not in OURS and (v is not None or k not in UNSET)}
        left_out = check and end.kind == "left-out"
        if left_out or (check and outcome is Outcome.CHANGED and _blind(end)):
            said = f"{end.action} cannot say what it would change; it was left out"
            return {"changed": False, "failed": False, "skipped": True, "msg": said}
        if check and str(result.get("msg")).startswith("Did not run"):
            result["msg"] = str(result["msg"]).replace("Did", "Would", 1)
        failed = not outcome.good
        told: dict[str, object] = {**result, "changed": bool(result.get("changed")), "failed": failed}
        if failed:
            told["msg"] = _conditional(end) or result.get("msg") or end.message
            if end.advice:
                told["advice"] = end.advice
        elif outcome is Outcome.SKIPPED:
            told["skipped"] = True
        elif told.get("skipped") is not True:  # `script` says so itself, of `creates` and `removes`
            told.pop("skipped", None)
        return told


def _conditional(end: StepFinished) -> str:
    """What Ansible says of a condition of `assert` that cannot be judged."""
    if end.action != "assert" or end.kind != "template":
        return ""
    said = end.message
    if match := re.search(r"'([^']+)' is not defined$", said):
        return f"Task failed: Error while evaluating conditional: '{match[1]}' is undefined"
    if match := re.search(r"does not compile(?: \(.*?\))?: (.*)", said):
        return f"Task failed: Syntax error in expression: {match[1]}"
    return ""


def _blind(end: StepFinished) -> bool:
    """Whether nothing says what a command would do: then Ansible's check mode skips it."""
    return catalog.get(end.action).kind is Kind.OPAQUE and not end.result.get("would_run")


def refused(message: str, error: EngineError | None = None) -> dict[str, object]:
    """The answer of an action that was not begun."""
    told: dict[str, object] = {"changed": False, "failed": True, "msg": message}
    if error is not None and error.advice:
        told["advice"] = error.advice
    return told
