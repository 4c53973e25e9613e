"""Runbook × hosts × parameters → Plan. Pure: everything wrong that can be known is said here, before any connection."""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Mapping, Sequence

from playbook_engine.catalog.spec import ParamSpec
from playbook_engine.engine.batches import batches
from playbook_engine.model.errors import LoadError, LoadErrors
from playbook_engine.model.host import Host
from playbook_engine.model.plan import Options, Plan
from playbook_engine.model.runbook import Import, Param, Runbook
from playbook_engine.templating.environment import Templar
from playbook_engine.templating.node import templates_in

MAX_DEPTH = 20  # imports within imports


def compile_plan(
    runbook: Runbook,
    hosts: Sequence[Host],
    given: Mapping[str, object],
    *,
    kind: str,
    options: Options,
    templar: Templar,
    others: Mapping[str, Host] | None = None,
    groups: Mapping[str, tuple[str, ...]] | None = None,
    command: str = "",
) -> Plan:
    """The plan of a run. `given` are the operator's `-e` and parameters. Raises LoadError, LoadErrors."""
    _depth(runbook, 1, (runbook.name,))
    return Plan(
        kind=kind,
        runbook=runbook,
        hosts=tuple(hosts),
        batches=batches([h.name for h in hosts], runbook.serial),
        variables=parameters(runbook, given, templar),
        others=others or {},
        groups=groups or {},
        options=options,
        command=command,
    )


def parameters(runbook: Runbook, given: Mapping[str, object], templar: Templar) -> dict[str, object]:
    """Typed values for a runbook's parameters, and whatever else was given: extra vars win over everything.

    Raises LoadErrors with all that is wrong at once.
    """
    wrong: list[LoadError] = []
    values: dict[str, object] = dict(given)
    for param in runbook.params:
        if param.name in given:
            try:
                values[param.name] = param_value(param, given[param.name])
            except ValueError as error:
                wrong.append(LoadError(f"{param.name}: {error}", advice=param.description or None, where=param.where))
        elif param.required:
            wrong.append(
                LoadError(
                    f"{runbook.name} needs {param.name}{': ' + param.description if param.description else ''}",
                    advice=f"give it with -e {param.name}=…",
                    where=param.where,
                )
            )
        else:
            values[param.name] = param.default
    if wrong:
        raise LoadErrors(wrong)
    return values


def param_value(param: Param, value: object) -> object:
    """A parameter's value in its type, within its bounds. Raises ValueError."""
    if any(True for _ in templates_in(value)):
        return value
    got = ParamSpec(name=param.name, type=param.type).convert(value)
    if param.choices and got not in param.choices:
        close = difflib.get_close_matches(str(got), [str(c) for c in param.choices], 1)
        hint = f"; did you mean {close[0]}?" if close else ""
        raise ValueError(f"{got!r} is none of {', '.join(str(c) for c in param.choices)}{hint}")
    if isinstance(got, (int, float)) and not isinstance(got, bool):
        if param.minimum is not None and got < param.minimum:
            raise ValueError(f"{got} is below the minimum of {param.minimum:g}")
        if param.maximum is not None and got > param.maximum:
            raise ValueError(f"{got} is above the maximum of {param.maximum:g}")
    if param.pattern and not re.fullmatch(param.pattern, str(got)):
        raise ValueError(f"{got!r} does not match {param.pattern}")
    return got


def _depth(runbook: Runbook, depth: int, chain: tuple[str, ...]) -> None:
    if depth > MAX_DEPTH:
        raise LoadError(f"imports are nested more than {MAX_DEPTH} deep: {' → '.join(chain)}")
    for entry in runbook.steps:
        if isinstance(entry, Import):
            _depth(entry.runbook, depth + 1, (*chain, entry.runbook.name))


def for_hosts(plan: Plan, hosts: Sequence[Host]) -> Plan:
    """The same plan for other hosts, one batch."""
    return dataclasses.replace(plan, hosts=tuple(hosts), batches=(tuple(h.name for h in hosts),))
