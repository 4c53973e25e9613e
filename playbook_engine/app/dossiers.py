"""An incident with all that belongs to it, read from the state folder."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from playbook_engine.app.gathering import earlier
from playbook_engine.app.reports import hide
from playbook_engine.app.wiring import App
from playbook_engine.journal.incident import IncidentView, fold_incident
from playbook_engine.model.errors import EngineError, JournalError
from playbook_engine.report.disguise import disguised
from playbook_engine.report.dossier import Dossier, Log, Part
from playbook_engine.report.subject import Subject, read

EARLIER = 30  # runs on the same hosts that are read for candidate causes


def view_of(app: App, name: str) -> IncidentView:
    """By its id, a unique part of it, or `last`. Raises NotFound, JournalError."""
    found, _ = _read(app, name)
    return found


def dossier(app: App, name: str, *, roles: bool = False, external: bool = False) -> Dossier:
    """Raises NotFound, JournalError. A run of it that cannot be read is said, and left out."""
    view, faults = _read(app, name)
    unread: list[str] = []
    subjects = _subjects(app, view.of("run"), unread)
    why = {a.of: a.why for a in view.attached}
    parts = [Part(label=f"R{n}", subject=s, why=why.get(s.run, "")) for n, s in enumerate(_by_time(subjects), 1)]
    hosts = [h for s in subjects for h in s.view.hosts]
    began = min((s.view.started_at for s in subjects), default=view.opened_at)
    before = _subjects(app, earlier(app, hosts, began, view.of("run"), EARLIER), [])
    found = Dossier(
        incident=view, faults=faults, parts=tuple(parts),
        logs=(*_logs(app, "escalation", "P", view, unread), *_logs(app, "drill", "D", view, unread)),
        earlier=tuple(Part(label=f"B{n}", subject=s) for n, s in enumerate(before, 1)),
        names={s.run: s.view.started.runbook for s in subjects}, unread=tuple(unread),
    )  # fmt: skip
    return disguised(found, roles=roles, external=external)


def _read(app: App, name: str) -> tuple[IncidentView, tuple[str, ...]]:
    incident = app.incidents.find(name)
    journal = app.incidents.read(incident)
    view = fold_incident(incident, journal.records)
    if view is None:
        raise JournalError(f"the journal of {incident} has no readable first record")
    faults = [f"the journal of the incident is damaged: {journal.damage}"] if journal.damage else []
    if not journal.damage and not journal.closed and not journal.live:
        faults.append("the journal of the incident has no closing record: its end may have been cut off")
    return view, tuple(faults)


def _subjects(app: App, runs: Sequence[str], unread: list[str]) -> list[Subject]:
    """Each with the rollbacks of it that are among them."""
    found: dict[str, Subject] = {}
    for run in runs:
        try:
            found[run] = read(app.store, run)
        except EngineError as error:
            unread.append(f"run {run} belongs to it and cannot be read: {error.message}")
        else:
            hide(app, found[run])
    made = []
    for subject in found.values():
        later = [s for s in found.values() if s.view.started.kind == "rollback" and s.view.started.of == subject.run]
        back = tuple(s for s in _by_time(later) if not s.view.started.check)
        made.append(dataclasses.replace(subject, later=back))
    return made


def _by_time(subjects: Sequence[Subject]) -> list[Subject]:
    return sorted(subjects, key=lambda s: (s.view.started_at, s.run))


def _logs(app: App, kind: str, letter: str, view: IncidentView, unread: list[str]) -> list[Log]:
    store = app.journals()[f"{kind}s"]
    found = []
    for n, name in enumerate(view.of(kind), 1):
        try:
            journal = store.read(name)
        except EngineError as error:
            unread.append(f"{kind} {name} belongs to it and cannot be read: {error.message}")
            continue
        faults = (f"the journal is damaged: {journal.damage}",) if journal.damage else ()
        found.append(Log(kind=kind, id=name, prefix=f"{letter}{n}-", records=journal.records, faults=faults))
    return found
