"""A runbook as the procedure that a person could follow by hand, when the tool is not there."""

from __future__ import annotations

from collections.abc import Iterable

import yaml

from playbook_engine.catalog import catalog
from playbook_engine.model.runbook import Import, Probe, Runbook, Step
from playbook_engine.model.vaulted import Vaulted
from playbook_engine.templating.node import Template


def procedure(runbook: Runbook, level: int = 1) -> str:
    """The whole file as Markdown: why, when to stop, what to look at, what to do, how it is taken back."""
    mark = "#" * level
    lines = [f"{mark} {runbook.title or runbook.name}", ""]
    about = [f"`{runbook.name}`", f"severity {runbook.severity}"]
    about += [f"owner {runbook.owner}"] if runbook.owner else []
    about += [f"repairs {', '.join(runbook.services)}"] if runbook.services else []
    about += [f"when a step fails: {runbook.on_failure}"]
    lines += [" · ".join(about), "", runbook.description.strip(), ""]
    if runbook.params:
        lines += [f"{mark}# Parameters", "", "| name | type | default | |", "|---|---|---|---|"]
        lines += [
            f"| `{p.name}` | {p.type} | {'**needed**' if p.required else f'`{p.default}`'} | {p.description} |"
            for p in runbook.params
        ]
        lines += [""]
    if runbook.preconditions:
        lines += [f"{mark}# Before anything is changed", "", *_probes(runbook.preconditions), ""]
    if runbook.steps:
        lines += [f"{mark}# Steps", ""]
    for number, entry in enumerate(runbook.flat(), 1):
        if isinstance(entry, Import):
            given = f" with {_inline(entry.params)}" if entry.params else ""
            when = f" (only when `{' and '.join(entry.when)}`)" if entry.when else ""
            lines += [f"{number}. The runbook **{entry.runbook.name}**{given}{when}: {entry.runbook.title}", ""]
        else:
            lines += [*_step(number, entry), ""]
    if runbook.handlers:
        lines += [f"{mark}# Afterwards, if something changed", ""]
        lines += [f"- {h.name}: {_action(h.action, h.args)}" for h in runbook.handlers] + [""]
    if runbook.checks:
        lines += [f"{mark}# It is done when", "", *_probes(runbook.checks), ""]
    for entry in runbook.flat():
        if isinstance(entry, Import):
            lines += [procedure(entry.runbook, level + 1)]
    return "\n".join(lines).rstrip() + "\n"


def _step(number: int, step: Step) -> list[str]:
    spec = catalog.get(step.action)
    lines = [f"{number}. **{step.name}**", "", _indented(f"```yaml\n{_yaml({step.action: step.args})}```")]
    notes = []
    if step.when:
        notes.append(f"only when `{' and '.join(step.when)}`")
    if step.loop is not None:
        notes.append(f"for each of {_inline(step.loop)}")
    notes += [f"not needed when {p.name}" for p in step.unless]
    notes += [f"then look: {p.name}" for p in step.checks]
    notes += [f"afterwards: {name}" for name in step.notify]
    if step.rollback is not None:
        notes.append("taken back by: " + "; ".join(_action(s.action, s.args) for s in step.rollback))
    elif step.irreversible:
        notes.append(f"**cannot be taken back**: {step.irreversible}")
    elif spec.undo:
        notes.append(f"taken back: {spec.undo}")
    return [*lines, *(f"   - {note}" for note in notes)]


def _probes(probes: Iterable[Probe]) -> list[str]:
    lines = []
    for probe in probes:
        window = f", within {probe.within:g} s" if probe.within else ""
        window += f", held for {probe.hold:g} s" if probe.hold else ""
        skip = " (else there is nothing to do here)" if probe.otherwise == "skip" else ""
        expect = f" → `{probe.expect}`" if probe.expect else ""
        lines.append(f"- {probe.name}: {_action(probe.action, probe.args)}{expect}{window}{skip}")
    return lines


def _action(name: str, args: object) -> str:
    return f"`{name}` {_inline(args)}".rstrip()


def _inline(value: object) -> str:
    text = yaml.safe_dump(_plain(value), default_flow_style=True, width=10_000, allow_unicode=True, sort_keys=False)
    return "`" + text.removesuffix("...\n").strip() + "`" if value else ""


def _yaml(value: object) -> str:
    return yaml.safe_dump(_plain(value), default_flow_style=False, allow_unicode=True, sort_keys=False)


def _plain(value: object) -> object:
    if isinstance(value, Template):
        return value.source
    if isinstance(value, Vaulted):
        return "(encrypted)"
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return value


def _indented(text: str) -> str:
    return "\n".join(f"   {line}" for line in text.splitlines())
