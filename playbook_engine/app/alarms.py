"""The run's side of escalation: the note that the dispatcher finds a run by, the bell, and the dispatcher's start.

A run pays for no more than this: policies, messages and channels are the dispatcher's, in a process of its own.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from playbook_engine.app.wiring import App
from playbook_engine.escalation.single import hold
from playbook_engine.escalation.watches import Watch, Watches
from playbook_engine.model.errors import EngineError
from playbook_engine.model.events import EscalationRaised, Event, HostFinished, RunFinished
from playbook_engine.model.plan import Plan
from playbook_engine.model.ports import EventSink

EMBEDDED = "local"
"""The policy of a runbook that has an owner and names none, where RUNBOOK_ESCALATION names none either: a file, and the
terminal of whoever started the run."""


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
    """Leaves the note and starts the dispatcher, before anything is done. A run never fails of it, and says so."""
    if not plan.policy or plan.options.check or plan.kind in ("plan", "check"):
        return ()
    late = plan.runbook.escalation == EMBEDDED
    try:
        watches(app).leave(Watch(run=run, policy=plan.policy, file=plan.policy_file, terminal=_terminal()))
    except (EngineError, OSError) as error:
        print(f"! nobody will hear of what fails in this run: {error}", file=sys.stderr)
    else:
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
