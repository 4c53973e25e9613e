"""Plan and apply: say what would be done and save it; later do exactly that, or nothing when the hosts have moved."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from playbook_engine.app import plan_file
from playbook_engine.app.hiding import hide_secrets
from playbook_engine.app.performing import RunEnd
from playbook_engine.app.plan_file import AGAIN
from playbook_engine.app.runs import carry_out, execute
from playbook_engine.app.wiring import App
from playbook_engine.engine.driver import Operator
from playbook_engine.engine.forecast import HostForecast, expected, forecast
from playbook_engine.engine.moved import moved
from playbook_engine.engine.plan_data import plan_from
from playbook_engine.journal.fold import RunView, fold
from playbook_engine.model.errors import EngineError, JournalError, NotFound, PlanRefused
from playbook_engine.model.frozen import frozen
from playbook_engine.model.outcome import HostStatus
from playbook_engine.model.plan import Options, Plan
from playbook_engine.model.ports import EventSink
from playbook_engine.transport.known_hosts import Ask

NAMED = 20  # lines about what has moved


@frozen
class Saved:
    """A plan that was read again and fits: the plan, what was seen when it was made, and the run that made it."""

    run: str
    plan: Plan
    found: tuple[HostForecast, ...]


def make(
    app: App, plan: Plan, file: Path | None, valid: float, watchers: Sequence[EventSink], ask: Ask | None = None
) -> tuple[RunEnd, Path, tuple[HostForecast, ...]]:
    """Looks at the hosts and writes what would be done to `file`, else `plan-RUN.json`.

    Raises PlanRefused when not all could be looked at because the run was stopped, JournalError, LoadError.
    """
    end = execute(app, plan, watchers, ask)
    view = _view(app, end.run)
    _whole(end, "no plan is written")
    kept = plan_from(view.started.plan)
    found = forecast(kept, view)
    path = file or Path(f"plan-{end.run}.json")
    plan_file.write(path, plan_file.document(app, kept, view, found, valid))
    return end, path, found


def load(app: App, path: Path) -> Saved:
    """A saved plan with its journal. Raises PlanRefused for one that does not fit, is too old, or was applied."""
    content = plan_file.read(path)
    run = str(content["run"])
    try:
        if run not in app.store.runs():  # whatever is written there: it is no path
            raise NotFound(f"there is no run {run!r}")
        view = _view(app, run)
        kept = plan_from(view.started.plan)
        hide_secrets(app, kept)
        found = forecast(kept, view)
        signed = plan_file.seal(app, kept, found, {k: v for k, v in content.items() if k != "seal"})
    except NotFound as error:
        raise PlanRefused(
            f"the journal of the plan is missing: {error.message}",
            advice=f"the plan itself is in the state folder where it was made (here: {app.settings.state}); "
            "RUNBOOK_STATE names it, and a team can share it",
        ) from error
    except (EngineError, KeyError) as error:
        raise PlanRefused(f"the journal of the plan {run} is of no use: {error}", advice=AGAIN) from error
    if view.started.kind != "plan" or signed != content["seal"]:
        raise PlanRefused(
            f"{path} does not fit the journal of {run}: one of them was changed since the plan was made", advice=AGAIN
        )
    expires = datetime.fromisoformat(str(content["expires"]))
    if datetime.fromisoformat(app.clock.utc()) >= expires:
        raise PlanRefused(
            f"the plan expired at {content['expires']}", advice=f"{AGAIN}; --valid 48h lets it live longer"
        )
    _once(app, run)
    return Saved(run=run, plan=kept, found=found)


def apply(
    app: App, saved: Saved, options: Options, command: str, watchers: Sequence[EventSink], ask: Ask | None = None,
    operator: Operator | None = None,
) -> RunEnd:  # fmt: skip
    """Looks at all hosts again and, when none has moved, runs the plan as it was saved.

    Of `options` only what does not change the plan counts: diff, forks, reason, and what to do about locks. Raises
    PlanRefused before anything is touched, naming everything that is not as it was; JournalError.
    """
    kept = saved.plan.options
    again = dataclasses.replace(kept, forks=options.forks, reason=options.reason)
    check = dataclasses.replace(saved.plan, kind="check", options=again, command=command, plan_run=saved.run)
    end = carry_out(app, check, (), ask)
    _whole(end, "nothing was touched")
    found = moved(saved.found, forecast(check, _view(app, end.run)))
    if found:
        more = f"\n  and {len(found) - NAMED} more" if len(found) > NAMED else ""
        lines = "".join(f"\n  {line}" for line in found[:NAMED])
        raise PlanRefused(
            app.redactor.text(
                f"the hosts are not as they were when this was planned; nothing was touched:{lines}{more}"
            ),
            advice=f"look at what has changed, and by whom; then {AGAIN} (runbook show {end.run} has the new look)",
        )
    wanted = dataclasses.replace(again, check=False, diff=options.diff, wait=options.wait, take_over=options.take_over)
    run = dataclasses.replace(
        saved.plan, kind="run", options=wanted, command=command, plan_run=saved.run, expected=expected(saved.found)
    )  # fmt: skip
    return carry_out(app, run, watchers, ask, operator)


def _view(app: App, run: str) -> RunView:
    """The view of a run that has ended and whose journal is whole. Raises NotFound, JournalError."""
    journal = app.store.read(run)
    view = fold(run, journal.records)
    if view is None or journal.damage or view.finished is None or not journal.closed:
        raise JournalError(f"the journal of {run} is not whole: {journal.damage or 'it has no end'}")
    return view


def _whole(end: RunEnd, so: str) -> None:
    stopped = [name for name, status in end.statuses.items() if status is HostStatus.ABORTED]
    if stopped:
        raise PlanRefused(
            f"the preview was stopped before all was looked at, on {', '.join(stopped[:8])}: {so}",
            advice=f"runbook show {end.run} says why",
        )


def _once(app: App, plan_run: str) -> None:
    """A plan is applied once: the second time it would find other hosts than it was made for, or, where it has nothing
    but commands, would not notice. Raises PlanRefused."""
    for row in app.index.runs():
        if row.kind != "run" or row.run < plan_run:
            continue
        try:
            view = fold(row.run, app.store.read(row.run).records)
        except EngineError:
            continue
        if view is not None and view.started.plan_run == plan_run:
            raise PlanRefused(f"the plan was applied already, by {row.run}", advice=AGAIN)
