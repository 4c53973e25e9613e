"""Connections that begin before everything else: a host takes a tenth of a second to answer, in which the runbook is
read and judged. A session is opened, and nothing is done in it; whoever turns out not to need it hangs up."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from playbook_engine.model.errors import EngineError, HostKeyError
from playbook_engine.model.frozen import frozen
from playbook_engine.model.host import Host
from playbook_engine.transport.base import Connection, Transport
from playbook_engine.transport.late import LateTransport


@dataclass(slots=True, kw_only=True)
class _Call:
    """One host that is being reached."""

    host: Host
    over: threading.Event = field(default_factory=threading.Event)
    connection: Connection | None = None
    error: EngineError | None = None
    unwanted: bool = False


class Dialling:
    """Hosts that are being reached, each by a thread of its own."""

    def __init__(self, transports: Mapping[str, Transport], hosts: Sequence[Host]) -> None:
        self._calls = {host.name: _Call(host=host) for host in hosts}
        self._lock = threading.Lock()
        for kind in {host.connection.connection for host in hosts}:
            # Imported here and not by whoever dials: two imports at once take turns at the interpreter, and nobody's
            # packets would leave before the later of them has ended.
            if isinstance(transport := transports.get(kind), LateTransport):
                with contextlib.suppress(EngineError):  # whoever dials hears of it
                    transport.made()
        for call in list(self._calls.values()):
            name = f"dial {call.host.name}"
            threading.Thread(target=self._dial, args=(transports, call), name=name, daemon=True).start()

    def _dial(self, transports: Mapping[str, Transport], call: _Call) -> None:
        transport = transports.get(call.host.connection.connection)
        try:
            if transport is not None:
                call.connection = transport.connect(call.host)
                call.connection.session(None)
        except EngineError as error:
            call.error = error
        except Exception:  # a fault of ours: whoever connects in the ordinary way meets it there, and says it
            _end(call)
        finally:
            call.over.set()
            if call.unwanted:
                _end(call)

    def take(self, host: Host) -> Connection | None:
        """The connection to a host, once it is there; None where none was begun, or it was not good.

        Raises HostError: what came of it. It is not tried a second time, but for a key that a person may accept.
        """
        with self._lock:
            call = self._calls.pop(host.name, None)
        if call is None:
            return None
        call.over.wait()
        if call.error is None and call.host == host:
            return call.connection
        _end(call)
        if call.error is None or call.host != host or isinstance(call.error, HostKeyError):
            return None
        raise call.error

    def hang_up(self) -> None:
        """Ends what nobody took."""
        with self._lock:
            calls, self._calls = list(self._calls.values()), {}
        for call in calls:
            call.unwanted = True
            if call.over.is_set():
                _end(call)


def _end(call: _Call) -> None:
    connection, call.connection = call.connection, None
    if connection is not None:
        connection.close()


@frozen
class Dialled:
    """A transport some of whose connections have been begun already."""

    transport: Transport
    dialling: Dialling

    def connect(self, host: Host) -> Connection:
        return self.dialling.take(host) or self.transport.connect(host)
