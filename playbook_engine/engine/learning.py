"""What a host knows after a step: what it registers, and the variables that its action gives."""

from __future__ import annotations

from collections.abc import Mapping

from playbook_engine.engine.result import StepResult
from playbook_engine.engine.scope import FACTS, Scope
from playbook_engine.inventory.vars_files import read_vars
from playbook_engine.model.runbook import Step

GATHERS = frozenset({"facts", "setup"})
"""Actions whose `ansible_facts` are the facts of the host."""
PROBES = frozenset({"getent", "package_facts", "service_facts"})
"""Actions whose `ansible_facts` stand beside them."""


def learn(step: Step, scope: Scope, whole: StepResult) -> None:
    """What the host knows after a step."""
    if step.register:
        scope.set[step.register] = dict(whole.result)
        scope.learned([step.register], known=whole.known)
    each = whole.result.get("results")
    for result in each if step.loop is not None and isinstance(each, list) else [whole.result]:
        _told(step, scope, result)


def learn_item(step: Step, scope: Scope, end: StepResult) -> None:
    """An item of a loop sees what the items before it have set."""
    if step.loop is not None:
        _told(step, scope, end.result)


def delegated(step: Step, end: StepResult) -> dict[str, object]:
    """What `delegate_facts` gives to the host that the step was delegated to."""
    facts = end.result.get("ansible_facts")
    if end.result.get("failed") or not isinstance(facts, Mapping):
        return {}
    if step.action == "set_fact":
        return dict(facts)
    return {FACTS: _plain(facts)} if step.action in GATHERS else {}


def _told(step: Step, scope: Scope, result: object) -> None:
    """Variables that an action gives, beside its result."""
    if not isinstance(result, Mapping) or result.get("failed") or step.delegate_facts:
        return
    facts = result.get("ansible_facts")
    if not isinstance(facts, Mapping):
        return
    if step.action == "set_fact":
        scope.set.update(facts)
        known = scope.set.get(FACTS)
        if step.args.get("cacheable") and (scope.runbook.play or known is not None):
            scope.set[FACTS] = {**(known if isinstance(known, Mapping) else {}), **facts}
    elif step.action == "include_vars":
        scope.loaded.update(included(result))
    elif step.action in GATHERS:
        known = scope.set.get(FACTS)
        scope.set[FACTS] = {**(known if isinstance(known, Mapping) else {}), **_plain(facts)}
    elif step.action in PROBES:
        scope.probe_told(facts)


def _plain(facts: Mapping[str, object]) -> dict[str, object]:
    """As they stand in `ansible_facts`."""
    return {str(name).removeprefix("ansible_"): value for name, value in facts.items()}


def included(result: Mapping[str, object]) -> dict[str, object]:
    """What `include_vars` has read: the author's text, so its templates are templates. Raises InventoryError."""
    files = result.get("ansible_included_var_files")
    file = str(files[0]) if isinstance(files, (list, tuple)) and files else ""
    found = read_vars(str(result.get("content") or ""), file)
    name = result.get("name")
    return {str(name): found} if name else found
