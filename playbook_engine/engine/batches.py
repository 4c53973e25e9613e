"""`serial`: which hosts go together, and when enough of them have failed to stop."""

from __future__ import annotations

import math
from collections.abc import Sequence

from playbook_engine.model.errors import LoadError


def batches(hosts: Sequence[str], serial: Sequence[object]) -> tuple[tuple[str, ...], ...]:
    """The hosts cut into batches: counts or percentages of all, the last one repeated until all have had their turn.

    `[1, 25%]` is a canary and then a quarter at a time. Raises LoadError.
    """
    if not serial:
        return (tuple(hosts),) if hosts else ()
    done: list[tuple[str, ...]] = []
    left = list(hosts)
    while left:
        size = _size(serial[min(len(done), len(serial) - 1)], len(hosts))
        done.append(tuple(left[:size]))
        left = left[size:]
    return tuple(done)


def _size(entry: object, total: int) -> int:
    text = str(entry).strip()
    try:
        if text.endswith("%"):
            return max(1, math.floor(total * float(text[:-1]) / 100))
        size = int(text)
    except ValueError:
        raise LoadError(f"serial: {entry!r} is neither a number of hosts nor a percentage") from None
    return size if size > 0 else max(total, 1)  # 0 and negative numbers mean all, as in Ansible


def over_budget(failed: int, size: int, max_fail_percentage: float | None) -> bool:
    """Whether so many hosts of a batch failed that the others must stop. Without a limit: when all of them did."""
    if failed == 0 or size == 0:
        return False
    if max_fail_percentage is None:
        return failed >= size
    return failed * 100 / size > max_fail_percentage
