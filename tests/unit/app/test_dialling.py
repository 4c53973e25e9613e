"""Connections that begin before the run: taken once, tried once, and hung up when nobody wants them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from playbook_engine.app.consent import Consent, settled
from playbook_engine.app.dialling import Dialled, Dialling
from playbook_engine.app.settings import Settings
from playbook_engine.app.wiring import App
from playbook_engine.model.errors import HostKeyError, Unreachable, UsageError
from playbook_engine.model.host import ConnectionSpec, Host
from playbook_engine.transport.base import Connection, Transport
from playbook_engine.transport.scripted import MemoryHost, ScriptedConnection, ScriptedTransport

WEB = Host(name="web1", connection=ConnectionSpec(connection="memory"))


@dataclass
class Counting:
    """A transport that counts, may refuse, and may be slow."""

    inner: Transport
    refuse: Exception | None = None
    held: threading.Event | None = None
    tries: list[str] = field(default_factory=list)
    made: list[Connection] = field(default_factory=list)

    def connect(self, host: Host) -> Connection:
        self.tries.append(host.name)
        if self.held is not None:
            self.held.wait(5)
        if self.refuse is not None:
            raise self.refuse
        self.made.append(self.inner.connect(host))
        return self.made[-1]


def counting(**more: object) -> Counting:
    return Counting(ScriptedTransport([MemoryHost("web1"), MemoryHost("web2")]), **more)  # type: ignore[arg-type]


def dialled(transport: Counting, *hosts: Host) -> tuple[Dialling, Dialled]:
    dialling = Dialling({"memory": transport}, hosts or [WEB])
    return dialling, Dialled(transport=transport, dialling=dialling)


def until(condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + 5
    while not condition() and time.monotonic() < end:
        time.sleep(0.005)
    return condition()


def usable(connection: Connection) -> bool:
    assert isinstance(connection, ScriptedConnection)
    return connection.session()._open


def test_it_is_taken_once_with_its_session_open_and_then_made_anew() -> None:
    transport = counting()
    _, first = dialled(transport)
    one = first.connect(WEB)
    assert one is transport.made[0] and len(one.sessions()) == 1
    assert first.connect(WEB) is not one
    assert transport.tries == ["web1", "web1"]


def test_a_host_that_nobody_dialled_is_reached_in_the_ordinary_way() -> None:
    transport = counting()
    _, first = dialled(transport)
    other = Host(name="web2", connection=WEB.connection)
    assert first.connect(other) is transport.made[-1]


def test_who_comes_early_waits_for_it() -> None:
    transport = counting(held=threading.Event())
    _, first = dialled(transport)
    found: list[Connection] = []
    thread = threading.Thread(target=lambda: found.append(first.connect(WEB)))
    thread.start()
    thread.join(0.1)
    assert not found
    assert transport.held is not None
    transport.held.set()
    thread.join(5)
    assert found == transport.made and len(found) == 1


def test_what_came_of_it_is_said_and_not_tried_twice() -> None:
    transport = counting(refuse=Unreachable("no route"))
    _, first = dialled(transport)
    with pytest.raises(Unreachable, match="no route"):
        first.connect(WEB)
    assert transport.tries == ["web1"]


@pytest.mark.parametrize("error", [HostKeyError("unknown"), ZeroDivisionError("a fault of ours")])
def test_what_a_person_may_accept_and_what_must_not_happen_are_met_in_the_ordinary_way(error: Exception) -> None:
    transport = counting(refuse=error)
    _, first = dialled(transport)
    with pytest.raises(type(error)):
        first.connect(WEB)
    assert transport.tries == ["web1", "web1"]


def test_another_host_of_the_same_name_gets_a_connection_of_its_own() -> None:
    """The inventory may say otherwise when it is read with the runbook's variables."""
    transport = counting()
    _, first = dialled(transport)
    other = Host(name="web1", connection=ConnectionSpec(connection="memory", user="deploy"))
    assert first.connect(other) is transport.made[1]
    assert not usable(transport.made[0])


def test_what_nobody_took_is_hung_up_also_when_it_comes_late() -> None:
    transport = counting(held=threading.Event())
    dialling, _ = dialled(transport, WEB)
    dialling.hang_up()
    assert transport.held is not None
    transport.held.set()
    assert until(lambda: bool(transport.made) and not transport.made[0].sessions()) or until(
        lambda: not usable(transport.made[0])
    )
    ready = counting()
    dialling, _ = dialled(ready, WEB)
    assert until(lambda: bool(ready.made) and bool(ready.made[0].sessions()))
    time.sleep(0.05)
    dialling.hang_up()
    assert until(lambda: not usable(ready.made[0]))


@pytest.mark.parametrize(
    ("book", "hosts", "consent", "named", "free"),
    [
        ({}, 1, {}, False, True),
        ({}, 2, {}, False, False),
        ({}, 2, {}, True, True),
        ({}, 2, {"yes": True}, False, True),
        ({}, 2, {"mean": 2}, False, True),
        ({}, 2, {"mean": 3}, False, False),
        ({"protected": True}, 1, {"yes": True}, True, False),
        ([], 1, {}, False, False),
        ({}, 3, {"yes": True, "max_hosts": 2}, True, False),
    ],
)
def test_no_host_is_reached_while_somebody_has_to_agree(
    book: object, hosts: int, consent: dict[str, object], named: bool, free: bool
) -> None:
    app = App(Settings.of({"RUNBOOK_STATE": "/nonexistent", "RUNBOOK_ACTOR": "tester"}))
    all_of_them = [Host(name=f"web{n}") for n in range(hosts)]
    assert settled(app, book, all_of_them, Consent(**consent), named=named) is free  # type: ignore[arg-type]
    guarded = [*all_of_them[:-1], Host(name="db", variables={"runbook_protected": True})]
    assert not settled(app, book, guarded, Consent(**consent), named=named)  # type: ignore[arg-type]


def test_the_setting() -> None:
    assert Settings.of({"RUNBOOK_STATE": "/x", "RUNBOOK_CONNECT": "late"}).connect == "late"
    with pytest.raises(UsageError, match="early or late"):
        Settings.of({"RUNBOOK_STATE": "/x", "RUNBOOK_CONNECT": "never"})
