"""Filters on numbers and sizes."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from jinja2.filters import do_int, do_round

from playbook_engine.templating import limits

SIZES = {
    "Y": 1 << 80, "Z": 1 << 70, "E": 1 << 60, "P": 1 << 50, "T": 1 << 40, "G": 1 << 30, "M": 1 << 20, "K": 1 << 10,
    "B": 1,
}  # fmt: skip
NAMES = {
    "B": "byte", "K": "kilo", "M": "mega", "G": "giga", "T": "tera", "P": "peta", "E": "exa", "Z": "zetta",
    "Y": "yotta",
}  # fmt: skip


def human_readable(size: Any, isbits: bool = False, unit: str | None = None) -> str:
    """A size as `1.50 KB`; units are powers of 1024, as in Ansible."""
    if not isinstance(size, int | float):
        raise TypeError(f"human_readable wants a number, not {type(size).__name__}; convert it with `| int`")
    suffix, limit = "B", 1
    for name, value in SIZES.items():
        if (unit is None and size >= value) or (unit is not None and unit.upper() == name):
            suffix, limit = name, value
            break
    base = "bits" if isbits else "Bytes"
    shown = base if limit == 1 else suffix + base[0]
    return f"{size / limit:.2f} {shown}"


def human_to_bytes(size: object, default_unit: str | None = None, isbits: bool = False) -> int:
    """Bytes of `1.5 GB`, `10M`, `2 megabyte`; with `isbits`, bits of `1Gb`."""
    match = re.fullmatch(r"\s*(\d*\.?\d+)\s*([A-Za-z]*)\s*", str(size), re.ASCII)
    if not match:
        raise ValueError(f"human_to_bytes cannot read {size!r}")
    unit = match[2] or default_unit or "B"
    letter = unit[0].upper()
    if letter not in SIZES:
        raise ValueError(f"human_to_bytes: unknown unit {unit!r}")
    word, tail = ("bit", "b") if isbits else ("byte", "B")
    if len(unit) == 2 and unit != letter + tail:
        raise ValueError(f"human_to_bytes: {unit!r} is not a unit of {word}s")
    if len(unit) > 2:
        full = f"{NAMES[letter]}{word}" if letter != "B" else word
        if unit.lower() != full:
            raise ValueError(f"human_to_bytes: unknown unit {unit!r}")
    return round(float(match[1]) * SIZES[letter])


def logarithm(value: Any, base: Any = math.e) -> float:
    return math.log10(value) if base == 10 else math.log(value, base)


def power(value: Any, exponent: Any) -> float:
    return math.pow(value, exponent)


def inverse_power(value: Any, base: Any = 2) -> float:
    """The square root, or the root of `base`."""
    return math.sqrt(value) if base == 2 else math.pow(value, 1.0 / float(base))


def bounded_round(value: Any, precision: int = 0, method: Any = "common") -> float:
    if abs(precision) > 300:
        raise limits.LimitExceeded("round: the precision is out of range")
    return do_round(value, precision, method)


def bounded_int(value: Any, default: Any = 0, base: int = 10) -> Any:
    return do_int(value, default, base)


FILTERS: dict[str, Callable[..., object]] = {
    "human_readable": human_readable,
    "human_to_bytes": human_to_bytes,
    "log": logarithm,
    "pow": power,
    "root": inverse_power,
    "round": bounded_round,
    "int": bounded_int,
}
