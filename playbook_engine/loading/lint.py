"""What can be said of a loaded runbook without running it: names that nobody defines, steps that do nothing useful."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping

from playbook_engine.model.errors import LoadError
from playbook_engine.model.runbook import Import, Probe, Runbook, Step
from playbook_engine.model.source import SourcePos
from playbook_engine.templating.environment import Templar
from playbook_engine.templating.node import templates_in

ENGINE = frozenset(
    {"inventory_hostname", "inventory_hostname_short", "group_names", "groups", "hostvars", "ansible_facts",
     "ansible_check_mode", "ansible_diff_mode", "ansible_play_hosts", "runbook_name"}
)  # fmt: skip
"""The variables that the engine itself sets. (The names that every template knows are the templar's to say.)"""


def undefined(runbook: Runbook, templar: Templar, known: Iterable[str]) -> list[LoadError]:
    """Every use of a name that neither the runbook, its inventory, nor the engine defines."""
    found: list[LoadError] = []
    names = set(known) | ENGINE
    _runbook(runbook, templar, names, found)
    unique = {(str(e.where), e.message): e for e in found}
    return list(unique.values())


def _runbook(runbook: Runbook, templar: Templar, outside: set[str], found: list[LoadError]) -> None:
    names = outside | {p.name for p in runbook.params} | set(runbook.vars) | set(_defined(runbook))
    look = _Look(templar, found)
    for value in (runbook.vars, runbook.environment, runbook.become_user):
        look.value(value, names)
    for probe in (*runbook.preconditions, *runbook.checks):
        look.probe(probe, names)
    for step in (*runbook.steps, *runbook.handlers):
        if isinstance(step, Import):
            look.value(step.params, names)
            look.conditions(step.when, names, step.where)
            _runbook(step.runbook, templar, outside | set(_defined(runbook)), found)
        else:
            look.step(step, names)


def _defined(runbook: Runbook) -> Iterator[str]:
    """Names that come to be while the runbook runs."""
    for probe in _probes(runbook):
        if probe.register:
            yield probe.register
    for step in _steps(runbook):
        if step.register:
            yield step.register
        facts = step.args.get("facts") if step.action == "set_fact" else None
        if isinstance(facts, Mapping):
            yield from facts
    for entry in runbook.steps:
        if isinstance(entry, Import):
            yield from _defined(entry.runbook)


def _steps(runbook: Runbook) -> Iterator[Step]:
    for entry in (*runbook.steps, *runbook.handlers):
        if isinstance(entry, Step):
            yield entry
            yield from entry.rollback or ()


def _probes(runbook: Runbook) -> Iterator[Probe]:
    yield from runbook.preconditions
    yield from runbook.checks
    for step in _steps(runbook):
        yield from (*step.preconditions, *step.unless, *step.checks)


class _Look:
    """Looks at every place where a name may stand."""

    def __init__(self, templar: Templar, found: list[LoadError]) -> None:
        self._templar = templar
        self._found = found

    def step(self, step: Step, names: set[str]) -> None:
        inner = names | set(step.vars) | {"result"} | ({step.loop_var} if step.loop is not None else set())
        for value in (step.loop, step.vars, step.delegate_to, step.become_user, step.environment, step.ignore_errors):
            self.value(value, inner)
        self.value(step.args, inner)
        if step.action == "assert":
            that = step.args.get("that")
            self.conditions([str(t) for t in that] if isinstance(that, list) else [], inner, step.where)
        if step.action == "debug" and isinstance(step.args.get("var"), str):
            self.conditions([str(step.args["var"])], inner, step.where)
        for conditions in (step.when, step.until, step.changed_when or (), step.failed_when or ()):
            self.conditions(conditions, inner, step.where)
        for probe in (*step.preconditions, *step.unless, *step.checks):
            self.probe(probe, inner)
        for undo in step.rollback or ():
            self.step(undo, inner)

    def probe(self, probe: Probe, names: set[str]) -> None:
        inner = names | {"result"} | ({probe.register} if probe.register else set())
        self.value(probe.args, inner)
        self.value(probe.delegate_to, inner)
        self.conditions((*probe.when, *([probe.expect] if probe.expect else [])), inner, probe.where)

    def value(self, value: object, names: set[str]) -> None:
        for template in templates_in(value):
            self._check(self._templar.undeclared(template), names, template.where)

    def conditions(self, conditions: Iterable[str], names: set[str], where: SourcePos | None) -> None:
        for text in conditions:
            self._check(self._templar.undeclared(text), names, where, f" in `{text}`")

    def _check(self, used: set[str], names: set[str], where: SourcePos | None, place: str = "") -> None:
        for name in sorted(used - names):
            close = difflib.get_close_matches(name, names, 1, 0.6)
            advice = f"did you mean {close[0]}?" if close else "define it under params: or vars:, or give it with -e"
            self._found.append(LoadError(f"{name!r} is not defined{place}", advice=advice, where=where))
