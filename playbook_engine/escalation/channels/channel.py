"""What a channel is: it sends one letter to one address, and says whether it may be tried again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Protocol

from playbook_engine.escalation.policy import Address, Sender
from playbook_engine.model.frozen import frozen

TIMEOUT = 10.0  # seconds until a server that does not answer is given up for this attempt

Environ = Mapping[str, str]


@frozen
class Letter:
    """What is sent. `key` is the same at every attempt, `thread` for all messages of one escalation.

    `data` is the same as text, for programs.
    """

    key: str
    thread: str
    purpose: str
    severity: str
    subject: str
    text: str
    html: str = ""
    at: str = ""
    link: str = ""
    drill: str = ""
    data: Mapping[str, object] = field(default_factory=dict)


class NotSent(Exception):
    """It did not arrive. `again`: whether another attempt may help; `after`: seconds that the server asks for; `waits`:
    nothing was tried, so that it uses up no attempt."""

    def __init__(self, why: str, *, again: bool = True, after: float = 0.0, waits: bool = False) -> None:
        super().__init__(why)
        self.why = why
        self.again = again
        self.after = after
        self.waits = waits


class Channel(Protocol):
    """Sends. What it is told of the environment is where secrets are."""

    def send(self, letter: Letter, address: Address, sender: Sender, environ: Environ) -> str:
        """What the other side answered. Raises NotSent."""
        ...


def secret(environ: Environ, name: str) -> str:
    """The value of an environment variable. Raises NotSent: it is waited for, as the next dispatcher may have it."""
    value = environ.get(name, "")
    if not value:
        raise NotSent(f"the environment variable {name} is not set", after=60.0, waits=True)
    return value


def resolved(address: str, environ: Environ) -> str:
    """An address, or the environment variable that holds it. Raises NotSent."""
    return secret(environ, address.removeprefix("env:")) if address.startswith("env:") else address
