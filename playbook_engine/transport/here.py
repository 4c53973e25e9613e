"""Probes of the controller's own machine, in its own process, with libraries that a far host cannot be asked to have.

psutil, requests and redis-py do there what the agent does by hand on a host; one contract suite holds both to the same
answers. Everything else goes to the agent.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Sequence

from playbook_engine.agent.failure import Failed
from playbook_engine.catalog import catalog
from playbook_engine.catalog.spec import Kind
from playbook_engine.transport.base import Call, Hello, Reply, Session


class Here:
    """A session with this machine. Calls keep their order."""

    def __init__(self, agent: Session) -> None:
        self._agent = agent

    @property
    def hello(self) -> Hello:
        return self._agent.hello

    def ask(self, calls: Sequence[Call]) -> list[Reply]:
        if len(calls) == 1 and calls[0].op == "probe" and (library := library_of(calls[0].action)):
            return [_probe(calls[0], library)]
        return self._agent.ask(calls)

    def ping(self) -> None:
        self._agent.ping()

    def close(self) -> None:
        self._agent.close()

    def abandon(self) -> None:
        self._agent.abandon()


def library_of(action: str) -> str | None:
    """The library that a probe would use here, or None."""
    if catalog.get(action).kind is not Kind.PROBE:
        return None
    name = getattr(catalog.module(action), "HERE", None)
    return str(name) if name else None


def _probe(call: Call, library: str) -> Reply:
    began = time.monotonic()
    # The agent sees every argument, None where one was not given (serve.here); so do these.
    args = {**dict.fromkeys(catalog.get(call.action).params), **call.args}
    try:
        result = catalog.module(call.action).observe_here(args, importlib.import_module(library))
    except Failed as error:
        told = error.result if isinstance(error.result, dict) else {}
        return Reply(ok=False, kind=error.kind, msg=error.msg, result=told, elapsed=time.monotonic() - began)
    except OSError as error:
        return Reply(ok=False, kind="unmeasured", msg=str(error), elapsed=time.monotonic() - began)
    return Reply(ok=True, result=result, elapsed=time.monotonic() - began)
