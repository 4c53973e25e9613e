"""The services and phases of a runbook, and what its checks say of them: what every count of a report is over."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from playbook_engine.loading.problems import Problems
from playbook_engine.loading.schema import ProbeModel, RunbookModel, ServiceModel
from playbook_engine.loading.yaml_source import Where
from playbook_engine.model.runbook import Service, Tier

OF = re.compile(r"/|\bof\b|_of_")
"""A ratio's metric names its denominator: `used of limit`, `used / limit`, `percent_of_limit`."""


def services(model: RunbookModel, problems: Problems) -> tuple[Service, ...]:
    """The registry, every name that a service needs being in it."""
    for name, raw in model.services.items():
        for needed in raw.needs:
            if needed not in model.services:
                _unknown(problems, ("services", name, "needs"), needed, model.services, "service")
        if name in raw.needs or _circle(name, model.services):
            problems.add(("services", name), f"what {name} needs comes back to {name}", key=True)
    return tuple(
        Service(name=name, tier=Tier(raw.tier), needs=tuple(raw.needs), writes=raw.writes)
        for name, raw in model.services.items()
    )


def check(model: RunbookModel, problems: Problems) -> None:
    """The success criteria: known phases, known services where a registry says more than names, honest ratios."""
    registry = any(raw != ServiceModel() for raw in model.services.values())
    for n, probe in enumerate(model.checks):
        place = ("checks", n)
        if probe.phase is not None and probe.phase not in model.phases:
            _unknown(problems, (*place, "phase"), probe.phase, model.phases, "phase")
        if registry and probe.service is not None and probe.service not in model.services:
            _unknown(problems, (*place, "service"), probe.service, model.services, "service")
        if probe.severity_reason is not None and probe.severity is None:
            problems.add((*place, "severity_reason"), "severity_reason wants the severity that it is the reason for")
        _ratio(probe, place, problems)


def _ratio(probe: ProbeModel, place: Where, problems: Problems) -> None:
    if probe.unit == "%" and not OF.search(probe.metric or probe.expect or ""):  # type: ignore[arg-type]
        problems.add(
            (*place, "unit"), "a percentage of what? The metric names its denominator",
            "write metric: memory used of the cgroup's limit; 96 % of something that grows on demand says nothing",
        )  # fmt: skip


def _unknown(problems: Problems, path: Where, name: str, known: Iterable[str], what: str) -> None:
    names = list(known)
    close = difflib.get_close_matches(name, names, 1)
    advice = f"did you mean {close[0]}?" if close else f"known: {', '.join(names) or 'none'}"
    problems.add(path, f"there is no {what} {name!r} in this runbook's {what}s", advice)


def _circle(start: str, registry: dict[str, ServiceModel]) -> bool:
    seen: set[str] = set()
    left = [start]
    while left:
        for needed in registry[left.pop()].needs:
            if needed == start:
                return True
            if needed in registry and needed not in seen:
                seen.add(needed)
                left.append(needed)
    return False
