"""What all events have."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

Data = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What all have. `host` is empty for events of the whole run."""

    host: str = ""


def fields(event: Event) -> dict[str, object]:
    """The event's own fields, without those that hold their default."""
    found: dict[str, object] = {}
    for each in dataclasses.fields(event):
        value = getattr(event, each.name)
        default = each.default_factory() if each.default_factory is not dataclasses.MISSING else each.default
        if value != default:
            found[each.name] = value
    return found
