"""What hosts that have ended leave to those that go on: what they have set, and the steps they did for all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from playbook_engine.engine.commands import Key
from playbook_engine.engine.crowd import OVER, Crowd
from playbook_engine.engine.lockstep import Past
from playbook_engine.engine.result import StepResult, joined
from playbook_engine.engine.scope import FACTS
from playbook_engine.journal.fold import HostView, RunView
from playbook_engine.model.events import StepFinished
from playbook_engine.model.outcome import Outcome
from playbook_engine.model.plan import Plan
from playbook_engine.model.runbook import Import, Runbook, Step, in_plan, times


def steps_of(runbook: Runbook) -> Iterator[Step]:
    """Every step and handler, those of imports too."""
    for entry in runbook.everything():
        if isinstance(entry, Import):
            yield from steps_of(entry.runbook)
        else:
            yield entry


def remembered(plan: Plan, view: RunView) -> Crowd:
    """What the hosts that have ended had set, which of them are out, and which plays were ended for all."""
    crowd = Crowd()
    steps = {s.id: s for s in steps_of(plan.runbook)}
    for name, host in view.hosts.items():
        crowd.over.update(scope for scope, outcome in host.scopes.items() if outcome == OVER)
        if host.status is not None:
            crowd.shows(name, _set(host, steps))
            if not host.status.good:
                crowd.out.add(name)
    return crowd


def _set(host: HostView, steps: Mapping[str, Step]) -> dict[str, object]:
    found: dict[str, object] = {FACTS: dict(host.facts.facts)} if host.facts else {}
    for each in host.steps:
        step, end = steps.get(in_plan(each.started.step)), each.finished
        if step is None or end is None:
            continue
        if step.register and step.loop is None:
            found[step.register] = dict(end.result)
        facts = end.result.get("ansible_facts")
        if step.action == "set_fact" and isinstance(facts, Mapping):
            found.update(facts)
    return found


def done_once(plan: Plan, view: RunView) -> Past:
    """The steps of `run_once`, by the hosts that began them; how they ended, where that host has ended too."""
    wanted = {s.id: s for s in steps_of(plan.runbook) if s.run_once}
    found: dict[Key, dict[str, StepResult | None]] = defaultdict(dict)
    for name, host in view.hosts.items():
        ends: dict[tuple[str, str], list[StepFinished | None]] = defaultdict(list)
        for each in host.steps:
            if in_plan(each.started.step) in wanted:
                ends[each.started.scope, each.started.step].append(each.finished)
        for (scope, step), mine in ends.items():
            whole = _whole(wanted[in_plan(step)], [end for end in mine if end is not None])
            found[scope, in_plan(step), times(step)][name] = whole if host.status is not None else None
    return found


def _whole(step: Step, ends: list[StepFinished]) -> StepResult | None:
    results = [
        StepResult(
            outcome=Outcome(end.outcome), kind=end.kind, message=end.message, advice=end.advice, ignored=end.ignored,
            result=end.result,
        )
        for end in ends
    ]  # fmt: skip
    if not results:
        return None
    return results[-1] if step.loop is None else joined(results)
