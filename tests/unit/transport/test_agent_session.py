"""A far side that does not keep to the protocol, or says things before it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from playbook_engine.agent import process, wire
from playbook_engine.model.errors import LinkLost, ProtocolError
from playbook_engine.transport import payload
from playbook_engine.transport.agent_session import AgentSession, open_agent
from playbook_engine.transport.base import Call

HELLO = {"hello": 1, "python": "3.11.2", "uid": 0, "pid": 7, "boot_id": "b", "time": 1.0}


class Recorded:
    """A far side that says what was prepared, in these pieces, and then closes or keeps silent."""

    def __init__(self, *parts: bytes, silent: bool = False, complaints: str = "") -> None:
        self.errors = process.Stream(process.CAP)
        self.errors.feed(complaints.encode())
        self.sent = b""
        self._parts = list(parts)
        self._silent = silent

    def send(self, data: bytes) -> None:
        self.sent += data

    def receive(self, timeout: float) -> bytes:
        if not self._parts and self._silent:
            raise TimeoutError
        return self._parts.pop(0) if self._parts else b""

    def complaints(self) -> str:
        return self.errors.text()

    def close(self) -> None:
        pass


def opened(*parts: bytes) -> tuple[AgentSession, Recorded]:
    pipe = Recorded(payload.AGENT_MARK + wire.pack(HELLO), *parts)
    session = open_agent(pipe, 1)
    assert session is not None
    return session, pipe


def ask(session: AgentSession, calls: int = 1) -> Sequence[object]:
    return session.ask([Call(op="probe", action="disk_usage", args={"path": "/"}, timeout=0.01)] * calls)


def test_login_scripts_may_talk() -> None:
    stream = b"Welcome!\nRUNBOOK-\n" + payload.AGENT_MARK + wire.pack(HELLO)
    session = open_agent(Recorded(*(stream[i : i + 3] for i in range(0, len(stream), 3))), 1)
    assert session is not None
    assert session.hello.python == "3.11.2"


def test_but_not_without_end() -> None:
    with pytest.raises(ProtocolError, match="print without end"):
        open_agent(Recorded(*[b"x" * 50000] * 3), 1)


def test_a_plain_sh_is_no_agent() -> None:
    assert open_agent(Recorded(b"motd\n" + payload.SHELL_MARK), 1) is None


@pytest.mark.parametrize(
    ("pipe", "error", "message"),
    [
        (Recorded(complaints="Permission denied\n"), LinkLost, "ended while starting the agent: Permission denied"),
        (Recorded(silent=True), LinkLost, "no answer from the host while starting the agent"),
        (Recorded(payload.AGENT_MARK, b"Traceback (most recent call last)"), ProtocolError, "no frame"),
        (Recorded(payload.AGENT_MARK + wire.pack({"hello": 2})), ProtocolError, "did not greet"),
    ],
)
def test_a_bad_start(pipe: Recorded, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        open_agent(pipe, 0.1)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (wire.pack({"id": 9, "replies": []}), "another question"),
        (wire.pack(["what"]), "another question"),
        (wire.pack({"id": 1, "replies": []}), "no answer to every call"),
        (wire.pack({"id": 1}), "no answer to every call"),
        (wire.pack({"id": 1, "replies": ["ok"]}), "no answer to every call"),
        (b"7fffffff7fffffff\n", "announces an answer of 4294967"),
        (b"00000004 0000000\n....", "no frame"),
        (b"0000000400000000\n{{{{", "no frame"),
    ],
)
def test_a_bad_answer(answer: bytes, message: str) -> None:
    session, _ = opened(answer)
    with pytest.raises(ProtocolError, match=message):
        ask(session)


def test_an_end_in_the_middle_is_a_lost_link() -> None:
    session, _ = opened(wire.pack({"id": 1, "replies": [{"ok": True}]})[:-3])
    with pytest.raises(LinkLost) as caught:
        ask(session)
    assert "in doubt" in str(caught.value.advice)


def test_modules_travel_once() -> None:
    session, pipe = opened(*(wire.pack({"id": n, "replies": [{"ok": True, "result": {}}]}) for n in (1, 2)))
    ask(session)
    first = len(pipe.sent)
    ask(session)
    assert len(pipe.sent) - first < 300, "the second frame carries no source"
