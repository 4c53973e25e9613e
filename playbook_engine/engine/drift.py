"""Whether a host moved under a plan: what a step finds is held against what it found when the run was planned.

A run that was not planned expects nothing (`Plan.expected` is empty), so nothing ever drifts from it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from playbook_engine.engine.digest import digest
from playbook_engine.engine.result import StepResult
from playbook_engine.model.events import ChangeIntended
from playbook_engine.model.outcome import Outcome
from playbook_engine.model.plan import Plan
from playbook_engine.transport.base import Reply

ALREADY = "already so"
"""What is expected of a step that found nothing to do; any other expectation is a digest."""


def key(host: str, step: str, item: int, scope: str = "main") -> str:
    """Where the expectation of a step, or of one item of its loop (else -1), stands in `Plan.expected`.

    What a rollback does has a key of its own: a handler may run again in it, and nothing was planned about that.
    """
    return f"{host}/{step}/{item}" + ("/rollback" if scope.endswith("/rollback") else "")


def drifted(
    plan: Plan, place: str, on: str, action: str, args: Mapping[str, object], looked: Reply,
    made: Sequence[ChangeIntended],
) -> StepResult | None:  # fmt: skip
    """How the step at this place ends when the host is not as planned; None when it is, or when what this run itself
    has made (`made`) may be why it is not. Nothing was touched yet."""
    expected = plan.expected.get(place)
    if expected is None or not looked.ok:
        return None
    state = looked.state or {}
    same = not looked.plan if expected == ALREADY else digest(action, args, state) == expected
    if same or any(_reaches(event, on, state) for event in made):
        return None
    if expected == ALREADY:
        said = "there is something to do, and when this was planned there was nothing"
    else:
        said = f"{_what(state) or action}, or what is to become of it, is not what it was when this was planned"
    return StepResult(
        outcome=Outcome.FAILED, kind="drift", message=f"not touched: {said}",
        advice="somebody, or something, changed it since: look at it, then plan again",
        result={"changed": False, "failed": True, "kind": "drift"},
    )  # fmt: skip


def _reaches(event: ChangeIntended, on: str, state: Mapping[str, object]) -> bool:
    """Whether a change of this run may have made the state other than it was planned: the same path, one above or below
    it, or, where either is no path (a command, a package, a service), anything on the same host."""
    if event.on != on:
        return False
    changed, path = str(event.before.get("path") or ""), _what(state)
    if not changed or not path:
        return True
    one, other = f"{changed.rstrip('/')}/", f"{path.rstrip('/')}/"
    return one.startswith(other) or other.startswith(one)


def _what(state: Mapping[str, object]) -> str:
    return str(state.get("path") or "")
