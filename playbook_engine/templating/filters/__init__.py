"""The filters that Ansible adds to Jinja's, by name."""

from __future__ import annotations

from collections.abc import Callable

from playbook_engine.templating.filters import (
    collections,
    dates,
    encryption,
    hashes,
    numbers,
    passwords,
    paths,
    serial,
    text,
)

FILTERS: dict[str, Callable[..., object]] = {
    **text.FILTERS,
    **collections.FILTERS,
    **serial.FILTERS,
    **paths.FILTERS,
    **numbers.FILTERS,
    **hashes.FILTERS,
    **dates.FILTERS,
    **passwords.FILTERS,
    **encryption.FILTERS,
}

SEES_UNDEFINED = frozenset({"default", "d", "mandatory", "type_debug", "ternary"})
"""These are asked about undefined values; every other filter fails when it is given one."""
