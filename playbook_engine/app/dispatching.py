"""The dispatcher, wired: what a state folder's escalations are worked through by."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime

from playbook_engine.app.alarms import watches
from playbook_engine.app.escalations import found
from playbook_engine.app.incidents import open_incident
from playbook_engine.app.reports import subject
from playbook_engine.app.wiring import App
from playbook_engine.escalation.channels.file import OUTBOX
from playbook_engine.escalation.channels.registry import channel
from playbook_engine.escalation.dispatch import Dispatcher, Outside
from playbook_engine.escalation.letters import Letters
from playbook_engine.escalation.policy import Policy, Then
from playbook_engine.escalation.single import hold
from playbook_engine.escalation.view import EscalationView
from playbook_engine.model.outcome import HostStatus
from playbook_engine.report.escalation import EscalationReport, escalation


def dispatch(app: App, log: Callable[[str], None], *, forever: bool = False) -> None:
    """Works until nothing is left to wait for; at once over when another process works already. What goes wrong is
    said to `log`."""
    folder = app.settings.state / "escalations"
    outside = Outside(
        channel=channel, environ={OUTBOX: str(folder / "outbox"), **os.environ}, log=log, base=app.settings.url,
        report=lambda run: report_of(app, run),
        failures=lambda run, runbook, host: failures(app, run, runbook, host),
        new_id=lambda: app.new_run("esc-"), drilling=lambda drill: drilling(app, drill),
        exhausted=lambda view, policy: _exhausted(app, view, policy),
    )  # fmt: skip
    letters = Letters(app.settings.template_path, app.redactor.text)
    while (lock := hold(folder, patience=0.5)) is not None:  # whoever only asks holds it, too, for an instant
        try:
            Dispatcher(app.store, app.escalations, watches(app), letters, app.clock, outside).run(forever=forever)
        finally:
            os.close(lock)
        # A run that left its note while we were about to end has not started another dispatcher.
        if not watches(app).all():
            break


def report_of(app: App, run: str) -> EscalationReport:
    """The escalation report of a run, as of now. Raises NotFound, JournalError."""
    return escalation(subject(app, run), datetime.now(UTC))  # whom it has told, the letter itself says


def external(app: App, name: str) -> str:
    """What may be told outside of an escalation. Raises NotFound, JournalError."""
    view, policy = found(app, name)
    about = subject(app, view.runs[-1])
    report = escalation(about, datetime.now(UTC))
    letters = Letters(app.settings.template_path, app.redactor.text)
    services = about.view.started.services
    return letters.status(policy, view, services, report.impact_text, datetime.now(UTC))


def drilling(app: App, drill: str) -> bool:
    """Whether somebody is holding this drill now."""
    try:
        return app.drills.locked(drill)
    except OSError:
        return False


def failures(app: App, run: str, runbook: str, host: str) -> int:
    """How many runs of a runbook in a row have failed on a host up to this one, which is counted."""
    count, rows = 1, app.index.runs()
    drill = next((bool(r.drill) for r in rows if r.run == run), False)
    for row in reversed(rows):
        if (
            row.run >= run
            or row.runbook != runbook
            or bool(row.drill) != drill
            or row.kind not in ("run", "audit")
            or row.exit_code is None
        ):
            continue  # this one or a later one, another runbook's, or it goes on, or died
        status = dict(zip(row.hosts, row.statuses, strict=False)).get(host)
        if not status:
            continue
        if HostStatus(status).good:
            break
        count += 1
    return count


def _exhausted(app: App, view: EscalationView, policy: Policy) -> None:
    """What the policy wants when nobody has answered. In a drill nothing of it is done. Raises EngineError."""
    if view.opened.drill:
        return
    match policy.then:
        case Then.STOP_RUNS:
            app.switch.throw(f"escalation {view.id}: nobody has answered, and the policy {policy.name} stops all runs")
        case Then.OPEN_INCIDENT:
            open_incident(app, "", view.severity, view.runs)
        case Then.NOTHING:
            pass
