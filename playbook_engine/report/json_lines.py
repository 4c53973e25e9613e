"""Events as JSON lines, for machines: one versioned object a line, nothing sealed, secrets masked."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import TextIO

from playbook_engine.model.events import SEALED, VERSION, Event, fields


class JsonLines:
    """Writes each event as it happens. Safe to use from many threads."""

    def __init__(self, out: TextIO, redact: Callable[[str], str]) -> None:
        self._out = out
        self._redact = redact
        self._lock = threading.Lock()

    def emit(self, event: Event) -> None:
        data = {k: v for k, v in fields(event).items() if k not in SEALED}
        line = json.dumps({"event": type(event).__name__, "v": VERSION, **data}, default=str)
        with self._lock:
            self._out.write(self._redact(line) + "\n")
            self._out.flush()
