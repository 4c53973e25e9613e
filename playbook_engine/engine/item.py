"""One item of a step while it runs, and what may be said of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from playbook_engine.catalog.spec import ActionSpec
from playbook_engine.engine.history import Past
from playbook_engine.engine.scope import Scope
from playbook_engine.model.runbook import Step
from playbook_engine.transport.base import Become


@dataclass(slots=True, kw_only=True)
class Item:
    """One item of a step's loop (or its only one) while it runs.

    `check`: nothing is changed, it is only said what would be. `rescue`: its block goes on when it fails.
    """

    step: Step
    scope: Scope
    spec: ActionSpec
    index: int
    name: str
    label: str
    extra: dict[str, object]
    handler: bool
    scope_id: str
    on: str = ""
    become: Become | None = None
    attempt: int = 1
    losses: int = 0
    check: bool = False
    diff: bool = False
    rescue: bool = False
    past: Past | None = None

    def seen(self, result: Mapping[str, object]) -> dict[str, object]:
        """The variables that a condition about a result may name."""
        seen = self.variables()
        seen["result"] = result
        if self.step.register:
            seen[self.step.register] = result
        return seen

    def variables(self) -> dict[str, object]:
        return self.scope.variables(self.step.vars, self.extra)


def carries(item: Item) -> bool:
    """Whether the state before travels: the action itself takes the change back."""
    return item.spec.reversible and item.step.rollback is None and item.step.irreversible is None


def told(step: Step, plan: Sequence[Mapping[str, object]]) -> tuple[Mapping[str, object], ...]:
    """The changes of a plan as they may be shown: under `no_log` only what they concern."""
    if not step.no_log:
        return tuple(plan)
    return tuple({k: v for k, v in change.items() if k in ("path", "subject", "aspect")} for change in plan)
