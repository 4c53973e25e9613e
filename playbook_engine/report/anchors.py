"""Ids of records in a document that holds several journals: `E12` of the second run is `R2-12` there."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from typing import TypeVar

T = TypeVar("T")
OWN = re.compile(r"^E(\d+)$")
MENTIONED = re.compile(r"\(E(\d+)\)$")
FIELD = "evidence"


def anchored(value: T, prefix: str) -> T:
    """The same values, with `prefix` instead of `E` in whatever they give as evidence."""
    return _moved(value, prefix)  # type: ignore[return-value]


def linked(value: object) -> Iterator[str]:
    """Every id that the values give as evidence."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            held = getattr(value, field.name)
            if field.name == FIELD:
                yield from filter(None, (held,) if isinstance(held, str) else held)
            else:
                yield from linked(held)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from linked(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from linked(item)


def _moved(value: object, prefix: str) -> object:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        moved = {f.name: _field(f.name, getattr(value, f.name), prefix) for f in dataclasses.fields(value) if f.init}
        return dataclasses.replace(value, **moved)
    if isinstance(value, tuple):
        return tuple(_moved(item, prefix) for item in value)
    return value


def _field(name: str, held: object, prefix: str) -> object:
    if name == FIELD:
        return OWN.sub(rf"{prefix}\1", held) if isinstance(held, str) else _ids(held, prefix)
    if name == "why" and isinstance(held, str):  # a criterion that is not believed names the record that is why
        return MENTIONED.sub(rf"({prefix}\1)", held)
    return _moved(held, prefix)


def _ids(held: object, prefix: str) -> object:
    return tuple(OWN.sub(rf"{prefix}\1", str(e)) for e in held) if isinstance(held, tuple) else held
