"""Breaking a runbook on purpose: each check, rollback and precondition, one at a time.

A check that always holds, a precondition that never refuses, a rollback that does nothing: if no drill of the runbook
notices, nobody would have. Pure functions of a loaded runbook.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

from playbook_engine.catalog import catalog
from playbook_engine.model.frozen import frozen
from playbook_engine.model.runbook import Import, Probe, Runbook, Step, mapped

ALWAYS = "true"
NOTHING = "this rollback was broken on purpose"


@frozen
class Mutant:
    """One breakage. `key` finds it again in the same runbook; `name` is for people."""

    key: str
    kind: str  # check | precondition | rollback
    name: str
    step: str = ""


def mutants(runbook: Runbook, *, imports: bool = False) -> list[Mutant]:
    """Every breakage of a runbook; those of its imports only if wanted: they are their own runbooks' to drill."""
    found = [*_of_probes("precondition", runbook.preconditions), *_of_probes("check", runbook.checks)]
    steps = list(runbook.flat())
    for entry in (*steps, *runbook.handlers):
        if isinstance(entry, Import):
            found += mutants(entry.runbook, imports=True) if imports else []
            continue
        found += _of_probes("precondition", entry.preconditions, entry.name)
        found += _of_probes("check", entry.checks, entry.name)
        if entry in steps and _can_undo(entry):
            found.append(Mutant(key=f"rollback:{entry.id}", kind="rollback", name=entry.name, step=entry.name))
    return found


def _of_probes(kind: str, probes: tuple[Probe, ...], step: str = "") -> Iterator[Mutant]:
    for probe in probes:
        if probe.expect is not None:
            name = f"{probe.service}: {probe.name}" if probe.service and kind == "check" and not step else probe.name
            yield Mutant(key=f"{kind}:{probe.id}", kind=kind, name=name, step=step)


def _can_undo(step: Step) -> bool:
    if step.irreversible is not None:
        return False
    return step.rollback is not None or catalog.get(step.action).reversible


def broken(runbook: Runbook, key: str) -> Runbook:
    """The runbook with this breakage in it. Raises KeyError for a key that it does not have."""
    kind, _, where = key.partition(":")
    changed: list[str] = []

    def probe(each: Probe) -> Probe:
        if each.id != where:
            return each
        changed.append(each.id)
        return dataclasses.replace(each, expect=ALWAYS)

    def step(each: Step) -> Step:
        if kind == "rollback" and each.id == where:
            changed.append(each.id)
            undo = Step(id=f"{each.id}.broken", name=NOTHING, action="debug", args={"msg": NOTHING})
            return dataclasses.replace(each, rollback=(undo,))
        return each

    mutated = _mapped(runbook, step, probe if kind != "rollback" else lambda p: p)
    if not changed:
        raise KeyError(key)
    return mutated


def failing(runbook: Runbook, checks: tuple[tuple[str, str], ...]) -> Runbook:
    """The runbook in which these checks do not hold: (step, check), an empty step is any, an empty check all."""

    def wanted(step: str, name: str) -> bool:
        return any((s in ("", step)) and (c in ("", name)) for s, c in checks)

    def top(each: Probe) -> Probe:
        return dataclasses.replace(each, expect="false") if ("", each.name) in checks else each

    def step(each: Step) -> Step:
        found = tuple(dataclasses.replace(p, expect="false") if wanted(each.name, p.name) else p for p in each.checks)
        return dataclasses.replace(each, checks=found)

    return _mapped(runbook, step, top, inside=False)


def _mapped(
    runbook: Runbook, step: Callable[[Step], Step], probe: Callable[[Probe], Probe], *, inside: bool = True
) -> Runbook:
    """The runbook with every step and probe passed through these, imports included."""

    def probes(each: tuple[Probe, ...]) -> tuple[Probe, ...]:
        return tuple(probe(p) for p in each)

    def entry(each: Step | Import) -> Step | Import:
        if isinstance(each, Import):
            return dataclasses.replace(each, runbook=_mapped(each.runbook, step, probe, inside=inside))
        return own(each)

    def own(each: Step) -> Step:
        if inside:
            each = dataclasses.replace(
                each, preconditions=probes(each.preconditions), checks=probes(each.checks), unless=probes(each.unless)
            )
        return step(each)

    return dataclasses.replace(
        runbook, preconditions=probes(runbook.preconditions), checks=probes(runbook.checks),
        handlers=tuple(own(h) for h in runbook.handlers), steps=mapped(runbook.steps, entry),
    )  # fmt: skip
