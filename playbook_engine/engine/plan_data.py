"""A plan as plain data and back, so that the journal holds it whole."""

from __future__ import annotations

import dataclasses
import enum
import typing
from collections.abc import Mapping

from playbook_engine.model.errors import JournalError
from playbook_engine.model.host import ConnectionSpec, Host
from playbook_engine.model.plan import Options, Plan
from playbook_engine.model.runbook import Import, OnFailure, Otherwise, Param, Probe, Runbook, Service, Step, Tier
from playbook_engine.model.secret import Secret
from playbook_engine.model.source import SourcePos
from playbook_engine.templating.node import Template

CLASSES: Mapping[str, type] = {
    cls.__name__: cls
    for cls in (Plan, Options, Host, ConnectionSpec, Runbook, Param, Service, Probe, Step, Import, SourcePos, Template)
}
ENUMS: Mapping[str, type[enum.StrEnum]] = {"OnFailure": OnFailure, "Otherwise": Otherwise, "Tier": Tier}


def to_data(value: object) -> object:
    """JSON-able data; fields that hold their default are left out. Secrets stay Secrets: the journal seals them."""
    if isinstance(value, enum.Enum):
        return {"$e": type(value).__name__, "v": value.value}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        data: dict[str, object] = {"$t": type(value).__name__}
        for field in dataclasses.fields(value):
            held = getattr(value, field.name)
            default = field.default_factory() if field.default_factory is not dataclasses.MISSING else field.default
            if not (type(held) is type(default) and held == default):
                data[field.name] = to_data(held)
        return data
    if isinstance(value, Mapping):
        return {str(k): to_data(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_data(v) for v in value]
    if isinstance(value, (str, int, float, bool, bytes, Secret)) or value is None:
        return value
    return str(value)


def from_data(value: object) -> object:
    """The inverse of `to_data`. Raises JournalError for a class that this version does not know."""
    if isinstance(value, Mapping):
        if "$t" in value:
            cls = CLASSES.get(str(value["$t"]))
            if cls is None:
                raise JournalError(f"the plan holds a {value['$t']!r}, which this version of runbook does not know")
            known = _tuples(cls)
            given = {k: from_data(v) for k, v in value.items() if k in known}
            return cls(**{k: _deep(v) if known[k] and isinstance(v, list) else v for k, v in given.items()})
        if "$e" in value:
            return ENUMS[str(value["$e"])](str(value["v"]))
        return {k: from_data(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [from_data(v) for v in value]
    return value


def plan_from(data: Mapping[str, object]) -> Plan:
    """Raises JournalError."""
    plan = from_data(data)
    if not isinstance(plan, Plan):
        raise JournalError("the journal's first record holds no plan")
    return plan


def _tuples(cls: type) -> dict[str, bool]:
    hints = typing.get_type_hints(cls)
    return {f.name: "tuple" in str(hints[f.name]) for f in dataclasses.fields(cls)}


def _deep(value: object) -> object:
    return tuple(_deep(v) for v in value) if isinstance(value, list) else value
