"""Performs what the machines ask for: connections, requests, events, waiting. One thread a host.

This is the one place where an exception becomes an outcome: a HostError goes back into the machine that asked, a fault
of ours ends its host as `unknown` with the traceback in the journal, a journal that cannot be written stops the run.
"""

from __future__ import annotations

import dataclasses
import threading
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import assert_never

from playbook_engine.engine.approval import Approval, Decision
from playbook_engine.engine.commands import (
    Approve,
    Ask,
    Cancel,
    Confirm,
    Connect,
    Emit,
    Fatal,
    Gate,
    Join,
    Now,
    Once,
    Pause,
    Paused,
    Program,
    Sleep,
    Throttle,
    Told,
)
from playbook_engine.engine.context import LOCALHOST
from playbook_engine.engine.coordinator import Coordinator
from playbook_engine.engine.limits import Limits
from playbook_engine.engine.lockstep import Lockstep, Past
from playbook_engine.model.errors import HostError, JournalError, LinkLost, Locked, ProtocolError, Unreachable
from playbook_engine.model.events import HostFinished, RollbackStarted
from playbook_engine.model.host import ConnectionSpec, Host
from playbook_engine.model.outcome import HostStatus
from playbook_engine.model.plan import Plan
from playbook_engine.model.ports import Clock, EventSink
from playbook_engine.transport.base import Become, Call, Claim, Connection, Hello, Reply, Session, Transport

RIVAL = 0.3  # seconds between two tries at a host that another run holds

MakeProgram = Callable[[Host], Program[HostStatus]]
Operator = Callable[[str, bool], str]
"""Whoever is at the terminal: what they answer to a text; whether what they type is hidden."""


@dataclass(slots=True)
class Line:
    """A connection with its lock: a delegate is shared by many hosts' threads, a session is not.

    `claimed`: the users whose sessions hold the host for this run. `heard`: when something last went to it. `turn`
    counts its connections. `user`: the host whose machine is asking something there, if one is.
    """

    lock: threading.Lock = field(default_factory=threading.Lock)
    connection: Connection | None = None
    claimed: set[str] = field(default_factory=set)
    heard: float = 0.0
    turn: int = 0
    user: str = ""

    def drop(self) -> None:
        """The link is lost: the host keeps what it remembers for the next one."""
        if self.connection is not None:
            self.connection.abandon()
        self.connection = None
        self.claimed.clear()


class Driver:
    """Runs one plan. `claim` is what each host is locked with, if it is; `done` are hosts that had ended before,
    `taking_back` those in the middle of a rollback."""

    def __init__(
        self, plan: Plan, transports: Mapping[str, Transport], sink: EventSink, clock: Clock, *,
        halted: Callable[[], str] = str, claim: Claim | None = None, done: Mapping[str, HostStatus] | None = None,
        taking_back: Iterable[str] = (), past: Past | None = None,
    ) -> None:  # fmt: skip
        self._plan = plan
        self._claim = claim
        self.approval: Approval | None = None  # whom an `approve` asks; it wants our coordinator
        self.operator: Operator | None = None
        self._asking = threading.Lock()
        self._transports = transports
        self._sink = sink
        self._clock = clock
        self._lines: dict[str, Line] = {h.name: Line() for h in plan.hosts}
        self._lines_lock = threading.Lock()
        self._slots = threading.Semaphore(max(1, plan.options.forks))
        self._statuses: dict[str, HostStatus] = dict(done or {})
        self._broken: JournalError | None = None
        self._taking_back = set(taking_back)
        self._ended = threading.Event()
        self.coordinator = Coordinator(plan.batches, Limits.of(plan.runbook, len(plan.hosts)), clock, halted)
        self.lockstep = Lockstep(plan.batches, lambda: self.coordinator.stopped, past)
        self._throttles: dict[str, str] = {}
        for name, status in self._statuses.items():
            self.coordinator.finished(name, status)
            self.lockstep.finished(name, status)

    def run(self, program: MakeProgram) -> dict[str, HostStatus]:
        """Every host's status. Raises JournalError when the run had to stop because nothing can be recorded."""
        threads = [
            threading.Thread(target=self._host, args=(host, program), name=f"host {host.name}", daemon=True)
            for host in self._plan.hosts
            if host.name not in self._statuses
        ]
        keeper = threading.Thread(target=self._keep, name="leases", daemon=True)
        if self._claim is not None:
            keeper.start()
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                while thread.is_alive():
                    thread.join(0.2)  # short, so that the main thread hears Ctrl-C
        finally:
            self._ended.set()
        for line in self._lines.values():
            if line.connection is not None and self._broken is None:
                line.connection.close()
            else:
                line.drop()
        if self._broken is not None:
            raise self._broken
        return dict(self._statuses)

    def cancel(self, reason: str) -> None:
        """Ends what every host is doing, now. One that takes changes back is left to finish with that."""
        busy = [h.name for h in self._plan.hosts if h.name not in self._statuses and h.name not in self._taking_back]
        self.coordinator.cancel(reason, busy)
        for line in list(self._lines.values()):
            if line.user in busy:
                threading.Thread(target=self._cancel, args=(line, line.user), name="cancel", daemon=True).start()

    def _cancel(self, line: Line, host: str) -> None:
        """Until the host has heard it: what had not begun yet could not be ended."""
        while line.user == host and self.coordinator.awaits(host):
            if (connection := line.connection) is not None:
                connection.cancel()
            self._ended.wait(1.0)

    def _keep(self) -> None:
        """Lets hosts that have nothing to do know that their controller is alive, or they would free themselves."""
        assert self._claim is not None
        every = self._claim.lease / 4
        while not self._ended.wait(every / 2):
            for line in list(self._lines.values()):
                if self._clock.monotonic() - line.heard < every or not line.lock.acquire(blocking=False):
                    continue
                try:
                    for session in line.connection.sessions() if line.connection else ():
                        session.ping()
                    line.heard = self._clock.monotonic()
                finally:
                    line.lock.release()

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
            self._statuses[host.name] = status
            if step := self._throttles.pop(host.name, ""):
                self.lockstep.throttle(step, 0)
            if over := self.lockstep.finished(host.name, status):
                self.coordinator.stop(over)
            # Before the slot is free: whoever takes it must already know of a budget that this host has used up.
            self.coordinator.finished(host.name, status)
            self._slots.release()

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
                        if isinstance(command.event, RollbackStarted):
                            self._taking_back.add(host.name)
                        self._sink.emit(command.event)
                    case Now():
                        answer = self._clock.monotonic()
                    case Ask():
                        answer = self._ask(host.name, command)
                    case Sleep():
                        self.coordinator.sleep(host.name, command.seconds)
                    case Connect():
                        answer = self._connect(host.name, command)
                    case Gate():
                        answer = self._gate(host.name, command)
                    case Approve():
                        answer = self._approve(host.name, command)
                    case Pause():
                        answer = self._pause(host.name, command)
                    case _:
                        answer = self._together(host.name, command)
            except HostError as raised:
                error = raised

    def _together(self, host: str, command: Join | Once | Told | Fatal | Throttle | Confirm) -> object:
        """What hosts have to do with one another. One that waits holds no slot."""
        match command:
            case Join():
                self.lockstep.join(host, command)
                return None
            case Told():
                self.lockstep.told(host, command.key, command.result)
                return None
            case Fatal():
                self.lockstep.fatal(host, command)
                return None
            case Throttle(limit=0):
                self.lockstep.throttle(self._throttles.pop(host, command.step), 0)
                return None
        self._slots.release()
        try:
            match command:
                case Once():
                    return self.lockstep.once(host, command.key)
                case Confirm():
                    return self.lockstep.confirmed(command.key, command.name)
                case Throttle():
                    self.lockstep.throttle(command.step, command.limit)
                    self._throttles[host] = command.step
                    return None
        finally:
            self._slots.acquire()
        assert_never(command)

    def _gate(self, host: str, gate: Gate) -> str | Cancel | Fatal | None:
        if gate.name == "step" and gate.place is None:
            return self.coordinator.step(host)
        # A host that waits for the others must not hold a slot that they need.
        self._slots.release()
        try:
            if gate.place is not None:
                fatal = self.lockstep.arrive(host, gate.place)
                return self.coordinator.step(host) or fatal
            if gate.name == "preconditions":
                return self.coordinator.preconditions_done(host, gate.fit)
            return self.coordinator.turn(host)
        finally:
            self._slots.acquire()

    def _approve(self, host: str, command: Approve) -> Decision:
        """Waits for people, and holds no slot meanwhile."""
        if self.approval is None:
            return Decision(reason="nobody can be asked here")
        self._slots.release()
        try:
            decision = self.approval.ask(command.wanted)
        finally:
            self._slots.acquire()
        self.coordinator.interrupt(host)
        return decision

    def _pause(self, host: str, command: Pause) -> Paused:
        """Waits, and holds no slot meanwhile. Raises Interrupted."""
        start, began = self._clock.utc(), self._clock.monotonic()
        said: str | None = ""
        self._slots.release()
        try:
            if command.seconds is not None:
                self.coordinator.rest(host, command.seconds)
            else:
                with self._asking:  # one question at a time
                    said = None if self.operator is None else self.operator(command.text, command.hidden)
        finally:
            self._slots.acquire()
        self.coordinator.interrupt(host)
        return Paused(start=start, stop=self._clock.utc(), seconds=self._clock.monotonic() - began, said=said)

    def _connect(self, host: str, command: Connect) -> Hello:
        """The greeting of a session, after as many tries as fit into the patience that is asked for."""
        line = self._line(command.on or host)
        until = self._clock.monotonic() + command.patience
        while True:
            with line.lock:
                try:
                    return self._session(command.on or host, command.become, line).hello
                except (Unreachable, LinkLost) as error:
                    line.drop()
                    if isinstance(error, LinkLost) and line.turn == 1:
                        continue  # it may have been opened a while ago, before the run began
                    if self._clock.monotonic() >= until:
                        raise
            self.coordinator.sleep(host, 1.0)

    def _ask(self, host: str, command: Ask) -> list[Reply]:
        line = self._line(command.on)
        with line.lock:
            line.user = host  # before the look at whether we are cancelled: whoever cancels looks the other way round
            try:
                self.coordinator.interrupt(host)
                replies = self._answers(self._session(command.on, command.become, line), command.calls)
            except LinkLost:
                line.drop()
                raise
            finally:
                line.user = ""
            line.heard = self._clock.monotonic()
        asked = replies[: len(replies) - command.riding]
        if not all(reply.ok for reply in asked) and self.coordinator.heard(host):
            # Its process was killed, whatever it says of that itself.
            replies = [r if r.ok else dataclasses.replace(r, kind="interrupted", untouched=False) for r in replies]
        return replies

    def _answers(self, session: Session, calls: Sequence[Call]) -> list[Reply]:
        """What the host says. What it says that is no answer has hidden one: the link is of no use any more."""
        try:
            return session.ask(calls)
        except ProtocolError as error:
            raise LinkLost(error.message, advice=error.advice) from error

    def _session(self, name: str, become: Become | None, line: Line) -> Session:
        """With the line's lock held: the session, opened and holding the host if it was not."""
        if line.connection is None:
            host = self._plan.host(name) or _localhost(name, self._plan)
            transport = self._transports.get(host.connection.connection)
            if transport is None:
                raise Unreachable(
                    f"{name}: there is no transport {host.connection.connection!r}",
                    advice=f"ansible_connection is one of {', '.join(sorted(self._transports))}",
                )
            line.connection = transport.connect(host)
            line.turn += 1
        session = line.connection.session(None)
        self._lock(name, "", session, line)
        if become is None or (session.hello.uid == 0 and become.user == "root"):
            return session
        session = line.connection.session(become)
        self._lock(name, become.user, session, line)
        return session

    def _lock(self, name: str, user: str, session: Session, line: Line) -> None:
        """Takes the host for this run, waiting as long as the operator wants. Raises Locked."""
        if self._claim is None or user in line.claimed:
            return
        until = self._clock.monotonic() + self._claim.wait
        while True:
            (reply,) = session.ask([self._claim.call(name, line.turn)])
            if reply.ok:
                line.claimed.add(user)
                line.heard = self._clock.monotonic()
                return
            if self._clock.monotonic() >= until or self.coordinator.stopped:
                raise Locked(f"{name}: {reply.msg}", advice=_advice(reply))
            self._clock.sleep(RIVAL)

    def _line(self, name: str) -> Line:
        with self._lines_lock:
            return self._lines.setdefault(name, Line())


def _advice(reply: Reply) -> str:
    """What to do about a host that is held."""
    if reply.kind == "fenced":
        return "this run was resumed elsewhere: what is to be done is done there"
    run = reply.result.get("run")
    over = f"; `--take-over {run}` takes the host away from it, and nothing more of it is done there" if run else ""
    return f"wait for it with `--wait 5m`, or ask whoever runs it{over}"


def _localhost(name: str, plan: Plan) -> Host:
    if name not in LOCALHOST:
        raise Unreachable(f"{name} is not in the inventory")
    folder = next((h.connection.folder for h in plan.hosts), "")
    return Host(name=name, connection=ConnectionSpec(connection="local", folder=folder))
