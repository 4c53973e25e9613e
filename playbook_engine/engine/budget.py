"""How much of states before a run carries: an undo that would need more is refused before anything is changed."""

from __future__ import annotations

import threading

RUN_LIMIT = 1 << 30


class UndoBudget:
    """Bytes that a run may still carry, over all its hosts. Thread-safe."""

    def __init__(self, limit: int = RUN_LIMIT) -> None:
        self._left = limit
        self._lock = threading.Lock()

    @property
    def left(self) -> int:
        return self._left

    def spend(self, size: int) -> None:
        with self._lock:
            self._left = max(0, self._left - size)
