"""The escalations that are not over, each with its journal open; and what is known of those that are."""

from __future__ import annotations

from dataclasses import dataclass, field

from playbook_engine.escalation.intake import taken
from playbook_engine.escalation.policies import from_text
from playbook_engine.escalation.policy import Policy
from playbook_engine.escalation.view import EscalationView, fold
from playbook_engine.journal.codec import Record
from playbook_engine.journal.files import FileStore, JournalWriter
from playbook_engine.model.events import EscalationOpened, Event


@dataclass(slots=True, kw_only=True)
class Case:
    """An escalation that is not over: its view, its policy, its journal with so many records."""

    view: EscalationView
    policy: Policy
    journal: JournalWriter
    records: int
    flying: set[str] = field(default_factory=set)

    def add(self, event: Event) -> None:
        """To the journal, then to the view. Raises JournalError."""
        at = self.journal.append(event)
        self.records += 1
        self.view.apply(Record(seq=self.records, at=at, event=event))


class Casebook:
    """The cases of one state folder. Their dispatcher alone writes them."""

    def __init__(self, store: FileStore) -> None:
        self._store = store
        self.cases: dict[str, Case] = {}
        self._past: set[tuple[str, int, str]] = set()

    def read(self, name: str) -> None:
        """One escalation as its journal has it, to be gone on with unless it is over.

        Raises JournalError, LoadError.
        """
        journal = self._store.read(name)
        view = fold(journal.records)
        if view is None or journal.closed:
            self._past |= taken([view] if view else [])
            return
        policy = from_text(str(view.opened.snapshot.get("text")), str(view.opened.snapshot.get("file")))
        writer = self._store.resume(name)
        self.cases[view.id] = Case(view=view, policy=policy, journal=writer, records=len(journal.records))

    def read_again(self, name: str) -> None:
        """After its journal could not be written: what is in it counts. Raises JournalError."""
        self.cases[name].journal.abandon()
        self.read(name)

    def open(self, event: EscalationOpened, policy: Policy) -> None:
        """A new one. Raises JournalError."""
        journal = self._store.create(event.escalation)
        view = fold([Record(seq=1, at=journal.append(event), event=event)])
        assert view is not None
        self.cases[event.escalation] = Case(view=view, policy=policy, journal=journal, records=1)

    def close(self, case: Case) -> None:
        """It is over: its journal gets the closing record. Raises JournalError."""
        case.journal.close()
        self._past |= taken([case.view])
        del self.cases[case.view.id]

    def abandon(self) -> None:
        """Lets go of all journals, as they are."""
        for case in self.cases.values():
            case.journal.abandon()

    def known(self) -> set[tuple[str, int, str]]:
        """The failures that were taken in already: run, record, host."""
        return self._past | taken(c.view for c in self.cases.values())
