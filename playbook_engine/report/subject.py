"""The run that a report is about: its view, what is wrong with its journal, whether it lives, and who took it back."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from playbook_engine.journal.files import FileStore
from playbook_engine.journal.fold import RunView, fold
from playbook_engine.model.errors import JournalError
from playbook_engine.model.frozen import frozen


class RunState(StrEnum):
    """Whether a run goes on. Dead: nobody writes its journal, and it does not say that the run ended."""

    LIVE = "running"
    DEAD = "died"
    INTERRUPTED = "interrupted"
    FINISHED = "finished"


@frozen
class Subject:
    """A run as read. `later`: the rollback runs of it, oldest first. `damage` is shown by whatever shows the run."""

    view: RunView
    damage: str = ""
    live: bool = False
    closed: bool = True
    later: tuple[Subject, ...] = ()

    @property
    def run(self) -> str:
        return self.view.run

    @property
    def state(self) -> RunState:
        if self.view.finished is not None:
            return RunState.INTERRUPTED if self.view.finished.interrupted else RunState.FINISHED
        return RunState.LIVE if self.live else RunState.DEAD

    @property
    def faults(self) -> tuple[str, ...]:
        """What a reader must know about the journal before believing anything below."""
        found = [f"the journal is damaged: {self.damage}"] if self.damage else []
        if self.state is RunState.DEAD:
            found.append("the run died: its journal does not say how it ended, and nobody is writing it")
        elif self.state is not RunState.LIVE and not self.closed and not self.damage:
            found.append("the journal has no closing record: its end may have been cut off")
        return tuple(found)


def read(store: FileStore, run: str, later: Sequence[str] = ()) -> Subject:
    """Raises NotFound, JournalError."""
    journal = store.read(run)
    view = fold(run, journal.records)
    if view is None:
        why = f": {journal.damage}" if journal.damage else ""
        raise JournalError(f"the journal of {run} has no readable first record{why}")
    return Subject(
        view=view, damage=journal.damage, live=journal.live, closed=journal.closed,
        later=tuple(read(store, name) for name in later),
    )  # fmt: skip
