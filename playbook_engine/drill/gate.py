"""Where a run of a drill waits for the drill: before a step at which something is to be broken.

The run's side is a watcher of its events. It tells the drill where it stands and goes on when it is answered: so what
is broken is broken exactly then, however slow the machine.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable

from playbook_engine.drill.orders import Orders, gate_address
from playbook_engine.model.events import Event, RunResumed, RunStarted, StepStarted

PATIENCE = 120.0  # seconds for what is broken to be broken


class Gate:
    """The run's side: an `EventSink`."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders

    def emit(self, event: Event) -> None:
        match event:
            case RunStarted() | RunResumed():
                self._tell({"run": event.run})
            case StepStarted() if event.item < 1 and event.attempt == 1 and self._stops(event.host, event.name):
                self._tell({"host": event.host, "step": event.name})
            case _:
                pass

    def _stops(self, host: str, step: str) -> bool:
        return any(name == step and where in ("", host) for where, name in self._orders.stops)

    def _tell(self, said: dict[str, str]) -> None:
        """A drill that has died meanwhile is waited for by nobody."""
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(PATIENCE)
                connection.connect(gate_address(self._orders.drill))
                connection.sendall(json.dumps(said).encode() + b"\n")
                connection.recv(1)
        except OSError:
            return


class GateKeeper:
    """The drill's side: calls `on_step(host, step)` and `on_run(run)` one after the other, and lets the run go on."""

    def __init__(self, drill: str, on_step: Callable[[str, str], None], on_run: Callable[[str], None]) -> None:
        self._on_step = on_step
        self._on_run = on_run
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(gate_address(drill))
        self._listener.listen(16)
        self._turn = threading.Lock()
        self._thread = threading.Thread(target=self._serve, name="gate", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Nobody is let in any more; who waits is let go."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as lines:
            try:
                said = json.loads(lines.readline() or b"{}")
                with self._turn:
                    if "run" in said:
                        self._on_run(str(said["run"]))
                    elif "step" in said:
                        self._on_step(str(said["host"]), str(said["step"]))
                connection.sendall(b".")
            except (OSError, ValueError):
                return  # the run was killed while it waited
