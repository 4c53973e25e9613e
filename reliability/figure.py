"""One line of the table that `make reliability` prints: a promise, what was done to it, and what was seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """`holds`: whether what was seen keeps the promise. `bar` is what the promise asks for, in words."""

    promise: str
    what: str
    seen: str
    bar: str
    holds: bool


Experiment = Callable[[bool], list[Figure]]
"""An experiment is given whether to be short (minutes for all of them together) and returns its figures."""
