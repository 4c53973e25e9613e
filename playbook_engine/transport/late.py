"""A transport that is made when a host is first reached by it: what nobody uses is not imported."""

from __future__ import annotations

import threading
from collections.abc import Callable

from playbook_engine.model.host import Host
from playbook_engine.transport.base import Connection, Transport


class LateTransport:
    """`make` is called once, by the first thread that connects."""

    def __init__(self, make: Callable[[], Transport]) -> None:
        self._make = make
        self._made: Transport | None = None
        self._lock = threading.Lock()

    def made(self) -> Transport:
        """Raises what making it raises."""
        with self._lock:
            if self._made is None:
                self._made = self._make()
        return self._made

    def connect(self, host: Host) -> Connection:
        """Raises what the transport raises."""
        return self.made().connect(host)
