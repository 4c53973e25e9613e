"""The events of an incident: what people gather about it afterwards, and what they decide.

Times that somebody gives (`told`) are kept beside the time of the record: what was said to have happened then is a
claim, and what was recorded then is none.
"""

from __future__ import annotations

from playbook_engine.model.events.event import Event
from playbook_engine.model.frozen import frozen


@frozen
class IncidentOpened(Event):
    """`severity` and `title` are somebody's, or those of the run that it began with; `why` says which."""

    incident: str
    title: str = ""
    severity: str = ""
    services: tuple[str, ...] = ()
    actor: str = ""
    why: str = ""


@frozen
class IncidentAttached(Event):
    """Something that has a journal of its own belongs to it. `kind`: run | escalation | drill; `of` is its id."""

    kind: str
    of: str
    actor: str = ""
    why: str = ""


@frozen
class LineImported(Event):
    """One line of a file: an alert, something said in a chat. `told` is the line's own time, UTC.

    `milestone`: detected, acknowledged, …, where the line itself says so. `place` is its file and line.
    """

    source: str
    told: str
    speaker: str = ""
    text: str = ""
    milestone: str = ""
    place: str = ""
    file_sha256: str = ""
    actor: str = ""


@frozen
class IncidentNoted(Event):
    """What somebody says of it. `kind` is a word of `model.incident.NoteKind`: some answer what only people can judge.

    `told` is when it happened, as they say; empty for now.
    """

    kind: str = "note"
    text: str = ""
    told: str = ""
    milestone: str = ""
    actor: str = ""


@frozen
class ItemDecided(Event):
    """What was decided of an action item; empty fields stay as they were. `status`: open | done | dropped.

    `proof` is what people look at to call it repaired, where its runbook has no probe for that.
    """

    item: str
    title: str = ""
    type: str = ""
    owner: str = ""
    due: str = ""
    ticket: str = ""
    proof: str = ""
    status: str = ""
    reason: str = ""
    actor: str = ""


@frozen
class ProbeVerified(Event):
    """The closing probe of an action item was run, as `run`: `verdict` is the worst of its records there, those of
    `probes` (ids) on `hosts`."""

    item: str
    run: str
    verdict: str
    probes: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    why: str = ""


@frozen
class IncidentClosed(Event):
    """`blanks` are those that were left when it was closed all the same, which wants a `reason`."""

    actor: str = ""
    reason: str = ""
    blanks: tuple[str, ...] = ()
