"""A plan as plain data and back, so that the journal holds it whole."""

from __future__ import annotations

import dataclasses
import enum
import typing
from collections.abc import Mapping
from functools import cache

from playbook_engine.journal.codec import tuple_depth
from playbook_engine.model.defaults import defaults
from playbook_engine.model.errors import JournalError
from playbook_engine.model.host import ConnectionSpec, Host
from playbook_engine.model.plan import Options, Plan
from playbook_engine.model.runbook import Block, Import, Include, Param, Probe, Prompt, Role, Runbook, Service, Step
from playbook_engine.model.secret import Secret
from playbook_engine.model.source import SourcePos
from playbook_engine.model.vaulted import Vaulted
from playbook_engine.templating.node import OMIT, Template

CLASSES: Mapping[str, type] = {
    cls.__name__: cls
    for cls in (
        Plan,
        Options,
        Host,
        ConnectionSpec,
        Runbook,
        Param,
        Prompt,
        Role,
        Service,
        Probe,
        Step,
        Block,
        Include,
        Import,
        SourcePos,
        Template,
        Vaulted,
    )
}

CLASS, ENUM, TUPLE, PAIRS, SPECIAL = "$t", "$e", "$tuple", "$m", "$o"
MARKS = frozenset({CLASS, ENUM, TUPLE, PAIRS, SPECIAL})
"""Keys that mean something here. A mapping of somebody's that has one of them is written as pairs: an inventory script
must not be able to make a template, or anything else, out of data."""


def to_data(value: object) -> object:
    """JSON-able data; fields that hold their default are left out. Secrets and bytes stay: the journal seals them."""
    if isinstance(value, enum.StrEnum):
        return {ENUM: type(value).__name__, "v": value.value}
    if value is OMIT:
        return {SPECIAL: "omit"}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        data: dict[str, object] = {CLASS: type(value).__name__}
        depths = _depths(type(value))
        for name, default in defaults(type(value)):
            held = getattr(value, name)
            if not (type(held) is type(default) and held == default):
                data[name] = _fixed(held, depths[name])
        return data
    if isinstance(value, Mapping):
        if all(isinstance(key, str) for key in value) and not MARKS.intersection(value):
            return {key: to_data(item) for key, item in value.items()}
        return {PAIRS: [[to_data(key), to_data(item)] for key, item in value.items()]}
    if isinstance(value, list):
        return [to_data(item) for item in value]
    if isinstance(value, tuple):
        return {TUPLE: [to_data(item) for item in value]}
    if isinstance(value, (set, frozenset)):
        return [to_data(item) for item in sorted(value, key=repr)]
    if isinstance(value, (str, int, float, bool, bytes, Secret)) or value is None:
        return value
    return str(value)


def _fixed(value: object, depth: int) -> object:
    """The value of a field: one that is always a tuple needs no mark that it is."""
    if depth and isinstance(value, tuple):
        return [_fixed(item, depth - 1) for item in value]
    return to_data(value)


def from_data(value: object) -> object:
    """The inverse of `to_data`. Raises JournalError for what this version does not know."""
    if isinstance(value, Mapping):
        if CLASS in value:
            return _made(value)
        if ENUM in value:
            try:
                return _enums()[str(value[ENUM])](str(value["v"]))
            except (KeyError, ValueError):
                raise _unknown(f"{value[ENUM]} {value.get('v')!r}") from None
        if SPECIAL in value:
            return OMIT
        held = value.get(TUPLE)
        if isinstance(held, (list, tuple)):
            return tuple(from_data(item) for item in held)
        pairs = value.get(PAIRS)
        if isinstance(pairs, (list, tuple)):
            return {from_data(key): from_data(item) for key, item in pairs}
        return {key: from_data(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [from_data(item) for item in value]
    return value


def _made(value: Mapping[str, object]) -> object:
    cls = CLASSES.get(str(value[CLASS]))
    if cls is None:
        raise _unknown(str(value[CLASS]))
    depths = _depths(cls)
    try:
        return cls(**{k: _tuple(from_data(v), depths[k]) for k, v in value.items() if k in depths})
    except TypeError:  # a field that this version needs is not there
        raise _unknown(f"{cls.__name__} of another version") from None


def _unknown(what: str) -> JournalError:
    return JournalError(
        f"the journal's plan holds {what}, which this version of runbook does not know",
        advice="resume and rollback want the version that ran it, or a newer one",
    )


def plan_from(data: Mapping[str, object]) -> Plan:
    """Raises JournalError."""
    plan = from_data(data)
    if not isinstance(plan, Plan):
        raise JournalError("the journal's first record holds no plan")
    return plan


@cache
def _enums() -> dict[str, type[enum.StrEnum]]:
    """The choices that a field of a plan may be."""
    hints = (hint for cls in CLASSES.values() for hint in typing.get_type_hints(cls).values())
    return {h.__name__: h for h in hints if isinstance(h, type) and issubclass(h, enum.StrEnum)}


@cache
def _depths(cls: type) -> dict[str, int]:
    """How deep each field is tuples: 1 for tuple[str, ...], 2 for tuple[tuple[str, ...], ...]."""
    hints = typing.get_type_hints(cls)
    return {name: tuple_depth(hints[name]) for name, _ in defaults(cls)}


def _tuple(value: object, depth: int) -> object:
    if depth == 0 or not isinstance(value, list):
        return value
    return tuple(_tuple(item, depth - 1) for item in value)
