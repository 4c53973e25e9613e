"""Incidents: opened from a run, added to, decided on, closed. Each is one journal that only grows."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from playbook_engine.app.dossiers import dossier, view_of
from playbook_engine.app.gathering import NAMED, Found, gather
from playbook_engine.app.wiring import App
from playbook_engine.journal.fold import RunView, fold
from playbook_engine.journal.writer import JournalWriter
from playbook_engine.loading.lines import read_lines, utc
from playbook_engine.model.errors import LoadError, NotFound, UsageError
from playbook_engine.model.events import (
    Event,
    IncidentAttached,
    IncidentClosed,
    IncidentNoted,
    IncidentOpened,
    ItemDecided,
    LineImported,
)
from playbook_engine.report.items import Item, named
from playbook_engine.report.post_incident import PostIncidentReport, post_incident
from playbook_engine.report.severity import parse
from playbook_engine.report.text import instant

LARGEST = 32 << 20  # bytes of a file of lines
PREFIX = "inc-"
BY_HAND = "attached by hand"
BY_PEOPLE = (NAMED, BY_HAND)


def open_incident(app: App, title: str, severity: str, runs: Sequence[str]) -> tuple[str, list[Found]]:
    """The new incident and what was found to belong to it. Raises NotFound, UsageError, JournalError."""
    chosen = [_run(app, name) for name in runs]
    if not title and not chosen:
        raise UsageError("an incident of what?", advice="runbook incident open --run last, or give it a title")
    found = gather(app, chosen)
    views = [_view(app, run) for run in chosen]
    first = views[0].started if views else None
    worst = min((s for v in views if (s := parse(v.started.severity))), key=lambda s: s.rank, default=None)
    why = "given by whoever opened it" if severity else f"that of {views[0].run}" if worst and views else ""
    incident = app.new_run(PREFIX)
    with contextlib.closing(app.incidents.create(incident)) as journal:
        journal.append(
            IncidentOpened(
                incident=incident, title=title or (first.title or first.runbook if first else ""),
                severity=severity or (worst or ""), services=first.services if first else (),
                actor=app.settings.actor, why=why,
            )
        )  # fmt: skip
        for each in found:
            journal.append(IncidentAttached(kind=each.kind, of=each.id, actor=app.settings.actor, why=each.why))
    return incident, found


def note(app: App, name: str, event: IncidentNoted) -> str:
    """Raises NotFound, UsageError for a time that is none, JournalError."""
    return add(app, name, [event])


def when(text: str) -> str:
    """A time that somebody typed, as UTC; empty for none. Raises UsageError."""
    try:
        return utc(text) if text else ""
    except ValueError as error:
        raise UsageError(str(error), advice="--at 2025-08-01T17:42:00Z") from error


def attach(app: App, name: str, things: Sequence[str]) -> tuple[str, list[str]]:
    """Runs, escalations and drills by their ids, and files of lines; without any it looks again for what belongs to it.

    Says what was added. Nothing is, unless all of it can be. Raises NotFound, LoadError, LoadErrors, JournalError.
    """
    view = view_of(app, name)
    events: list[Event] = []
    told: list[str] = []
    known = {(a.kind, a.of) for a in view.attached}
    # From what people named, and not from what was found: else every look would reach further.
    named_runs = [a.of for a in view.attached if a.kind == "run" and a.why in BY_PEOPLE]
    found = [f for f in gather(app, named_runs) if (f.kind, f.id) not in known] if not things else []
    for thing in things:
        if Path(thing).is_file():
            lines = list(_lines(app, thing))
            events += lines
            told.append(f"{len(lines)} lines of {thing}")
        else:
            found += [f for f in _thing(app, thing) if (f.kind, f.id) not in known]
    for each in found:
        events.append(IncidentAttached(kind=each.kind, of=each.id, actor=app.settings.actor, why=each.why))
        told.append(f"{each.kind} {each.id}: {each.why}")
    return (add(app, name, events) if events else view.incident), told


def decide(app: App, name: str, wanted: Sequence[str], event: ItemDecided) -> list[Item]:
    """The same for several items, which are given back as they are then. Raises NotFound, JournalError."""
    report = report_of(app, name)
    chosen = [_item(report, each).id for each in wanted]
    add(app, name, [dataclasses.replace(event, item=each) for each in chosen])
    after = report_of(app, name)
    return [_item(after, each) for each in chosen]


def close(app: App, name: str, *, force: bool, reason: str) -> str:
    """Raises UsageError while something is left that only people can judge, unless it is forced with a reason."""
    report = report_of(app, name)
    if report.meta.closed:
        raise UsageError(f"{report.meta.run} was closed at {report.meta.closed} by {report.meta.closed_by}")
    blanks = tuple(b.id for b in report.blanks)
    if blanks and not force:
        some = ", ".join(blanks[:6]) + (f" and {len(blanks) - 6} more" if len(blanks) > 6 else "")
        raise UsageError(
            f"{report.meta.run} is not closed: {len(blanks)} blanks are left: {some}",
            advice=f"`runbook incident lint {report.meta.run}` lists them; --force --reason '…' closes it all the same",
        )
    if blanks and not reason:
        raise UsageError("closing it with blanks wants a reason", advice="--reason '…' stands in the journal")
    return add(app, name, [IncidentClosed(actor=app.settings.actor, reason=reason, blanks=blanks)])


def report_of(app: App, name: str, *, roles: bool = False, external: bool = False) -> PostIncidentReport:
    """The document as of now. Raises NotFound, JournalError."""
    now = instant(app.clock.utc())
    assert now is not None
    return post_incident(dossier(app, name, roles=roles, external=external), now)


def _item(report: PostIncidentReport, wanted: str) -> Item:
    item = named(report.items, wanted)
    if item is None:
        there = ", ".join(f"{i.id} ({i.title})" for i in report.items[:8])
        raise NotFound(f"{report.meta.run} has no action item {wanted!r}", advice=f"there are: {there or 'none'}")
    return item


def add(app: App, name: str, events: Sequence[Event]) -> str:
    """Appends to its journal, and closes it again: its last record always says that nothing was cut off."""
    incident = app.incidents.find(name)
    journal: JournalWriter = app.incidents.resume(incident)
    with contextlib.closing(journal):
        for event in events:
            journal.append(event)
    return incident


def _run(app: App, name: str) -> str:
    return app.last_changing() if name == "last" else app.store.find(name)


def _view(app: App, run: str) -> RunView:
    view = fold(run, app.store.read(run).records)
    if view is None:
        raise NotFound(f"the journal of {run} has no readable first record")
    return view


def _thing(app: App, name: str) -> list[Found]:
    """What an id means: a run with what belongs to it, an escalation, a drill. Raises NotFound."""
    for kind in ("escalation", "drill"):
        with contextlib.suppress(NotFound):
            return [Found(kind=kind, id=app.journals()[f"{kind}s"].find(name), why=BY_HAND)]
    run = _run(app, name)
    return [Found(kind="run", id=run, why=BY_HAND), *(f for f in gather(app, [run]) if f.id != run)]


def _lines(app: App, file: str) -> Iterator[LineImported]:
    """Raises LoadError, LoadErrors."""
    path = Path(file)
    try:
        if path.stat().st_size > LARGEST:
            raise LoadError(f"{file} has more than {LARGEST >> 20} MiB", advice="cut it to the time of the incident")
        data = path.read_bytes()
        text = data.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise LoadError(f"{file} cannot be read: {error}") from error
    digest = hashlib.sha256(data).hexdigest()
    for line in read_lines(file, text):
        yield LineImported(
            source=line.source, told=line.at, speaker=line.speaker, text=line.text, milestone=line.milestone,
            place=line.place, file_sha256=digest, actor=app.settings.actor,
        )  # fmt: skip
