"""Runbook × hosts × parameters → Plan. Pure: everything wrong that can be known is said here, before any connection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from playbook_engine.engine.batches import batches
from playbook_engine.engine.parameters import param_value
from playbook_engine.engine.scope import typed
from playbook_engine.journal.redaction import SHORTEST
from playbook_engine.model.errors import LoadError, LoadErrors
from playbook_engine.model.host import Host
from playbook_engine.model.plan import Options, Plan
from playbook_engine.model.runbook import Import, Runbook
from playbook_engine.templating.node import holds_template
from playbook_engine.templating.secrets import revealed

MAX_DEPTH = 20  # imports within imports


def compile_plan(
    runbook: Runbook,
    hosts: Sequence[Host],
    given: Mapping[str, object],
    *,
    kind: str,
    options: Options,
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
        variables=parameters(runbook, given, hosts),
        others=others or {},
        groups=groups or {},
        options=options,
        command=command,
    )


def parameters(runbook: Runbook, given: Mapping[str, object], hosts: Sequence[Host]) -> dict[str, object]:
    """Typed values for a runbook's parameters, and whatever else was given: extra vars win over everything.

    Raises LoadErrors with all that is wrong at once.
    """
    wrong: list[LoadError] = []
    values: dict[str, object] = dict(given)
    for param in runbook.params:
        if param.name in given:
            try:
                values[param.name] = param_value(param, given[param.name])
                if param.secret and _short(values[param.name]):
                    raise ValueError(f"a secret of fewer than {SHORTEST} characters cannot be masked")
            except ValueError as error:
                wrong.append(LoadError(f"{param.name}: {error}", advice=param.description or None, where=param.where))
        elif param.required and not all(param.name in host.variables for host in hosts):
            wrong.append(
                LoadError(
                    f"{runbook.name} needs {param.name}{': ' + param.description if param.description else ''}",
                    advice=f"give it with -e {param.name}=…",
                    where=param.where,
                )
            )
    for host in hosts:
        try:
            typed(runbook, host.variables)
        except LoadError as error:
            wrong.append(LoadError(f"{error.message} (from the inventory, for {host.name})", where=error.where))
    if wrong:
        raise wrong[0] if len(wrong) == 1 else LoadErrors(wrong)
    return values


def _short(value: object) -> bool:
    """Whether a secret is too short to be masked; what is encrypted is judged when it is opened."""
    return not holds_template(value) and len(str(revealed(value))) < SHORTEST


def _depth(runbook: Runbook, depth: int, chain: tuple[str, ...]) -> None:
    if depth > MAX_DEPTH:
        raise LoadError(f"imports are nested more than {MAX_DEPTH} deep: {' → '.join(chain)}")
    for entry in runbook.flat():
        if isinstance(entry, Import):
            _depth(entry.runbook, depth + 1, (*chain, entry.runbook.name))
