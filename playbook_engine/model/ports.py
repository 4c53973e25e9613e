"""What the engine needs from outside, as Protocols: the pure core never asks the machine itself."""

from __future__ import annotations

from typing import Protocol

from playbook_engine.model.events import Event


class Clock(Protocol):
    """Time. `utc` is for people and records, `monotonic` for measuring."""

    def utc(self) -> str:
        """ISO 8601 with milliseconds and Z."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go backwards."""
        ...

    def sleep(self, seconds: float) -> None: ...


class EventSink(Protocol):
    """Takes every event of a run, in order: the journal, the terminal."""

    def emit(self, event: Event) -> None: ...
