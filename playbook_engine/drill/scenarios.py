"""A drill's file → `Scenario`: found beside its runbook, in `drills/`, validated against it, every complaint placed."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from playbook_engine.drill import scenario_model as shape
from playbook_engine.drill.scenario import (
    AbortWhen,
    Expected,
    FaultSpec,
    Inject,
    Kind,
    LabSpec,
    Move,
    Notified,
    Own,
    Response,
    Scenario,
)
from playbook_engine.escalation.policy import Trigger
from playbook_engine.loading.named_files import NamedFiles
from playbook_engine.loading.problems import Problems, kind_of
from playbook_engine.loading.salvage import salvaged
from playbook_engine.loading.steps import StepReader
from playbook_engine.loading.values import ValueReader
from playbook_engine.loading.yaml_source import Document, read_yaml
from playbook_engine.model.errors import LoadError
from playbook_engine.model.runbook import Import, Probe, Runbook, Step
from playbook_engine.templating.environment import Templar

FOLDER = "drills"


class Scenarios(NamedFiles):
    """Finds and loads drills. `path` are the folders with runbooks; each may have a `drills/` in it."""

    def __init__(self, path: Sequence[Path], templar: Templar) -> None:
        super().__init__([folder / FOLDER for folder in path], "drill")
        self._templar = templar

    def load(self, name: str) -> Scenario:
        """Raises LoadError, or LoadErrors with everything that is wrong."""
        document = read_yaml(self.find(name))
        problems = Problems(document)
        if not isinstance(document.value, Mapping):
            raise LoadError(
                f"a drill is a mapping, and this is {kind_of(document.value)}", where=document.at(()),
                advice="it has name:, runbook:, hosts:, faults: and expect: at the top",
            )  # fmt: skip
        model = salvaged(document.value, problems, shape.ScenarioModel)
        if model is None:
            problems.raise_any()
            raise AssertionError("a file that is no drill has a problem")
        probes = self._probes(document, model, problems)
        scenario = _built(model, document, probes)
        if not problems.found:
            _check(scenario, model, problems)
        problems.raise_any()
        return scenario

    def of(self, runbook: str) -> list[Scenario]:
        """The live drills of a runbook. Raises LoadError for one of them that does not load; what is wrong with the
        drills of another runbook is that one's business."""
        found = [self.load(name) for name in self.names() if _about(self.find(name)) == runbook]
        return [scenario for scenario in found if scenario.kind is Kind.LIVE]

    def _probes(self, document: Document, model: shape.ScenarioModel, problems: Problems) -> tuple[Probe, ...]:
        reader = StepReader(document, problems, ValueReader(document, problems, self._templar))
        return reader.probes(model.expect.probes, ("expect", "probes"), "e")


def _about(path: Path) -> str:
    """The runbook that a drill's file names; empty for a file that is no YAML, which `drill list` says."""
    try:
        value = read_yaml(path).value
    except LoadError:
        return ""
    return str(value.get("runbook", "")) if isinstance(value, Mapping) else ""


def _built(model: shape.ScenarioModel, document: Document, probes: tuple[Probe, ...]) -> Scenario:
    expect = model.expect
    hosts = dict.fromkeys((h.name for h in model.hosts), expect.status) if expect.status else {}
    return Scenario(
        name=model.name, file=document.file, kind=Kind(model.kind), title=model.title, description=model.description,
        runbook=model.runbook, hosts=tuple(_host(h) for h in model.hosts), params=model.params,
        faults=tuple(_fault(f, document, n) for n, f in enumerate(model.faults)), escalation=model.escalation,
        severity=model.severity, trigger=model.trigger, speed=model.speed,
        respond=tuple(Response(level=r.level, by=r.by, after=r.after, note=r.note) for r in model.respond),
        expect=Expected(
            exit_code=expect.exit_code, hosts={**hosts, **expect.hosts},
            changed=None if expect.changed is None else tuple(expect.changed), not_changed=tuple(expect.not_changed),
            undone=None if expect.undone is None else tuple(expect.undone), verdicts=dict(expect.verdicts),
            failed_on=expect.failed_on, probes=probes, same=tuple(expect.same),
            notified=None if expect.notified is None
            else tuple(Notified(level=n.level, within=n.within) for n in expect.notified),
            resumed=expect.resumed, within=expect.within,
        ),
        targets={str(name): limit for name, limit in model.targets.items()},
        abort_when=AbortWhen(
            after=model.abort_when.after, command=model.abort_when.command, host=model.abort_when.host
        ),
        roles=model.roles,
        injects=tuple(
            Inject(name=i.name, minute=i.minute, text=i.text, to=tuple(i.to), hint=i.hint) for i in model.injects
        ),
        moves=tuple(
            Move(minute=m.minute, by=m.by, text=m.text, ack=m.ack, reaches=m.reaches or "") for m in model.moves
        ),
        minutes=model.minutes, overlooks=model.overlooks, text=document.text,
    )  # fmt: skip


def _host(model: shape.HostModel) -> LabSpec:
    return LabSpec(
        name=model.name, sick=model.sick, size_bytes=model.size, inodes=model.inodes, python=model.python,
        init=model.init, market_open=model.market == "open", filled=model.filled, wheels=model.wheels,
        prepare=model.prepare, files=model.files,
    )  # fmt: skip


def _fault(model: shape.FaultModel, document: Document, number: int) -> FaultSpec:
    argument = model.arg
    if model.fault == "corrupt-file":
        argument = json.dumps({"path": model.path, "replace": model.replace, "with": model.with_})
    return FaultSpec(
        fault=model.fault, argument=argument, host=model.host, at_step=model.at_step, check=model.check,
        clear_after=model.for_, where=document.at(("faults", number)),
    )  # fmt: skip


# ------------------------------------------------------------------ what it must not be


def _check(scenario: Scenario, model: shape.ScenarioModel, problems: Problems) -> None:
    if scenario.kind is Kind.TABLETOP:
        for key in ("hosts", "faults"):
            if getattr(model, key):
                problems.add((key,), f"a tabletop drill has no {key}: nobody but people takes part")
        if not scenario.injects and not scenario.escalation:
            problems.add((), "nothing happens in it: there are neither injects nor an escalation")
    else:
        if not scenario.runbook:
            problems.add((), "runbook is missing: a live drill runs one")
        if not scenario.hosts:
            problems.add((), "hosts is missing: a live drill needs a host to break")
    if scenario.trigger not in list(Trigger):
        problems.add(("trigger",), f"{scenario.trigger!r} is none of {', '.join(Trigger)}")
    names = [h.name for h in scenario.hosts]
    for n, fault in enumerate(scenario.faults):
        _fault_fits(fault, ("faults", n), names, problems)
    if scenario.respond and not scenario.expect.notified and scenario.kind is Kind.LIVE:
        problems.add(("respond",), "nobody is waited for: expect: notified: says who has to hear of it first")
    if scenario.abort_when.host and scenario.abort_when.host not in names:
        problems.add(("abort_when", "host"), f"there is no host {scenario.abort_when.host!r}: {', '.join(names)}")
    for name in model.expect.hosts:
        if name not in names:
            problems.add(("expect", "hosts", name), f"there is no host {name!r}: {', '.join(names)}", key=True)


def _fault_fits(fault: FaultSpec, at: tuple[str | int, ...], names: Sequence[str], problems: Problems) -> None:
    own = fault.fault in list(Own)
    if own and fault.host:
        problems.add((*at, "host"), f"{fault.fault} is not of a host: leave host out")
    if not own and len(names) > 1 and not fault.host:
        problems.add(at, "which host is it? there are several", f"add host: one of {', '.join(names)}")
    if fault.host and fault.host not in names:
        problems.add((*at, "host"), f"there is no host {fault.host!r}: {', '.join(names)}")
    if fault.fault == Own.KILL_CONTROLLER and not fault.at_step:
        problems.add(at, "when is the controller to be killed? before the run there is none", "add at_step: NAME")
    if fault.fault == Own.FAIL_CHECK and not (fault.check or fault.at_step):
        problems.add(at, "which check is to fail?", "add check: NAME, or at_step: NAME for all of the step's own")
    if fault.fault == "corrupt-file":
        told = json.loads(fault.argument)
        if not told["path"]:
            problems.add(at, "which file is to be corrupted?", "add path: /etc/…")
        try:
            re.compile(told["replace"] or "")
        except re.error as error:
            problems.add((*at, "replace"), f"{told['replace']!r} is no regular expression: {error}")


def fits(scenario: Scenario, runbook: Runbook) -> list[LoadError]:
    """Names in a scenario that its runbook does not have: a fault that never happens drills nothing."""
    steps, probes = set(_steps(runbook)), set(_probes(runbook))
    found = []
    for fault in scenario.faults:
        for word, name, known in (("step", fault.at_step, steps), ("check", fault.check, probes)):
            if name and name not in known:
                found.append(_unknown(word, name, known, runbook, fault))
    expect = scenario.expect
    for name in (*(expect.changed or ()), *expect.not_changed, *(expect.undone or ())):
        if name not in steps:
            found.append(_unknown("step", name, steps, runbook, None))
    for name in expect.verdicts:
        if name not in probes:
            found.append(_unknown("check", name, probes, runbook, None))
    return found


def _unknown(word: str, name: str, known: set[str], runbook: Runbook, fault: FaultSpec | None) -> LoadError:
    close = difflib.get_close_matches(name, known, 1)
    advice = f"did you mean {close[0]!r}?" if close else f"there are: {', '.join(sorted(known))}"
    return LoadError(f"{runbook.name} has no {word} {name!r}", advice=advice, where=fault.where if fault else None)


def _steps(runbook: Runbook) -> list[str]:
    names = [h.name for h in runbook.handlers]
    for entry in runbook.flat():
        names += [entry.name, *(_steps(entry.runbook) if isinstance(entry, Import) else [])]
    return names


def _probes(runbook: Runbook) -> list[str]:
    names = [p.name for p in (*runbook.preconditions, *runbook.checks)]
    names += [f"{p.service}: {p.name}" for p in runbook.checks if p.service]
    for entry in runbook.everything():
        if isinstance(entry, Step):
            names += [p.name for p in (*entry.preconditions, *entry.unless, *entry.checks)]
        else:
            names += _probes(entry.runbook)
    return names
