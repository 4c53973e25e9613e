"""Runs as the subjects of reports: read with their later rollbacks, compared with earlier audits, written to files."""

from __future__ import annotations

import os
from collections.abc import Container, Sequence
from datetime import UTC, datetime
from pathlib import Path

from playbook_engine.app.escalations import standing_of
from playbook_engine.app.hiding import hide_secrets
from playbook_engine.app.pdf import pdf
from playbook_engine.app.wiring import App
from playbook_engine.engine.plan_data import plan_from
from playbook_engine.model.errors import EngineError, JournalError, LoadError
from playbook_engine.report.audit import DAY, AuditReport, audit
from playbook_engine.report.escalation import EscalationReport, escalation
from playbook_engine.report.render import NAMES, Report, render
from playbook_engine.report.run import run_report
from playbook_engine.report.subject import Subject, read

FORMS = ("md", "html", "json")
KINDS = ("audit", "run", "escalation")


def subject(app: App, name: str) -> Subject:
    """A run by its id, a unique part of it, or `last`, with the rollbacks of it. Raises NotFound, JournalError."""
    run = app.store.find(name)
    later = [row.run for row in app.index.runs() if row.of == run and row.kind == "rollback"]
    found = read(app.store, run, [r for r in later if not _check_only(app, r)])
    hide(app, found)
    return found


def previous_audit(app: App, now: Subject, among: Container[str] | None = None) -> Subject | None:
    """The newest ended audit before this one, by the same runbook, of the same hosts; `among` these runs, if given."""
    started = now.view.started
    rows = [
        row.run
        for row in app.index.runs()
        if row.kind == "audit" and row.run < now.run and row.runbook == started.runbook and row.exit_code is not None
        and set(row.hosts) == set(now.view.hosts) and bool(row.drill) == bool(started.drill)
        and (among is None or row.run in among)
    ]  # fmt: skip
    return read(app.store, rows[-1]) if rows else None


def reports(
    app: App,
    about: Subject,
    kinds: Sequence[str],
    *,
    max_age: float = DAY,
    compare: str | None = None,
    among: Container[str] | None = None,
    at: datetime | None = None,
) -> list[Report]:
    """The reports of these kinds, as of `at` (now). `compare`: an earlier audit; else it is looked for, `among` these
    runs if they are given. Raises NotFound."""
    now = at or datetime.now(UTC)
    made: list[Report] = []
    for kind in kinds or default_kinds(about):
        if kind == "audit":
            earlier = subject(app, compare) if compare else previous_audit(app, about, among)
            made.append(audit(about, now, max_age=max_age, earlier=earlier))
        elif kind == "escalation":
            made.append(escalation_of(app, about, now))
        else:
            made.append(run_report(about, now))
    return made


def escalation_of(app: App, about: Subject, now: datetime) -> EscalationReport:
    """The escalation report of a run, with whom its escalations have told."""
    told, standing = standing_of(app, about.run)
    return escalation(about, now, told, standing)


def default_kinds(about: Subject) -> tuple[str, ...]:
    """By the run's kind; a run that did not end well also gets the report for whoever is woken."""
    if about.view.started.kind == "audit":
        return ("audit",)
    finished = about.view.finished
    return ("run",) if finished is not None and finished.exit_code == 0 else ("run", "escalation")


def write(app: App, made: Sequence[Report], forms: Sequence[str], folder: Path) -> list[Path]:
    """The reports as files `audit.html` and so on, readable by their owner only. Raises LoadError, UsageError."""
    paths = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for report in made:
            for form in forms or FORMS:
                path = folder / file_name(report, form)
                if form == "pdf":
                    data = pdf(render(report, "html", app.redactor.text))
                else:
                    data = render(report, form, app.redactor.text).encode()
                # What hosts said may be nobody else's business: 0600, as the journal itself.
                with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
                    out.write(data)
                paths.append(path)
    except OSError as error:
        raise LoadError(
            f"the report cannot be written: {error.filename}: {error.strerror}", advice="-o DIR puts it elsewhere"
        ) from error
    return paths


def file_name(report: Report, form: str) -> str:
    """`audit.html` and so on."""
    return f"{NAMES[type(report)]}.{form}"


def audit_code(report: AuditReport, ended: int) -> int:
    """`audit`'s exit code: that of its run, and 2 where the report accepts less than the run did."""
    return 2 if ended == 0 and report.overall.open else ended


def _check_only(app: App, run: str) -> bool:
    """A rollback with --check took nothing back."""
    try:
        return read(app.store, run).view.started.check
    except EngineError:
        return True


def hide(app: App, about: Subject) -> None:
    """Whatever the plan knows to be secret is masked in the report, too."""
    if about.view.started.plan:
        try:
            hide_secrets(app, plan_from(about.view.started.plan))
        except JournalError:
            return  # written by another version; what is in the journal was masked when it was written
