"""A session with a live agent, over anything that carries bytes: an ssh channel, a local process's pipes."""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Sequence
from typing import Protocol

from playbook_engine.agent import process, wire
from playbook_engine.model.errors import LinkLost, NoPython, ProtocolError
from playbook_engine.transport import payload
from playbook_engine.transport.base import Call, Hello, Reply

LARGEST = (1 << 30) + (64 << 20)  # bytes of a frame: what a run may carry for its undo, and some
GRACE = 15.0  # seconds past a call's own deadline before its host is said to have gone


class Pipe(Protocol):
    """Bytes to and from one far process. `errors` takes in its standard error; put another there to begin anew."""

    errors: process.Stream

    def send(self, data: bytes) -> None:
        """Raises LinkLost."""
        ...

    def receive(self, timeout: float) -> bytes:
        """Some bytes, or b"" at the end. Raises TimeoutError, LinkLost."""
        ...

    def complaints(self) -> str:
        """The text of `errors`, with what has arrived since."""
        ...

    def close(self) -> None:
        """Ends the far process, which has been told."""
        ...

    def abandon(self) -> None:
        """Lets go of it: what it is doing, it does to its end."""
        ...


def open_agent(pipe: Pipe, timeout: float) -> AgentSession | None:
    """Sends the payload and greets the agent. None when the far side is a plain sh, which then waits on the pipe.

    Raises LinkLost, ProtocolError.
    """
    pipe.send(payload.first())
    reader = Reader(pipe)
    began = time.time()
    mark = reader.mark(timeout)
    if mark == payload.SHELL_MARK:
        return None
    compiled = mark == payload.AGENT_MARK
    if not compiled:  # another version of Python than ours
        pipe.send(payload.sources())
    message = reader.frame(timeout)
    if not isinstance(message, dict) or message.get("hello") != 1:
        raise ProtocolError(f"the agent did not greet: {message!r:.200}")
    hello = Hello(
        python=str(message["python"]),
        uid=message["uid"],
        pid=message["pid"],
        boot_id=str(message["boot_id"]),
        time=message["time"],
        skew=_skew(message["time"], began),
    )
    return AgentSession(pipe, reader, hello, compiled=compiled)


def _skew(there: float, began: float) -> float:
    """Seconds by which a host's clock is ahead. It was read between `began` and now: within that it is right."""
    now = time.time()
    return 0.0 if began <= there <= now else round(there - (began if there < began else now), 1)


class Reader:
    """Frames out of a pipe."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self._held = bytearray()

    def mark(self, timeout: float) -> bytes:
        """Skips what login scripts print, up to 64 KiB, to the line that says what the far side became."""
        end = time.monotonic() + timeout
        while True:
            for mark in (payload.AGENT_MARK, payload.SOURCE_MARK, payload.SHELL_MARK):
                at = self._held.find(mark)
                if at >= 0:
                    del self._held[: at + len(mark)]
                    return mark
            if len(self._held) > 65536:
                raise ProtocolError(f"the host's login scripts print without end: {bytes(self._held[:200])!r}")
            self._more(end - time.monotonic(), "starting the agent")

    def frame(self, timeout: float) -> object:
        """The next message. Raises LinkLost, ProtocolError."""
        end = time.monotonic() + timeout
        try:
            self._fill(wire.HEADER, end)
            text, raw = wire.lengths(bytes(self._held[: wire.HEADER]))
            total = wire.HEADER + text + raw
            if total > LARGEST:
                raise ProtocolError(f"the host announces an answer of {total} bytes, which is more than is ever asked")
            self._fill(total, end)
            message = wire.unpack(
                bytes(self._held[wire.HEADER : wire.HEADER + text]), bytes(self._held[wire.HEADER + text : total])
            )
        except wire.Garbage as error:
            raise ProtocolError(
                f"the host said something that is no frame: {error.head!r:.200}", advice=self._pipe.complaints() or None
            ) from error
        del self._held[:total]
        return message

    def _fill(self, size: int, end: float) -> None:
        while len(self._held) < size:
            self._more(end - time.monotonic(), "waiting for an answer")

    def _more(self, timeout: float, doing: str) -> None:
        try:
            data = self._pipe.receive(max(timeout, 0.001))
        except TimeoutError:
            raise LinkLost(f"no answer from the host while {doing}", advice=self._pipe.complaints() or None) from None
        if not data:
            said = self._pipe.complaints().strip()
            raise LinkLost(
                f"the connection ended while {doing}{': ' + said if said else ''}",
                advice="what was running on the host is in doubt: `runbook show` says which step"
                if said == ""
                else None,
            )
        self._held += data


class AgentSession:
    """Calls to one agent. Not for several threads at once."""

    def __init__(self, pipe: Pipe, reader: Reader, hello: Hello, *, compiled: bool) -> None:
        """`compiled`: its Python runs code that ours has compiled."""
        self.compiled = compiled
        self._pipe = pipe
        self._reader = reader
        self._hello = hello
        self._sent: set[str] = set(payload.needs(payload.CORE))
        self._ids = itertools.count(1)

    @property
    def hello(self) -> Hello:
        return self._hello

    def ask(self, calls: Sequence[Call]) -> list[Reply]:
        modules: list[tuple[str, str | bytes]] = []
        for call in calls:
            new = payload.modules(call.op, call.action, self._sent, compiled=self.compiled)
            self._sent.update(name for name, _ in new)
            modules += new
        number = next(self._ids)
        self._pipe.send(wire.pack({"id": number, "modules": modules, "calls": [c.message() for c in calls]}))
        message = self._reader.frame(sum(c.timeout for c in calls) + GRACE)
        if not isinstance(message, dict) or message.get("id") != number:
            raise ProtocolError(f"an answer to another question: {message!r:.200}")
        replies = message.get("replies")
        if not isinstance(replies, list) or [type(said) for said in replies] != [dict] * len(calls):
            raise ProtocolError(f"no answer to every call: {replies!r:.200}")
        return [Reply.of(said) for said in replies]

    def ping(self) -> None:
        self._tell({"ping": 1})

    def close(self) -> None:
        self._tell({"bye": 1})
        self._pipe.close()

    def abandon(self) -> None:
        """Without goodbye: the agent keeps what it remembers for the next connection."""
        self._pipe.abandon()

    def _tell(self, message: dict[str, object]) -> None:
        with contextlib.suppress(LinkLost):
            self._pipe.send(wire.pack(message))


def no_python(action: str, interpreter: str | None) -> NoPython:
    """What a host without Python answers to an action that needs it; `interpreter` is the one that was named."""
    without = "raw, command, shell, facts, stat, disk_usage and reclaim work without"
    if interpreter:
        return NoPython(
            f"{action} needs Python 3.6 or newer on the host, and {interpreter} is not there or is older",
            advice=f"check ansible_python_interpreter, or leave it out to have one looked for; {without}",
        )
    return NoPython(
        f"{action} needs Python 3.6 or newer on the host, and there is none",
        advice="install python3 there (raw: apt-get install -y python3-minimal), or name one with "
        f"ansible_python_interpreter; {without}",
    )
