"""What the machine asks of the driver. The machine itself does no I/O: it yields these and is sent the answers."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, TypeVar

from playbook_engine.engine.approval import Wanted
from playbook_engine.model.errors import LinkLost
from playbook_engine.model.events import Event
from playbook_engine.model.frozen import frozen
from playbook_engine.transport.base import Become, Call, Reply


@frozen
class Connect:
    """Open a host's connection (the run's own host where `on` is empty); answered with a Hello, or a HostError is
    raised in the machine. `patience`: seconds in which it is tried again and again."""

    on: str = ""
    become: Become | None = None
    patience: float = 0.0


@frozen
class Ask:
    """Send calls to a host, in one frame; answered with their replies, or a HostError is raised in the machine.

    `riding`: how many of the last ones only look ahead; how they end is no matter.
    """

    calls: tuple[Call, ...]
    on: str
    become: Become | None = None
    riding: int = 0


@frozen(kw_only=False)
class Emit:
    """Append an event; durable ones are on the disk when this is answered."""

    event: Event


@frozen(kw_only=False)
class Sleep:
    seconds: float


@frozen(kw_only=False)
class Now:
    """Answered with the monotonic time in seconds."""


@frozen(kw_only=False)
class Gate:
    """Wait until the run lets this host go on: `turn` (its batch begins), `step` (nobody stopped the run).

    Answered with None to go on, or with the reason to stop; with a Cancel when what was done is to be taken back.
    """

    name: str
    fit: bool = True


@frozen(kw_only=False)
class Cancel:
    """The operator insists: stop now, and do as the runbook says when something fails."""

    reason: str

    def __str__(self) -> str:
        return self.reason


@frozen(kw_only=False)
class Approve:
    """Ask people; answered with their Decision."""

    wanted: Wanted


Command = Connect | Ask | Emit | Sleep | Now | Gate | Approve
T = TypeVar("T")
Program = Generator[Command, Any, T]


PATIENCE = 30.0  # seconds after a lost link in which the host is tried again
REPEATABLE = frozenset({"probe", "look", "peek", "recall", "undo"})
"""Operations that can be asked for again, whether they were done or not: they only look, or are harmless where there is
nothing to put back."""


def ask(on: str, become: Become | None, *calls: Call, riding: int = 0) -> Program[list[Reply]]:
    """Raises HostError. Calls that can be repeated are made again when the link was lost and came back."""
    try:
        replies = yield Ask(calls=calls, on=on, become=become, riding=riding)
    except LinkLost:
        if not all(call.op in REPEATABLE for call in calls):
            raise
        yield Connect(on=on, become=become, patience=PATIENCE)
        replies = yield Ask(calls=calls, on=on, become=become, riding=riding)
    return list(replies)


def emit(event: Event) -> Program[None]:
    yield Emit(event)


def now() -> Program[float]:
    return float((yield Now()))
