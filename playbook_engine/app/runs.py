"""Doing a run from beginning to end: journal, machines, driver, exit code."""

from __future__ import annotations

import contextlib
import hashlib
import signal
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import FrameType

from playbook_engine import __version__
from playbook_engine.app.wiring import App
from playbook_engine.engine.budget import UndoBudget
from playbook_engine.engine.commands import Program
from playbook_engine.engine.context import HostContext
from playbook_engine.engine.driver import Driver
from playbook_engine.engine.machine import HostMachine
from playbook_engine.engine.plan_data import plan_from, to_data
from playbook_engine.engine.undo import UndoMachine
from playbook_engine.journal.files import JournalWriter
from playbook_engine.journal.fold import ChangeView, RunView, fold
from playbook_engine.model.errors import JournalError, NotFound, UsageError
from playbook_engine.model.events import Event, RunFinished, RunStarted
from playbook_engine.model.host import Host
from playbook_engine.model.outcome import ExitCode, HostStatus, exit_code
from playbook_engine.model.plan import Options, Plan
from playbook_engine.model.ports import EventSink
from playbook_engine.model.secret import Secret
from playbook_engine.transport.known_hosts import Ask


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnd:
    """How a run ended."""

    run: str
    code: ExitCode
    statuses: dict[str, HostStatus]


class Sinks:
    """Every event goes to the journal first, then to whoever watches."""

    def __init__(self, journal: JournalWriter, watchers: Sequence[EventSink]) -> None:
        self._journal = journal
        self._watchers = list(watchers)

    def emit(self, event: Event) -> None:
        """Raises JournalError. A watcher whose terminal or pipe has gone is dropped: the run goes on."""
        self._journal.append(event)
        for watcher in list(self._watchers):
            try:
                watcher.emit(event)
            except (OSError, ValueError):
                with contextlib.suppress(ValueError):
                    self._watchers.remove(watcher)


def execute(app: App, plan: Plan, watchers: Sequence[EventSink], ask: Ask | None = None) -> RunEnd:
    """Runs a plan on its hosts. Raises JournalError."""
    hide_secrets(app, plan)
    budget = UndoBudget()

    def program(host: Host) -> Program[HostStatus]:
        return HostMachine(HostContext(plan, host, app.templar, app.read_file, app.redactor.add, budget)).run()

    return _perform(app, plan, program, watchers, ask)


def take_back(
    app: App, run: str, options: Options, limit: Sequence[str], watchers: Sequence[EventSink], command: str
) -> RunEnd:
    """Rolls an ended run back. Raises NotFound, UsageError, JournalError."""
    journal = app.store.read(run)
    view = view_of(app, run)
    if view.finished is None and journal.live:
        raise UsageError(f"{run} is still running", advice="interrupt it first: Ctrl-C where it runs")
    if journal.damage and not options.force and "torn" not in journal.damage:
        raise JournalError(
            f"{run}: {journal.damage}",
            advice="what stood after it is not known, so taking back the rest may leave half a change. "
            "`runbook show` says what is left; --force takes back what can be read",
        )
    past = plan_from(view.started.plan)
    hosts = [h for h in past.hosts if not limit or h.name in limit]
    if not hosts:
        raise NotFound(f"none of {', '.join(limit)} was in {run}: its hosts are {', '.join(view.hosts)}")
    import dataclasses

    plan = dataclasses.replace(
        past, kind="rollback", hosts=tuple(hosts),
        runbook=dataclasses.replace(past.runbook, max_fail_percentage=None, deadline=None),
        batches=(tuple(h.name for h in hosts),), options=options,
        command=command, of=run,
    )  # fmt: skip
    hide_secrets(app, plan)
    changes = {h.name: pending(app, view, h.name) for h in hosts}

    def program(host: Host) -> Program[HostStatus]:
        context = HostContext(plan, host, app.templar, app.read_file, app.redactor.add, UndoBudget())
        return UndoMachine(context, view.hosts[host.name], changes[host.name], app.clock.utc()).run()

    return _perform(app, plan, program, watchers, None)


def pending(app: App, view: RunView, host: str) -> list[ChangeView]:
    """What a run changed on a host and nobody took back yet: earlier rollbacks of the same run count."""
    left = {c.key: c for c in view.hosts[host].to_undo()}
    for row in app.index.runs():
        if row.of == view.run and host in row.hosts:
            for record in app.store.read(row.run).records:
                event = record.event
                if type(event).__name__ == "StepUndone" and event.host == host and event.outcome in ("undone", "kept"):  # type: ignore[attr-defined]
                    left.pop((event.step, event.item), None)  # type: ignore[attr-defined]
    return list(left.values())


def view_of(app: App, run: str) -> RunView:
    """The view of a run. Raises NotFound, JournalError."""
    view = fold(run, app.store.read(run).records)
    if view is None:
        raise JournalError(f"the journal of {run} has no readable first record")
    return view


def hide_secrets(app: App, plan: Plan) -> None:
    """Whatever is known to be secret before the run: passwords of the inventory, secret parameters."""
    for host in plan.hosts:
        for secret in (host.connection.password, host.connection.become_password):
            if secret is not None:
                app.redactor.add(secret.reveal())
        for value in host.variables.values():
            if isinstance(value, Secret):
                app.redactor.add(value.reveal())
    for param in plan.runbook.params:
        if param.secret:
            for text in _texts(plan.variables.get(param.name, param.default)):
                app.redactor.add(text)


def _texts(value: object) -> list[str]:
    """Every text inside a secret value, and each line of it: a key comes back line by line."""
    if isinstance(value, Mapping):
        return [t for v in value.values() for t in _texts(v)]
    if isinstance(value, (list, tuple)):
        return [t for v in value for t in _texts(v)]
    if value is None or isinstance(value, bool):
        return []
    return [str(value), *str(value).splitlines()]


def _perform(
    app: App,
    plan: Plan,
    program: Callable[[Host], Program[HostStatus]],
    watchers: Sequence[EventSink],
    ask: Ask | None,
) -> RunEnd:
    run = app.new_run()
    began = app.clock.monotonic()
    journal = app.store.create(run)
    sinks = Sinks(journal, watchers)
    try:
        sinks.emit(_started(app, run, plan))
        driver = Driver(plan, app.transports(ask), sinks, app.clock)
        interrupted = False

        def stop(_number: int, _frame: FrameType | None) -> None:
            nonlocal interrupted
            if interrupted:
                raise KeyboardInterrupt
            interrupted = True
            driver.coordinator.stop("interrupted by the operator")

        before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            statuses = driver.run(program)
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        code = _code(plan, statuses, interrupted, driver.coordinator.budget_exceeded)
        counts = {str(k): v for k, v in Counter(s.value for s in statuses.values()).items()}
        sinks.emit(
            RunFinished(
                exit_code=int(code), counts=counts, seconds=app.clock.monotonic() - began, interrupted=interrupted,
                message=driver.coordinator.stopped,
            )
        )  # fmt: skip
    finally:
        journal.close()
    return RunEnd(run=run, code=code, statuses=statuses)


def _code(plan: Plan, statuses: dict[str, HostStatus], interrupted: bool, budget: bool) -> ExitCode:
    ends = list(statuses.values())
    if plan.kind == "rollback":
        # Taking back is what was asked for: done and proved is success, also where something was kept as announced.
        done = (HostStatus.ROLLED_BACK, HostStatus.PARTLY_ROLLED_BACK)
        ends = [HostStatus.CHANGED if s in done else s for s in ends]
    return exit_code(ends, interrupted=interrupted, budget=budget)


def _started(app: App, run: str, plan: Plan) -> RunStarted:
    runbook = plan.runbook
    return RunStarted(
        run=run,
        kind=plan.kind,
        runbook=runbook.name,
        title=runbook.title,
        severity=runbook.severity,
        owner=runbook.owner,
        escalation=runbook.escalation or "",
        services=runbook.services,
        runbook_sha256=hashlib.sha256(runbook.text.encode()).hexdigest(),
        inventory_sha256=hashlib.sha256(repr(plan.hosts).encode()).hexdigest(),
        hosts=tuple(h.name for h in plan.hosts),
        batches=plan.batches,
        actor=app.settings.actor,
        reason=plan.options.reason,
        command=plan.command,
        check=plan.options.check,
        engine=__version__,
        of=plan.of,
        plan=to_data(plan),  # type: ignore[arg-type]
        variables=dict(plan.variables),
    )
