"""Connections that begin before everything else: a host takes a tenth of a second to answer, in which the runbook is
read and judged. A session is opened, and nothing is done in it; whoever turns out not to need it hangs up."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from playbook_engine.model.errors import EngineError, HostKeyError
from playbook_engine.model.frozen import frozen
from playbook_engine.model.host import Host
from playbook_engine.transport.base import Connection, Transport


@dataclass(slots=True, kw_only=True)
class _Call:
    """One host that is being reached."""

    host: Host
    over: threading.Event = field(default_factory=threading.Event)
    connection: Connection | None = None
    error: EngineError | None = None


class Dialling:
    """Hosts that are being reached, each by a thread of its own."""

    def __init__(self, transports: Callable[[], Mapping[str, Transport]], hosts: Sequence[Host]) -> None:
        self._calls = {host.name: _Call(host=host) for host in hosts}
        self._lock = threading.Lock()
        threading.Thread(target=self._begin, args=(transports,), name="dialling", daemon=True).start()

    def _begin(self, transports: Callable[[], Mapping[str, Transport]]) -> None:
        known = transports()  # importing what speaks SSH is a good part of the time
        *others, last = list(self._calls.values())
        for call in others:
            threading.Thread(target=self._dial, args=(known, call), name=f"dial {call.host.name}", daemon=True).start()
        self._dial(known, last)

    def _dial(self, transports: Mapping[str, Transport], call: _Call) -> None:
        transport = transports.get(call.host.connection.connection)
        try:
            if transport is not None:
                call.connection = transport.connect(call.host)
                call.connection.session(None)
        except EngineError as error:
            call.error = error
        finally:
            call.over.set()

    def take(self, host: Host) -> Connection | None:
        """The connection to a host, once it is there; None where none was begun, or it was not good.

        Raises HostError: what came of it. It is not tried a second time, but for a key that a person may accept.
        """
        with self._lock:
            call = self._calls.pop(host.name, None)
        if call is None:
            return None
        call.over.wait()
        if call.error is not None:
            if call.connection is not None:
                call.connection.abandon()
            if isinstance(call.error, HostKeyError) or call.host != host:
                return None
            raise call.error
        if call.host != host and call.connection is not None:
            call.connection.close()
            return None
        return call.connection

    def hang_up(self) -> None:
        """Ends what nobody took."""
        with self._lock:
            calls, self._calls = list(self._calls.values()), {}
        for call in calls:
            if call.over.is_set() and call.connection is not None:
                call.connection.close()


@frozen
class Dialled:
    """A transport some of whose connections have been begun already."""

    transport: Transport
    dialling: Dialling

    def connect(self, host: Host) -> Connection:
        return self.dialling.take(host) or self.transport.connect(host)
