"""What the machine asks of the driver. The machine itself does no I/O: it yields these and is sent the answers."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, TypeVar

from playbook_engine.model.events import Event
from playbook_engine.transport.base import Become, Call, Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Connect:
    """Open the host's connection; answered with a Hello, or a HostError is raised in the machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """Send calls to a host, in one frame; answered with their replies, or a HostError is raised in the machine."""

    calls: tuple[Call, ...]
    on: str
    become: Become | None = None


@dataclass(frozen=True, slots=True)
class Emit:
    """Append an event; durable ones are on the disk when this is answered."""

    event: Event


@dataclass(frozen=True, slots=True)
class Sleep:
    seconds: float


@dataclass(frozen=True, slots=True)
class Now:
    """Answered with the monotonic time in seconds."""


@dataclass(frozen=True, slots=True)
class Gate:
    """Wait until the run lets this host go on: `turn` (its batch begins), `step` (nobody stopped the run).

    Answered with None to go on, or with the reason to stop.
    """

    name: str
    fit: bool = True


Command = Connect | Ask | Emit | Sleep | Now | Gate
T = TypeVar("T")
Program = Generator[Command, Any, T]


def ask(on: str, become: Become | None, *calls: Call) -> Program[list[Reply]]:
    """Raises HostError."""
    replies = yield Ask(calls=calls, on=on, become=become)
    return list(replies)


def emit(event: Event) -> Program[None]:
    yield Emit(event)


def now() -> Program[float]:
    return float((yield Now()))
