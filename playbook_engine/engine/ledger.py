"""What a run has changed on one host so far, in order: what a rollback takes back, and which handlers wait."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from playbook_engine.engine.scope import Scope
from playbook_engine.journal.fold import ChangeView
from playbook_engine.model.events import ChangeIntended, StepUndone
from playbook_engine.model.runbook import Step
from playbook_engine.transport.base import Become


class Fate(StrEnum):
    """What became of an intent. A failed one counts as changed: half of it may have happened."""

    INTENDED = "intended"
    APPLIED = "applied"
    FAILED = "failed"


@dataclass(slots=True, kw_only=True)
class Change:
    """One intent, with what is needed to take it back."""

    event: ChangeIntended
    step: Step
    scope: Scope
    become: Become | None = None
    fate: Fate = Fate.INTENDED
    after: Mapping[str, object] = field(default_factory=dict)
    past: ChangeView | None = None

    @property
    def undone(self) -> StepUndone | None:
        """How its taking back ended, if a controller before this one has done it. One that failed is tried again."""
        done = self.past.undone if self.past else None
        return done if done is not None and done.outcome != "failed" else None


def counts(event: ChangeIntended) -> bool:
    """Whether a rollback is concerned with an intent: a handler needs none, a rollback's own steps are no change."""
    return not event.handler and not event.scope.endswith("/rollback")


class Ledger:
    """One host's changes and pending notifications."""

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self.pending: dict[str, list[str]] = {}
        self.made: list[ChangeIntended] = []  # every intent of the run, also of what is settled or was taken back

    def intend(self, change: Change) -> None:
        self.changes.append(change)
        self.made.append(change.event)

    def recall(self, past: ChangeView, step: Step, scope: Scope, become: Become | None) -> None:
        """A change of which the journal says how it ended, as it counted then."""
        self.made.append(past.intended)
        if past.in_doubt or (past.failed and past.failed.untouched) or (past.after and past.after.already):
            return
        fate = Fate.APPLIED if past.applied else Fate.FAILED
        after = past.after.state if past.after else {}
        self.changes.append(
            Change(event=past.intended, step=step, scope=scope, become=become, fate=fate, after=after, past=past)
        )

    def applied(self, after: Mapping[str, object]) -> None:
        self.changes[-1].fate = Fate.APPLIED
        self.changes[-1].after = after

    def failed(self) -> None:
        self.changes[-1].fate = Fate.FAILED

    def forget(self) -> None:
        """The last intent turned out to be nothing."""
        self.changes.pop()

    def notify(self, scope: str, names: tuple[str, ...]) -> None:
        waiting = self.pending.setdefault(scope, [])
        waiting.extend(n for n in names if n not in waiting)

    def take_pending(self, scope: str) -> list[str]:
        return self.pending.pop(scope, [])

    def of_scope(self, scope: str) -> list[Change]:
        """The changes made by the steps of one runbook itself: imports that finished keep theirs."""
        return [c for c in self.changes if c.event.scope == scope and counts(c.event)]

    def settle(self, scope: str) -> None:
        """The runbook of this scope has finished or was rolled back: its changes stay as they are."""
        self.changes = [c for c in self.changes if c.event.scope != scope]
