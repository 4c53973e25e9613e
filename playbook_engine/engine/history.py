"""What the journal says was done on a host already: a run that goes on asks here before it asks the host.

A run walks its plan from the beginning each time; what it finds here it takes as it was, and does nothing for it. With
no history there is nothing to find: an ordinary run is the walk with an empty one.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from playbook_engine.journal.fold import ChangeView, HostView, StepView
from playbook_engine.model.events import RollbackStarted, RollbackVerified, StepFinished
from playbook_engine.model.outcome import Outcome

FINAL = frozenset({Outcome.OK, Outcome.CHANGED, Outcome.SKIPPED, Outcome.FAILED, Outcome.TIMED_OUT})
"""Ends of a step that stay. One that is in doubt, unknown, or met an unreachable host is taken up again."""


@dataclass(slots=True, kw_only=True)
class Past:
    """One item of a step as it stands in the journal: every time it was begun, and the changes it intended."""

    views: list[StepView]
    changes: list[ChangeView] = field(default_factory=list)

    @property
    def finished(self) -> StepFinished | None:
        """How it ended, for good."""
        end = self.views[-1].finished
        return end if end is not None and Outcome(end.outcome) in FINAL else None

    @property
    def attempt(self) -> int:
        """The attempt that was under way."""
        tried = max((c.intended.attempt for c in self.changes), default=1)
        return max(tried, 1 + sum(view.retries for view in self.views))

    def change(self, attempt: int) -> ChangeView | None:
        """The newest intent of an attempt."""
        return next((c for c in reversed(self.changes) if c.intended.attempt == attempt), None)


class History:
    """One host's journal, as the machine asks for it. Each thing is given out once, in the order it was written."""

    def __init__(self, view: HostView | None = None) -> None:
        self._view = view or HostView(name="")
        self._steps = _grouped(self._view)

    def step(self, scope: str, step: str, item: int) -> Past | None:
        """The next time that this item of a step was begun in this scope."""
        waiting = self._steps.get((scope, step, item))
        return waiting.popleft() if waiting else None

    @property
    def facts(self) -> Mapping[str, object] | None:
        return self._view.facts.facts if self._view.facts else None

    def began(self, scope: str) -> bool:
        """Whether a step of this scope, or of one inside it, was begun."""
        return any(s.started.scope == scope or s.started.scope.startswith(f"{scope}.") for s in self._view.steps)

    def begun(self, scope: str, step: str) -> bool:
        """Whether a step was begun once more than it was given out here."""
        return any(waiting for (s, name, _), waiting in self._steps.items() if s == scope and name == step)

    def left(self, scope: str, step: str, kind: str) -> bool:
        """Whether a step is the next thing here that ended as a whole, whatever its loop, and in this way."""
        waiting = self._steps.get((scope, step, -1))
        end = waiting[0].finished if waiting else None
        return end is not None and end.kind == kind

    def reached(self, entry: str) -> bool:
        """Whether an import was begun."""
        return self.began(entry) or bool(self.scope(entry))

    def changed(self) -> bool:
        """Whether anything was changed, or may have been."""
        return bool(self._view.to_undo())

    def scope(self, scope: str) -> str:
        """How a runbook or import ended; empty while it has not."""
        return self._view.scopes.get(scope, "")

    def rollback(self, scope: str) -> RollbackStarted | None:
        """The rollback that was begun in a scope."""
        return next((r for r in self._view.rollbacks if r.scope == scope), None)

    def rolling_back(self) -> bool:
        return bool(self._view.rollbacks)

    def proof(self, scope: str) -> RollbackVerified | None:
        """What the rollback of a scope has proved."""
        return next((p for p in reversed(self._view.proofs) if p.scope == scope), None)


def _grouped(view: HostView) -> dict[tuple[str, str, int], deque[Past]]:
    """Views of one and the same item together: one that did not end for good is continued by the next of its key."""
    found: dict[tuple[str, str, int], deque[Past]] = defaultdict(deque)
    for each in view.steps:
        waiting = found[each.started.scope, each.started.step, each.started.item]
        if waiting and waiting[-1].finished is None:
            waiting[-1].views.append(each)
        else:
            waiting.append(Past(views=[each]))
    for change in view.changes:
        waiting = found[change.intended.scope, change.intended.step, change.intended.item]
        mine = next((p for p in reversed(waiting) if p.views[0].seq < change.seq), None)
        if mine is not None:
            mine.changes.append(change)
    return found
