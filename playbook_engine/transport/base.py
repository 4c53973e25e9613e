"""How the engine talks to a host: a Transport connects, a Connection gives Sessions, a Session answers calls.

One connection a host, one session for each user on it (the login user, and whom `become` names), one frame a request.
A failing action is a Reply; a host that cannot be talked to is a HostError.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Protocol

from playbook_engine.model.frozen import frozen
from playbook_engine.model.host import Host
from playbook_engine.model.secret import Secret

TURNS = 10_000  # connections to one host that a controller may make


@frozen
class Call:
    """One operation of one action (agent/serve.py lists the operations). `timeout` in seconds, enforced on the host.

    `change` names a change: the host remembers how it ended, for whoever asks with `recall`. `background` lets it run
    on its own, `leash` has it killed when the link is lost.
    """

    op: str
    action: str
    args: Mapping[str, object]
    key: str = ""
    before: object = None
    timeout: float = 300.0
    diff: bool = False
    undo_limit: int | None = None
    change: str = ""
    background: bool = False
    leash: bool = False

    def message(self) -> dict[str, object]:
        """The call as it travels."""
        said: dict[str, object] = {"op": self.op, "action": self.action, "args": self.args, "timeout": self.timeout}
        if self.key:
            said["key"] = self.key
        if self.before is not None:
            said["before"] = self.before
        if self.diff:
            said["diff"] = True
        if self.undo_limit is not None:
            said["undo_limit"] = self.undo_limit
        for name in ("change", "background", "leash"):
            if value := getattr(self, name):
                said[name] = value
        return said


@frozen
class Reply:
    """What the host said to one call. `kind` is a failure kind of agent/failure.py when not `ok`."""

    ok: bool
    kind: str = ""
    msg: str = ""
    result: Mapping[str, object] = field(default_factory=dict)
    state: Mapping[str, object] | None = None
    plan: Sequence[Mapping[str, object]] = ()
    before: Mapping[str, object] | None = None
    elapsed: float = 0.0
    untouched: bool = False  # it failed before anything was done

    @classmethod
    def of(cls, said: Mapping[str, object]) -> Reply:
        result = said.get("result")
        return cls(
            ok=bool(said.get("ok")),
            kind=str(said.get("kind") or ""),
            msg=str(said.get("msg") or ""),
            result=result if isinstance(result, Mapping) else {} if result is None else {"value": result},
            state=said.get("state"),  # type: ignore[arg-type]
            plan=said.get("plan") or (),  # type: ignore[arg-type]
            before=said.get("before"),  # type: ignore[arg-type]
            untouched=bool(said.get("untouched")),
            elapsed=float(said.get("elapsed") or 0.0),  # type: ignore[arg-type]
        )


@frozen
class Hello:
    """What a host says of itself when a session opens. `python` is None for a session that is a plain sh."""

    python: str | None
    uid: int | None = None
    pid: int | None = None
    boot_id: str = ""
    time: float | None = None
    skew: float | None = None  # seconds by which its clock is ahead of ours, as far as can be told


@frozen
class Become:
    """Whom to be on the host, and how."""

    user: str = "root"
    method: str = "sudo"
    password: Secret | None = None


@frozen
class Claim:
    """What a run asks for on each of its hosts: to be the only one that changes anything there.

    `leg` fences: a controller that resumed the run has a higher one, and whoever has a lower one is refused from then
    on; so is an earlier connection of the same controller. `lease`: seconds after which a host that hears nothing
    frees itself. `wait`: seconds to wait for another run. `over`: a run whose lock is taken away.
    """

    run: str
    leg: int = 1
    actor: str = ""
    reason: str = ""
    lease: float = 60.0
    wait: float = 0.0
    over: str = ""

    def call(self, line: str, turn: int) -> Call:
        """`line` is the host's name in the inventory: two names of one host are two. `turn` counts its connections."""
        args = {
            "run": self.run, "token": self.leg * TURNS + turn, "actor": self.actor, "reason": self.reason,
            "lease": self.lease, "over": self.over, "line": hashlib.blake2b(line.encode(), digest_size=4).hexdigest(),
        }  # fmt: skip
        return Call(op="lock", action="", args=args, timeout=20.0)


class Session(Protocol):
    """A live far end. Calls of one `ask` run in order; after a failed one the rest are answered `not-run`."""

    @property
    def hello(self) -> Hello: ...

    def ask(self, calls: Sequence[Call]) -> list[Reply]:
        """Raises LinkLost, ProtocolError, NoPython."""
        ...

    def ping(self) -> None:
        """Says that the controller is alive; no answer comes. Never raises: a dead link shows at the next call."""
        ...

    def close(self) -> None:
        """Says goodbye: the host forgets what it remembers of changes."""
        ...

    def abandon(self) -> None:
        """Lets go without a word."""
        ...


class Connection(Protocol):
    """One host's connection."""

    def session(self, become: Become | None = None) -> Session:
        """The session of the login user, or of whom to become; opened on first use. Raises HostError."""
        ...

    def sessions(self) -> Sequence[Session]:
        """Those that are open."""
        ...

    def cancel(self) -> None:
        """From another thread: ends what a session is doing on the host; it answers `interrupted`. Never raises."""
        ...

    def close(self) -> None: ...

    def abandon(self) -> None:
        """Lets go without a word: what the host remembers, it keeps for the next connection."""
        ...


class Transport(Protocol):
    """A way to reach hosts. Safe to use from many threads."""

    def connect(self, host: Host) -> Connection:
        """Raises Unreachable, AuthFailed, HostKeyError."""
        ...
