"""The controller's own machine: the same agent, under a local interpreter, over pipes."""

from __future__ import annotations

import os
import selectors
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence

from playbook_engine.agent import process
from playbook_engine.model.errors import BecomeFailed, LinkLost, Unreachable
from playbook_engine.model.host import Host
from playbook_engine.transport import payload
from playbook_engine.transport.agent_session import open_agent
from playbook_engine.transport.base import Become, Session
from playbook_engine.transport.become import become_command, become_failure, unlock, without_password
from playbook_engine.transport.cancel import cancelling
from playbook_engine.transport.here import Here
from playbook_engine.transport.posix import ShellSession

START = 30.0  # seconds for an interpreter to start


class ProcessPipe:
    """The pipes of a child process: of a command line for sh(1), or of a program with its arguments. `name` is what it
    is called when it has gone."""

    def __init__(
        self, command: str | Sequence[str], name: str = "the local agent", environment: Mapping[str, str] | None = None,
        folder: str | None = None,
    ) -> None:  # fmt: skip
        """Raises OSError."""
        self._name = name
        self._child = subprocess.Popen(
            ["/bin/sh", "-c", command] if isinstance(command, str) else command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
            env=environment,
            cwd=folder,
        )
        assert self._child.stdin and self._child.stdout and self._child.stderr
        self._in, self._out, self._err = self._child.stdin, self._child.stdout, self._child.stderr
        os.set_blocking(self._err.fileno(), False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._out, selectors.EVENT_READ)
        self._selector.register(self._err, selectors.EVENT_READ)
        self.errors = process.Stream(process.CAP)
        self._closed = False

    def send(self, data: bytes) -> None:
        if self._closed:
            raise LinkLost("the session was closed")
        left = memoryview(data)
        try:
            while left:
                left = left[self._in.write(left) or 0 :]
        except OSError as error:
            raise LinkLost(f"{self._name} has gone: {error}", advice=self.complaints() or None) from error

    def receive(self, timeout: float) -> bytes:
        if self._closed:
            raise LinkLost("the session was closed")
        end = time.monotonic() + timeout
        while True:
            ready = [key.fileobj for key, _ in self._selector.select(max(end - time.monotonic(), 0))]
            if self._out in ready:
                return os.read(self._out.fileno(), 1 << 20)
            if not ready:
                raise TimeoutError
            self._drain()

    def complaints(self) -> str:
        if not self._closed:
            self._drain()
        return self.errors.text()

    def _drain(self) -> None:
        try:
            while part := os.read(self._err.fileno(), 1 << 16):
                self.errors.feed(part)
        except BlockingIOError:
            return
        if self._err in self._selector.get_map():
            self._selector.unregister(self._err)  # at its end it would be ready for ever

    def close(self) -> None:
        if self._closed:
            return
        self._let_go()
        try:
            self._child.wait(5)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()

    def abandon(self) -> None:
        if not self._closed:
            self._let_go()
            threading.Thread(target=self._child.wait, name="reaper", daemon=True).start()

    def kill(self) -> None:
        """Ends the process at once."""
        self._child.kill()
        self.abandon()

    def _let_go(self) -> None:
        self._closed = True
        self._selector.close()
        for stream in (self._in, self._out, self._err):
            stream.close()


class LocalConnection:
    """This machine. Sessions differ by the user they run as."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._sessions: dict[Become | None, Session] = {}

    def session(self, become: Become | None = None) -> Session:
        who = without_password(become)
        if who not in self._sessions:
            session = self._open(become)
            self._sessions[who] = session if become else Here(session)
        return self._sessions[who]

    def _open(self, become: Become | None) -> Session:
        python = self._host.connection.python_interpreter or sys.executable
        command = payload.stage0(python)
        folder = self._host.connection.folder or None
        try:
            pipe = ProcessPipe(become_command(become, command) if become else command, folder=folder)
        except OSError as error:
            raise Unreachable(f"cannot start {python} in {folder}: {error}") from error
        try:
            if become:
                unlock(pipe, become, START)
            return open_agent(pipe, START) or ShellSession(pipe, python)
        except LinkLost as error:
            said = pipe.complaints()
            pipe.close()
            if become and said:
                raise become_failure(become, said) from error
            raise Unreachable(f"cannot start {python}: {said.strip() or error}") from error
        except BecomeFailed:
            pipe.close()
            raise

    def sessions(self) -> list[Session]:
        return list(self._sessions.values())

    def cancel(self) -> None:
        for who, session in list(self._sessions.items()):
            command = cancelling(session.hello)
            if command:
                subprocess.run(
                    ["/bin/sh", "-c", become_command(who, command) if who else command], check=False, timeout=START,
                    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                )  # fmt: skip

    def close(self) -> None:
        for session in self._sessions.values():
            session.close()
        self._sessions.clear()

    def abandon(self) -> None:
        for session in self._sessions.values():
            session.abandon()
        self._sessions.clear()


class LocalTransport:
    """Reaches no further than this machine."""

    def connect(self, host: Host) -> LocalConnection:
        return LocalConnection(host)
