"""Filters on dates and times."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable
from typing import Any


def to_datetime(value: str, format: str = "%Y-%m-%d %H:%M:%S") -> datetime.datetime:  # noqa: A002 - Ansible's name
    return datetime.datetime.strptime(value, format)


def strftime(string_format: str, second: Any = None, utc: bool = False) -> str:
    """The time `second` (epoch; now if none) in a `strftime` format, local unless `utc`."""
    moment = None if second is None else float(second)
    return time.strftime(string_format, time.gmtime(moment) if utc else time.localtime(moment))


FILTERS: dict[str, Callable[..., object]] = {"to_datetime": to_datetime, "strftime": strftime}
