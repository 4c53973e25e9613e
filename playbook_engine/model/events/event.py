"""What all events have."""

from __future__ import annotations

from collections.abc import Mapping

from playbook_engine.model.defaults import defaults
from playbook_engine.model.frozen import frozen

Data = Mapping[str, object]


@frozen
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
