"""`wait_for_connection`: the host is tried again and again until it can be worked with."""

from __future__ import annotations

from collections.abc import Mapping

from playbook_engine.agent.actions import wait_for_connection
from playbook_engine.engine.commands import Program, Sleep, ask, now
from playbook_engine.engine.context import HostContext
from playbook_engine.model.errors import HostError, LinkLost
from playbook_engine.transport.base import Call, Reply


def wait(context: HostContext, args: Mapping[str, object]) -> Program[Reply]:
    """What the action says when the host is there, or when the time is up."""
    began = yield from now()
    timeout, delay = args["timeout"], args["delay"]
    assert isinstance(timeout, (int, float)) and isinstance(delay, (int, float))
    if delay:
        yield Sleep(float(delay))
    try:
        yield from _answered(context, max(float(timeout) - float(delay), 0.1))
    except HostError as error:
        ended = yield from now()
        said = f"timed out waiting for the host: {error.message}"
        return Reply(ok=False, kind="timeout", msg=said, result={"elapsed": int(ended - began)})
    ended = yield from now()
    return Reply(ok=True, result=wait_for_connection.observe({"elapsed": int(ended - began)}))


def _answered(context: HostContext, patience: float) -> Program[None]:
    """A connection that is there may have died without a word: it is asked, too. Raises HostError."""
    ping = Call(op="probe", action="ping", args={"data": "pong"}, timeout=patience)
    if context.connected:
        try:
            yield from ask(context.host.name, None, ping)
        except LinkLost:
            pass
        else:
            return
    yield from context.connect(patience)
