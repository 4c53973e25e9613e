"""What all events have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from playbook_engine.model.defaults import defaults

Data = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What all have. `host` is empty for events of the whole run."""

    host: str = ""


def fields(event: Event) -> dict[str, object]:
    """The event's own fields, without those that hold their default."""
    found: dict[str, object] = {}
    for name, default in defaults(type(event)):
        value = getattr(event, name)
        if value is not default and value != default:
            found[name] = value
    return found
