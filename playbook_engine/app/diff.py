"""`runbook diff`: two runs, each read with its rollbacks, and what they were asked for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from playbook_engine.app.plan_file import readable
from playbook_engine.app.reports import subject
from playbook_engine.app.wiring import App
from playbook_engine.engine.plan_data import plan_from
from playbook_engine.engine.plan_hash import with_defaults
from playbook_engine.model.errors import JournalError
from playbook_engine.report.run_diff import RunDiff, run_diff
from playbook_engine.report.subject import Subject


def diff(app: App, one: str, two: str, at: datetime | None = None) -> RunDiff:
    """`one` and `two` are ids, unique parts of one, or `last`. Raises NotFound, JournalError."""
    before, now = subject(app, one), subject(app, two)
    return run_diff(before, now, (_asked(before), _asked(now)), at or datetime.now(UTC))


def _asked(about: Subject) -> Mapping[str, object]:
    """The parameters that are no secret, and which steps were asked for."""
    try:
        plan = plan_from(about.view.started.plan)
    except JournalError as error:
        return {"plan": f"cannot be read: {error.message}"}
    options = plan.options
    secret = {p.name for p in plan.runbook.params if p.secret}
    told = {f"parameter {n}": readable(value) for n, value in with_defaults(plan).items() if n not in secret}
    chosen = {"tags": options.tags, "skipped tags": options.skip_tags, "read only": options.read_only}
    return {**told, **{name: readable(value) for name, value in chosen.items()}}
