"""What the machine asks of the driver. The machine itself does no I/O: it yields these and is sent the answers."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, TypeVar

from playbook_engine.engine.approval import Wanted
from playbook_engine.engine.result import StepResult
from playbook_engine.model.errors import LinkLost
from playbook_engine.model.events import Event
from playbook_engine.model.frozen import frozen
from playbook_engine.model.runbook import Import
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

    Answered with None to go on, or with the reason to stop; with a Cancel when what was done is to be taken back, with
    a Fatal when the step that the host has done counts as failed.
    `place`: where in the plan the host is, when it is to wait there until every other host has come as far.
    """

    name: str
    fit: bool = True
    place: Place | None = None


Place = tuple[int, ...]
"""Where in the plan: the number of the entry, of the entry within it, and so on. A negative number is a file that the
host has chosen: which of them goes first is decided where the hosts meet."""


@frozen
class Join:
    """The host begins a play: those of its batch count together when they fail."""

    play: Import
    batch: int


@frozen
class Once:
    """`run_once`: answered with None when this host is to do it, with the StepResult when another host has."""

    key: Key


@frozen
class Told:
    """What a step gave that is done once for all hosts."""

    key: Key
    result: StepResult


@frozen(kw_only=False)
class Fatal:
    """What has failed here counts as failed on every host of the batch (`any_errors_fatal`): a Gate tells them, with
    this as its answer, when they arrive there."""

    reason: str

    def __str__(self) -> str:
        return self.reason


@frozen
class Throttle:
    """Wait until fewer than `limit` hosts are at this step; 0 when this one has left it."""

    step: str
    limit: int = 0


@frozen
class Confirm:
    """`--step`: whether a person wants this step to be done; answered with a bool. Asked once for all hosts."""

    key: Key
    name: str


Key = tuple[str, str, int]
"""(scope, step, how many times the host has come to it before)."""


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


@frozen
class Pause:
    """Wait so many seconds, or, with None, until a person at the terminal has answered; answered with a Paused."""

    seconds: float | None
    text: str
    hidden: bool = False


@frozen
class Paused:
    """How a Pause went: from when to when, in UTC, for how many seconds. `said` is None where nobody could be asked."""

    start: str
    stop: str
    seconds: float
    said: str | None = ""


Command = Connect | Ask | Emit | Sleep | Now | Gate | Approve | Pause | Join | Once | Told | Throttle | Confirm
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
