"""`runbook resume RUN`: going on with a run that died, was interrupted, paused, or lost hosts on the way."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterator, Sequence

from playbook_engine.app.performing import Performance, RunEnd, perform
from playbook_engine.app.runs import machines, undoing, view_of
from playbook_engine.app.wiring import App
from playbook_engine.engine.driver import Operator
from playbook_engine.engine.history import History
from playbook_engine.engine.legacy import done_once, remembered
from playbook_engine.engine.plan_data import plan_from
from playbook_engine.journal.fold import RunView
from playbook_engine.model.errors import NotFound, UsageError
from playbook_engine.model.events import RunResumed
from playbook_engine.model.frozen import frozen
from playbook_engine.model.host import Host
from playbook_engine.model.outcome import OPEN
from playbook_engine.model.plan import Options, Plan
from playbook_engine.model.ports import EventSink
from playbook_engine.model.runbook import Import, Runbook
from playbook_engine.transport.known_hosts import Ask


@frozen
class Login:
    """How this machine reaches the hosts of a run that began on another; None: as the journal says."""

    user: str | None = None
    private_key: str | None = None


def last_open(app: App) -> str:
    """The newest run that died or left hosts open, and was not taken back since. Raises NotFound."""
    for row in reversed(app.index.open()):
        if not app.store.read(row.run).live:
            return row.run
    raise NotFound("there is no run to go on with", advice="`runbook history` lists them, with how they ended")


def resume(
    app: App, run: str, options: Options, watchers: Sequence[EventSink], command: str, ask: Ask | None = None,
    login: Login | None = None, operator: Operator | None = None,
) -> RunEnd:  # fmt: skip
    """Goes on with a run, from its journal alone. `options` gives forks, reason, skip, again and force.

    Raises NotFound, UsageError (it has ended; a step is named that it does not have), JournalError (somebody is writing
    it; it is damaged).
    """
    app.switch.refuse()
    journal = app.store.resume(run)  # from here on it is ours
    try:
        view = view_of(app, run)
        if view.handed_over is not None and not options.force:
            raise UsageError(
                f"{run} was handed over to {view.handed_over.to or 'somebody'} by {view.handed_over.actor}",
                advice="it goes on where it was taken to; --force goes on with it here all the same",
            )
        plan = plan_from(view.started.plan)
        todo = [h for h in plan.hosts if _open(view, h)]
        if not todo and view.finished is not None:
            raise UsageError(f"{run} has ended: every host is done", advice=f"`runbook show {run}` says how")
        _known(plan, (*options.skip, *options.again))
        play = _play(app, view, _reached(plan, login or Login()), todo, options, command)
    except BaseException:
        journal.abandon()
        raise
    return perform(app, play, journal, watchers, ask, operator=operator)


def _open(view: RunView, host: Host) -> bool:
    status = view.hosts[host.name].status
    return status is None or status in OPEN


def _play(app: App, view: RunView, plan: Plan, todo: Sequence[Host], options: Options, command: str) -> Performance:
    own = dataclasses.replace(
        plan.options, forks=options.forks, reason=options.reason or plan.options.reason, skip=options.skip,
        again=options.again, force=options.force or plan.options.force, wait=options.wait, take_over=options.take_over,
    )  # fmt: skip
    plan = dataclasses.replace(plan, options=own)
    started, leg = view.started, view.leg + 1
    opening = RunResumed(
        run=view.run, kind=started.kind, runbook=started.title or started.runbook, actor=app.settings.actor,
        reason=options.reason, command=command, leg=leg, hosts=tuple(h.name for h in todo), skip=options.skip,
        again=options.again,
    )  # fmt: skip
    past = {h.name: History(view.hosts[h.name]) for h in todo}
    done = {name: host.status for name, host in view.hosts.items() if host.status and name not in past}
    if started.kind == "rollback":
        program = undoing(app, plan, view_of(app, started.of), past, view.run)
    else:
        program = machines(app, plan, past, remembered(plan, view))
    owners = frozenset({started.actor, app.settings.actor, *(each.actor for each in view.resumed)})
    return Performance(
        run=view.run,
        plan=plan,
        opening=opening,
        program=program,
        owners=owners,
        leg=leg,
        done=done,
        past=done_once(plan, view),
        taking_back=frozenset(name for name, history in past.items() if history.rolling_back()),
    )


def _reached(plan: Plan, login: Login) -> Plan:
    """The plan with this machine's way to log in."""
    given = {"user": login.user, "private_key_file": login.private_key}
    changes = {name: value for name, value in given.items() if value is not None}
    hosts = tuple(dataclasses.replace(h, connection=dataclasses.replace(h.connection, **changes)) for h in plan.hosts)  # type: ignore[arg-type]
    return dataclasses.replace(plan, hosts=hosts)


def _known(plan: Plan, names: Sequence[str]) -> None:
    """Raises UsageError for a name that is no step's and no precondition's."""
    known = set(_names(plan.runbook))
    for name in names:
        if name not in known:
            close = difflib.get_close_matches(name, known, 1)
            advice = f"did you mean {close[0]!r}?" if close else f"there are: {', '.join(sorted(known))}"
            raise UsageError(f"the run has no step and no precondition {name!r}", advice=advice)


def _names(runbook: Runbook) -> Iterator[str]:
    for probe in runbook.preconditions:
        yield from (probe.name, probe.id)
    for entry in runbook.everything():
        yield from (entry.name, entry.id)
        if isinstance(entry, Import):
            yield from _names(entry.runbook)
        else:
            yield from (word for step in entry.rollback or () for word in (step.name, step.id))
