"""All that a report about an incident may read: its own journal, and the journals of what belongs to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field

from playbook_engine.journal.codec import Record
from playbook_engine.journal.incident import IncidentView
from playbook_engine.model.events import EscalationOpened, RunResumed, RunStarted
from playbook_engine.model.frozen import frozen
from playbook_engine.report.subject import Subject

OWN = "N"
"""The prefix of records of the incident's own journal: what people noted."""


@frozen
class Log:
    """The journal of an escalation or a drill. `prefix` is that of its records in the document."""

    kind: str
    id: str
    prefix: str
    records: tuple[Record, ...]
    faults: tuple[str, ...] = ()


@frozen
class Part:
    """A run of the incident: `label` is what the document calls it, `why` it belongs to it."""

    label: str
    subject: Subject
    why: str = ""

    @property
    def prefix(self) -> str:
        return f"{self.label}-"


@frozen
class Dossier:
    """`parts` are the runs, oldest first. `earlier`: runs on the same hosts before them. `names`: the runbook of each
    run as it is written, for the ids of action items: a name that is left out of a document must not change them.
    `unread`: what belongs to it and cannot be read, with the reason."""

    incident: IncidentView
    faults: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()
    logs: tuple[Log, ...] = ()
    earlier: tuple[Part, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    unread: tuple[str, ...] = ()

    @property
    def hosts(self) -> tuple[str, ...]:
        """All hosts of its runs, in the order in which they come."""
        return tuple(dict.fromkeys(name for part in self.parts for name in part.subject.view.hosts))

    @property
    def drill(self) -> bool:
        """Whether anything of it was practice: then all of it is said to be."""
        if any(log.kind == "drill" for log in self.logs) or any(p.subject.view.started.drill for p in self.parts):
            return True
        return any(isinstance(r.event, EscalationOpened) and r.event.drill for log in self.logs for r in log.records)

    def logs_of(self, kind: str) -> Iterator[Log]:
        return (log for log in self.logs if log.kind == kind)


def actor(part: Part, seq: int) -> str:
    """Who was at the controls of a run when a record was written: the one who started or last resumed it."""
    found = ""
    for record in part.subject.view.records:
        if record.seq > seq:
            break
        if isinstance(record.event, (RunStarted, RunResumed)):
            found = record.event.actor
    return found
