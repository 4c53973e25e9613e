"""Performs what the machines ask for: connections, requests, events, waiting. One thread a host.

This is the one place where an exception becomes an outcome: a HostError goes back into the machine that asked, a fault
of ours ends its host as `unknown` with the traceback in the journal, a journal that cannot be written stops the run.
"""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from playbook_engine.engine.commands import Ask, Connect, Emit, Gate, Now, Program, Sleep
from playbook_engine.engine.context import LOCALHOST
from playbook_engine.engine.coordinator import Coordinator
from playbook_engine.model.errors import HostError, JournalError, LinkLost, Unreachable
from playbook_engine.model.events import HostFinished
from playbook_engine.model.host import ConnectionSpec, Host
from playbook_engine.model.outcome import HostStatus
from playbook_engine.model.plan import Plan
from playbook_engine.model.ports import Clock, EventSink
from playbook_engine.transport.base import Become, Connection, Reply, Session, Transport

MakeProgram = Callable[[Host], Program[HostStatus]]


@dataclass(slots=True)
class Line:
    """A connection with its lock: a delegate is shared by many hosts' threads, a session is not."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    connection: Connection | None = None


class Driver:
    """Runs one plan."""

    def __init__(self, plan: Plan, transports: Mapping[str, Transport], sink: EventSink, clock: Clock) -> None:
        self._plan = plan
        self._transports = transports
        self._sink = sink
        self._clock = clock
        self._lines: dict[str, Line] = {h.name: Line() for h in plan.hosts}
        self._lines_lock = threading.Lock()
        self._slots = threading.Semaphore(max(1, plan.options.forks))
        self._statuses: dict[str, HostStatus] = {}
        self._broken: JournalError | None = None
        runbook = plan.runbook
        self.coordinator = Coordinator(plan.batches, runbook.max_fail_percentage, runbook.deadline, clock)

    def run(self, program: MakeProgram) -> dict[str, HostStatus]:
        """Every host's status. Raises JournalError when the run had to stop because nothing can be recorded."""
        threads = [
            threading.Thread(target=self._host, args=(host, program), name=f"host {host.name}", daemon=True)
            for host in self._plan.hosts
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive():
                thread.join(0.2)  # short, so that the main thread hears Ctrl-C
        for line in self._lines.values():
            if line.connection is not None:
                line.connection.close()
        if self._broken is not None:
            raise self._broken
        return dict(self._statuses)

    def _host(self, host: Host, make: MakeProgram) -> None:
        status = HostStatus.UNKNOWN
        self._slots.acquire()
        try:
            status = self._drive(host, make(host))
        except JournalError as error:
            self._broken = error
            self.coordinator.stop(error.message)
        except Exception as error:
            where = traceback.format_exc(limit=-6)
            try:
                self._sink.emit(
                    HostFinished(
                        host=host.name, status=status.value, message=f"a fault in the engine: {error!r}", advice=where
                    )
                )
            except JournalError as broken:
                self._broken = broken
                self.coordinator.stop(broken.message)
        finally:
            self._slots.release()
            self._statuses[host.name] = status
            self.coordinator.finished(host.name, status)

    def _drive(self, host: Host, program: Program[HostStatus]) -> HostStatus:
        """Feeds a machine until it ends."""
        answer: object = None
        error: HostError | None = None
        while True:
            try:
                command = program.throw(error) if error is not None else program.send(answer)
            except StopIteration as end:
                assert isinstance(end.value, HostStatus)
                return end.value
            answer, error = None, None
            try:
                match command:
                    case Emit():
                        self._sink.emit(command.event)
                    case Now():
                        answer = self._clock.monotonic()
                    case Ask():
                        answer = self._ask(command)
                    case Sleep():
                        self._clock.sleep(command.seconds)
                    case Connect():
                        answer = self._session(host.name, None).hello
                    case Gate():
                        answer = self._gate(host.name, command)
            except HostError as raised:
                error = raised

    def _gate(self, host: str, gate: Gate) -> str | None:
        if gate.name == "step":
            return self.coordinator.step()
        # A host that waits for the others must not hold a slot that they need.
        self._slots.release()
        try:
            if gate.name == "preconditions":
                return self.coordinator.preconditions_done(host, gate.fit)
            return self.coordinator.turn(host)
        finally:
            self._slots.acquire()

    def _ask(self, command: Ask) -> list[Reply]:
        line = self._line(command.on)
        with line.lock:
            try:
                return self._session(command.on, command.become, line).ask(command.calls)
            except LinkLost:
                if line.connection is not None:
                    line.connection.close()
                    line.connection = None
                raise

    def _session(self, name: str, become: Become | None, line: Line | None = None) -> Session:
        line = line or self._line(name)
        if line.connection is None:
            host = self._plan.host(name) or _localhost(name)
            transport = self._transports.get(host.connection.connection)
            if transport is None:
                raise Unreachable(
                    f"{name}: there is no transport {host.connection.connection!r}",
                    advice=f"ansible_connection is one of {', '.join(sorted(self._transports))}",
                )
            line.connection = transport.connect(host)
        login = line.connection.session(None)
        if become is None or (login.hello.uid == 0 and become.user == "root"):
            return login
        return line.connection.session(become)

    def _line(self, name: str) -> Line:
        with self._lines_lock:
            return self._lines.setdefault(name, Line())


def _localhost(name: str) -> Host:
    if name not in LOCALHOST:
        raise Unreachable(f"{name} is not in the inventory")
    return Host(name=name, connection=ConnectionSpec(connection="local"))
