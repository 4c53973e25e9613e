"""What the fields of a dataclass are when nothing is given for them."""

from __future__ import annotations

import dataclasses
from functools import cache
from typing import Any


def defaults(cls: Any) -> tuple[tuple[str, object], ...]:
    """(name, default) of every field that can be given, MISSING where there is none. To compare with, not to change."""
    return _defaults(cls)


@cache
def _defaults(cls: Any) -> tuple[tuple[str, object], ...]:
    return tuple(
        (f.name, f.default_factory() if f.default_factory is not dataclasses.MISSING else f.default)
        for f in dataclasses.fields(cls)
        if f.init
    )
