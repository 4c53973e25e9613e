"""Runs: a new one, taking one back, and going on with one that did not come to its end."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from playbook_engine import __version__
from playbook_engine.app.consent import bounded
from playbook_engine.app.hiding import hide_secrets
from playbook_engine.app.local_files import with_files
from playbook_engine.app.performing import Performance, RunEnd, perform
from playbook_engine.app.wiring import App
from playbook_engine.engine.budget import UndoBudget
from playbook_engine.engine.commands import Program
from playbook_engine.engine.context import HostContext
from playbook_engine.engine.crowd import Crowd
from playbook_engine.engine.driver import Operator
from playbook_engine.engine.history import History
from playbook_engine.engine.machine import HostMachine
from playbook_engine.engine.plan_data import plan_from, to_data
from playbook_engine.engine.undo import UndoMachine
from playbook_engine.journal.fold import ChangeView, RunView, fold
from playbook_engine.model.errors import JournalError, NotFound, UsageError
from playbook_engine.model.events import RunStarted, StepUndone, UndoIntended
from playbook_engine.model.host import Host
from playbook_engine.model.outcome import HostStatus
from playbook_engine.model.plan import Options, Plan
from playbook_engine.model.ports import EventSink

if TYPE_CHECKING:
    from playbook_engine.transport.known_hosts import Ask

MakeProgram = Callable[[Host], Program[HostStatus]]


def execute(
    app: App, plan: Plan, watchers: Sequence[EventSink], ask: Ask | None = None,
    confirm: Callable[[str], str] | None = None, operator: Operator | None = None,
) -> RunEnd:  # fmt: skip
    """Runs a plan on its hosts. `confirm` is asked before each step, where the plan's options say so; `operator`
    answers a `pause`.

    Raises JournalError.
    """
    plan = with_files(app, plan)
    return _begin(app, plan, machines(app, plan, {}), watchers, ask, confirm, operator)


def carry_out(
    app: App, plan: Plan, watchers: Sequence[EventSink], ask: Ask | None = None, operator: Operator | None = None
) -> RunEnd:
    """Runs a plan that holds its files, as one that was saved does: they are not read again. Raises JournalError."""
    return _begin(app, plan, machines(app, plan, {}), watchers, ask, operator=operator)


def machines(app: App, plan: Plan, past: Mapping[str, History], crowd: Crowd | None = None) -> MakeProgram:
    """The program of each host, which goes on where its history ends. `crowd`: what hosts that have ended have set."""
    hide_secrets(app, plan)
    budget = UndoBudget()
    crowd = crowd or Crowd()

    def program(host: Host) -> Program[HostStatus]:
        context = HostContext(plan, host, app.templar, app.read_file, app.redactor.add, budget, crowd)
        return HostMachine(context, past.get(host.name) or History()).run()

    return program


def take_back(
    app: App, run: str, options: Options, limit: Sequence[str], watchers: Sequence[EventSink], command: str,
    max_hosts: int | None = None,
) -> RunEnd:  # fmt: skip
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
    if view.handed_over is not None and not options.force:
        raise UsageError(
            f"{run} was handed over to {view.handed_over.to or 'somebody'}",
            advice="it is taken back where it was taken to; --force does it here all the same",
        )
    past = plan_from(view.started.plan)
    hosts = [h for h in past.hosts if not limit or h.name in limit]
    if not hosts:
        raise NotFound(f"none of {', '.join(limit)} was in {run}: its hosts are {', '.join(view.hosts)}")
    bounded(app, hosts, max_hosts)
    plan = dataclasses.replace(
        past, kind="rollback", hosts=tuple(hosts),
        runbook=dataclasses.replace(past.runbook, max_fail_percentage=None, failure_budget=None, deadline=None),
        batches=(tuple(h.name for h in hosts),), options=options,
        command=command, of=run,
    )  # fmt: skip
    return _begin(app, plan, undoing(app, plan, view, {}), watchers, None)


def undoing(app: App, plan: Plan, view: RunView, past: Mapping[str, History], run: str = "") -> MakeProgram:
    """The program that takes back, on each host, what the run of `view` changed there. `run` is that of the rollback
    itself, if it has been begun before: what it took back then belongs to its proof."""
    hide_secrets(app, plan)
    changes = {h.name: pending(app, view, h.name, run) for h in plan.hosts}

    def program(host: Host) -> Program[HostStatus]:
        context = HostContext(plan, host, app.templar, app.read_file, app.redactor.add, UndoBudget())
        history = past.get(host.name) or History()
        return UndoMachine(context, view.hosts[host.name], changes[host.name], app.clock.utc(), history).run()

    return program


def pending(app: App, view: RunView, host: str, but: str = "") -> list[ChangeView]:
    """What a run changed on a host and nobody took back yet: earlier rollbacks of the same run count, except `but`."""
    left = {(*c.key, c.intended.attempt): c for c in view.hosts[host].to_undo()}
    for row in app.index.runs():
        if row.of != view.run or host not in row.hosts:
            continue
        for record in app.store.read(row.run).records:
            event = record.event
            if not isinstance(event, (UndoIntended, StepUndone)) or event.host != host:
                continue
            change = left.get((event.step, event.item, event.attempt))
            if change is None:
                continue
            if isinstance(event, UndoIntended):
                change.undo = event
            else:
                change.undone = event
                if row.run != but and event.outcome in ("undone", "kept", "untouched"):
                    del left[event.step, event.item, event.attempt]
    return list(left.values())


def view_of(app: App, run: str) -> RunView:
    """The view of a run. Raises NotFound, JournalError."""
    view = fold(run, app.store.read(run).records)
    if view is None:
        raise JournalError(f"the journal of {run} has no readable first record")
    return view


def _begin(
    app: App, plan: Plan, program: MakeProgram, watchers: Sequence[EventSink], ask: Ask | None,
    confirm: Callable[[str], str] | None = None, operator: Operator | None = None,
) -> RunEnd:  # fmt: skip
    app.switch.refuse()
    run = app.new_run()
    journal = app.store.create(run)
    owners = frozenset({app.settings.actor})
    play = Performance(run=run, plan=plan, opening=_started(app, run, plan), program=program, owners=owners)
    return perform(app, play, journal, watchers, ask, confirm, operator)


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
        plan_run=plan.plan_run,
        drill=plan.drill,
        plan=to_data(plan),  # type: ignore[arg-type]
        variables=dict(plan.variables),
    )
