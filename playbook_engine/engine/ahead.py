"""The look at the next step rides with the request of this one: half the round trips of steps that change something.

Nothing is done ahead, only looked at, and in the same frame *behind* what this step does. What was seen counts only if
the next step, when its turn comes, asks for exactly the same; otherwise it looks again.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from playbook_engine.engine.commands import Program, ask
from playbook_engine.model.frozen import frozen
from playbook_engine.transport.base import Become, Call, Reply

PATIENCE = 0.5  # seconds that the answer to this step may be late for the look at the next one


@frozen
class Request:
    """A call, and where and as whom it is to be made."""

    on: str
    become: Become | None
    call: Call


class Ahead:
    """Makes one host's requests, and keeps what was seen ahead."""

    def __init__(self) -> None:
        self.following: Callable[[], Request | None] = lambda: None
        """What the step after the one under way will look at, as far as that is known before it is done."""
        self._seen: tuple[Request, Reply] | None = None

    def ask(self, wanted: Request) -> Program[Reply]:
        """The answer to a request, with a look ahead if there is one; or what a look ahead has seen of it. Raises
        HostError."""
        seen, self._seen = self._seen, None
        if seen is not None and seen[0] == wanted:
            return seen[1]
        then = self.following()
        if then is None or (then.on, then.become) != (wanted.on, wanted.become):
            (reply,) = yield from ask(wanted.on, wanted.become, wanted.call)
            return reply
        look = dataclasses.replace(then.call, timeout=min(then.call.timeout, PATIENCE))
        reply, more = yield from ask(wanted.on, wanted.become, wanted.call, look, riding=1)
        if reply.ok and more.ok:
            self._seen = then, more
        return reply
