"""Who hears of a run's failures: its policy, the note that the dispatcher finds it by, and the dispatcher itself."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from playbook_engine.app.reports import subject
from playbook_engine.app.wiring import App
from playbook_engine.escalation.channels.file import OUTBOX
from playbook_engine.escalation.policies import Policies, outlasts
from playbook_engine.escalation.policy import Policy, Then
from playbook_engine.escalation.single import hold
from playbook_engine.escalation.view import EscalationView
from playbook_engine.escalation.watches import Watch, Watches
from playbook_engine.model.errors import EngineError, LoadErrors
from playbook_engine.model.events import EscalationRaised, Event, HostFinished, RunFinished
from playbook_engine.model.outcome import HostStatus
from playbook_engine.model.plan import Plan
from playbook_engine.model.ports import EventSink
from playbook_engine.model.runbook import Runbook
from playbook_engine.report.escalation import EscalationReport, escalation

OFF = "none"
EMBEDDED = "local"
"""The policy of a runbook that has an owner and names none, where RUNBOOK_ESCALATION names none either: a file, and the
terminal of whoever started the run."""


def policies(app: App) -> Policies:
    """Finds policies by name in ./escalation and the shipped ones."""
    return Policies(app.settings.policy_path)


def policy_for(app: App, runbook: Runbook) -> Policy | None:
    """The policy that hears of a runbook's failures; None when nobody is to.

    Raises LoadError, LoadErrors: a policy that cannot do its work is found out before the run.
    """
    name = runbook.escalation or app.settings.policy or (EMBEDDED if runbook.owner else OFF)
    if name == OFF:
        return None
    policy = policies(app).load(name)
    late = outlasts(policy, runbook.deadline) if runbook.deadline else []
    if late:
        raise late[0] if len(late) == 1 else LoadErrors(late)
    return policy


def heard_by(plan: Plan, policy: Policy | None) -> Plan:
    """The plan with its policy in it: `resume` on another machine reads nothing else."""
    if policy is None:
        return plan
    runbook = dataclasses.replace(plan.runbook, escalation=policy.name)
    return dataclasses.replace(plan, runbook=runbook, policy=policy.text, policy_file=policy.file)


class Bell:
    """Rings when there is something for the dispatcher to read. The embedded policy's is started only then."""

    def __init__(self, app: App, run: str, *, late: bool) -> None:
        self._app = app
        self._run = run
        self._late = late
        self._raised: set[str] = set()

    def emit(self, event: Event) -> None:
        match event:
            case EscalationRaised():
                self._raised.add(event.host)
            case HostFinished() if event.host in self._raised:
                self._ring()
            case RunFinished() if self._raised or not self._late:
                self._ring()

    def _ring(self) -> None:
        watches(self._app).ring(self._run)
        if self._late:
            start(self._app)


def watches(app: App) -> Watches:
    return Watches(app.settings.state / "escalations" / ".watch")


def bells(app: App, run: str, plan: Plan) -> Sequence[EventSink]:
    """Leaves the note and starts the dispatcher, before anything is done. A run never fails of it: what cannot be left
    here cannot be written into its journal either."""
    if not plan.policy or plan.options.check or plan.kind in ("plan", "check"):
        return ()
    late = plan.runbook.escalation == EMBEDDED
    with contextlib.suppress(EngineError, OSError):
        watches(app).leave(Watch(run=run, policy=plan.policy, file=plan.policy_file, terminal=_terminal()))
        if not late:
            start(app)
    return (Bell(app, run, late=late),)


def _terminal() -> str:
    """The terminal that this was started from; empty where there is none."""
    for stream in (sys.stdout, sys.stderr, sys.stdin):
        try:
            return os.ttyname(stream.fileno())
        except (OSError, ValueError, AttributeError):
            continue
    return ""


# ------------------------------------------------------------------ the dispatcher


def start(app: App) -> None:
    """Starts the dispatcher in a process of its own, if none works at this state folder. Never fails a run.

    It lives on when whoever started it ends, in a session of its own: a closed terminal does not end it.
    """
    folder = app.settings.state / "escalations"
    try:
        lock = hold(folder)
        if lock is None:
            return
        os.close(lock)
        log = str(folder / "dispatcher.log")
        append = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        os.posix_spawn(
            sys.executable, [sys.executable, "-m", "playbook_engine.cli.main", "escalation", "dispatch"],
            {**os.environ, "RUNBOOK_STATE": str(app.settings.state)}, setsid=True,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, log, append, 0o600), (os.POSIX_SPAWN_OPEN, 2, log, append, 0o600),
            ],
        )  # fmt: skip
    except (OSError, EngineError):
        return  # the next command starts it; `runbook escalations` says that nobody works at them


def dispatch(app: App, *, forever: bool = False) -> list[str]:
    """Works until nothing is left to wait for. Returns what went wrong; at once when another process works already."""
    from playbook_engine.escalation.channels.registry import channel
    from playbook_engine.escalation.dispatch import Dispatcher, Outside
    from playbook_engine.escalation.letters import Letters

    folder = app.settings.state / "escalations"
    outside = Outside(
        channel=channel, environ={OUTBOX: str(folder / "outbox"), **os.environ},
        report=lambda run: report_of(app, run), failures=lambda runbook, host: failures(app, runbook, host),
        new_id=lambda: app.new_run("esc-"), exhausted=lambda view, policy: _exhausted(app, view, policy),
        base=app.settings.url,
    )  # fmt: skip
    letters = Letters(app.settings.template_path, app.redactor.text)
    faults: list[str] = []
    while (lock := hold(folder)) is not None:
        try:
            worker = Dispatcher(app.store, app.escalations, watches(app), letters, app.clock, outside)
            worker.run(forever=forever)
            faults += worker.faults
        finally:
            os.close(lock)
        # A run that left its note while we were about to end has not started another dispatcher.
        if not watches(app).all():
            break
    return faults


def report_of(app: App, run: str) -> EscalationReport:
    """The escalation report of a run, as of now. Raises NotFound, JournalError."""
    return escalation(subject(app, run), datetime.now(UTC))


def failures(app: App, runbook: str, host: str) -> int:
    """How many runs of a runbook in a row have failed on a host, the one that goes on now included."""
    count = 1
    for row in reversed(app.index.runs()):
        if row.runbook != runbook or row.kind not in ("run", "audit") or row.exit_code is None:
            continue  # another one, or it goes on, or died
        status = dict(zip(row.hosts, row.statuses, strict=False)).get(host)
        if not status:
            continue
        if HostStatus(status).good:
            break
        count += 1
    return count


def _exhausted(app: App, view: EscalationView, policy: Policy) -> None:
    """What the policy wants when nobody has answered. Raises EngineError."""
    if policy.then is Then.STOP_RUNS and not view.opened.drill:
        app.switch.throw(f"escalation {view.id}: nobody has answered, and the policy {policy.name} stops all runs")
