"""An audit is a run of a runbook's checks: whatever else the runbook would do is left out before it starts."""

from __future__ import annotations

import dataclasses

from playbook_engine.catalog import catalog
from playbook_engine.catalog.spec import Kind
from playbook_engine.model.errors import UsageError
from playbook_engine.model.plan import Plan
from playbook_engine.model.runbook import Import, OnFailure, Runbook, Step, mapped


def checks_only(plan: Plan) -> Plan:
    """The plan without preconditions, handlers, and every step that could change something; on all hosts at once.

    Raises UsageError when nothing is left to measure.
    """
    runbook = _reading(plan.runbook)
    if not _criteria(runbook):
        raise UsageError(
            f"{runbook.name} has no checks: there is nothing to audit",
            advice="add checks: to it, each with an action, expect: and the service it is about",
        )
    return dataclasses.replace(plan, runbook=runbook, batches=(tuple(h.name for h in plan.hosts),))


def _reading(runbook: Runbook) -> Runbook:
    return dataclasses.replace(
        runbook, steps=mapped(runbook.steps, _looking), preconditions=(), handlers=(), serial=(),
        max_fail_percentage=None, failure_budget=None, on_failure=OnFailure.CONTINUE,
    )  # fmt: skip


def _looking(entry: Step | Import) -> Step | Import | None:
    if isinstance(entry, Import):
        return dataclasses.replace(entry, runbook=_reading(entry.runbook))
    return dataclasses.replace(entry, notify=(), rollback=None) if _reads(entry) else None


def _reads(step: Step) -> bool:
    """Whether a step can only look: a probe, a set_fact, a command that says `changed_when: false`."""
    kind = catalog.get(step.action).kind
    if kind in (Kind.PROBE, Kind.CONTROL):
        return True
    return (
        kind is Kind.OPAQUE
        and step.changed_when is not None
        and all(c.strip().lower() == "false" for c in step.changed_when)
    )


def _criteria(runbook: Runbook) -> bool:
    return bool(runbook.checks) or any(_criteria(s.runbook) for s in runbook.flat() if isinstance(s, Import))
