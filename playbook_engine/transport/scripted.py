"""A shipped fake: hosts in memory, for tests of runbooks and of the engine. It passes the transports' contract suite.

A `MemoryHost` keeps files and answers `copy`, `command`, `shell`, `raw`, `facts` and `disk_usage`; other actions, and
faults, are scripted: a rule sees each call first and may answer it, delay it, or lose the link.
"""

from __future__ import annotations

import hashlib
import shlex
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from playbook_engine.model.errors import HostError, LinkLost, Unreachable
from playbook_engine.model.host import Host
from playbook_engine.transport.base import Become, Call, Hello, Reply

Rule = Callable[[Call], Reply | HostError | None]
"""Sees a call before the host does; None lets the host answer."""


@dataclass(slots=True)
class MemoryHost:
    """One host: its files, what commands print, what was asked of it."""

    name: str
    files: dict[str, bytes] = field(default_factory=dict)
    commands: dict[str, tuple[int, str]] = field(default_factory=dict)
    rules: list[Rule] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    up: bool = True
    python: str | None = "3.11.2"
    free_bytes: int = 1 << 30
    boot_id: str = "boot-1"
    records: dict[str, Reply] = field(default_factory=dict)
    heard: set[str] | None = field(default_factory=set)  # changes it was asked for; None: nothing is remembered
    lost: set[str] = field(default_factory=set)  # changes that it was asked for and says nothing of
    holder: str = ""
    lock: threading.RLock = field(default_factory=threading.RLock)

    def answer(self, call: Call, memory: dict[str, Mapping[str, object]]) -> Reply:
        """Raises HostError when a rule says so."""
        with self.lock:
            if call.op not in ("lock", "recall"):
                self.calls.append(call)
            for rule in list(self.rules):
                said = rule(call)
                if isinstance(said, HostError):
                    self.lost.add(call.change)
                    raise said
                if said is not None:
                    return said
            if call.op == "lock":
                return self._claimed(call)
            if call.op == "recall":
                return Reply(ok=True, result=self._recalled(call.change))
            reply = self._performed(call, memory)
            if call.change and self.heard is not None:
                self.heard.add(call.change)
                self.records[call.change] = reply
            return reply

    def reboot(self) -> None:
        """Files stay; what it remembers of changes goes, and so do the lock and the links."""
        self.boot_id, self.holder, self.heard = f"boot-{int(self.boot_id[5:]) + 1}", "", None
        self.records.clear()

    def _claimed(self, call: Call) -> Reply:
        run = str(call.args["run"])
        if self.holder not in ("", run):
            return Reply(ok=False, kind="locked", msg=f"run {self.holder} is working at it", untouched=True)
        self.holder = run
        return Reply(ok=True)

    def _recalled(self, change: str) -> dict[str, object]:
        found: dict[str, object] = {"boot_id": self.boot_id}
        record = self.records.get(change)
        if record is not None:
            outcome = {"ok": record.ok, "kind": record.kind, "msg": record.msg, "result": record.result,
                       "state": record.state, "plan": list(record.plan)}  # fmt: skip
            return {**found, "status": "recorded", "outcome": outcome}
        return {**found, "status": "unknown" if self.heard is None or change in self.lost else "unseen"}

    def _performed(self, call: Call, memory: dict[str, Mapping[str, object]]) -> Reply:
        with self.lock:
            if call.action in ("copy", "template"):
                return self._copy(call, memory)
            if call.action in ("command", "shell", "raw"):
                return self._command(call)
            if call.action == "facts":
                return Reply(ok=True, result={"ansible_facts": {"service_mgr": "runit", "hostname": self.name}})
            if call.action == "disk_usage":
                return Reply(ok=True, result={"free_bytes": self.free_bytes, "free_inodes": 100_000})
            return Reply(ok=False, kind="failed", msg=f"{self.name} has no script for {call.action}")

    def _state(self, path: str) -> dict[str, object]:
        content = self.files.get(path)
        if content is None:
            return {"path": path, "type": "absent"}
        return {"path": path, "type": "file", "sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}

    def _copy(self, call: Call, memory: dict[str, Mapping[str, object]]) -> Reply:
        path, wanted = str(call.args["dest"]), call.args["content"]
        assert isinstance(wanted, bytes)
        state = self._state(path)
        if call.op == "probe":
            return Reply(ok=True, result=state)
        if call.op in ("look", "peek"):
            plan = [] if self.files.get(path) == wanted else [{"path": path, "aspect": "content"}]
            before = {**state, "content": self.files[path]} if path in self.files else state
            memory[call.key] = before
            return Reply(ok=True, plan=plan, state=state, before=before if plan else None, result=state)
        if call.op == "apply":
            if call.before is None and call.key not in memory:
                return Reply(ok=False, kind="forgotten", msg="the state before is not known here", untouched=True)
            self.files[path] = wanted
            return Reply(ok=True, result=self._state(path), state=self._state(path))
        before = call.before  # type: ignore[assignment]
        assert isinstance(before, Mapping)
        if before["type"] == "absent":
            self.files.pop(path, None)
        else:
            self.files[path] = bytes(before["content"])  # type: ignore[call-overload]
        return Reply(ok=True, state=self._state(path))

    def _command(self, call: Call) -> Reply:
        words = call.args.get("argv")
        line = shlex.join(str(w) for w in words) if isinstance(words, list) else str(call.args.get("cmd"))
        plan = [{"aspect": "run", "after": line}]
        if call.op == "peek":
            return Reply(ok=True, plan=plan)
        rc, out = self.commands.get(line, (0, ""))
        if line.startswith("sleep ") and float(line.split()[1]) > call.timeout:
            return Reply(ok=False, kind="timeout", msg=f"timed out after {call.timeout:g}s", result={"rc": None})
        if line.startswith("echo ") and line not in self.commands:
            out = " ".join(shlex.split(line)[1:]) + "\n"
        if line.startswith("exit ") and line not in self.commands:
            rc = int(line.split()[1])
        if call.args.get("strip_empty_ends", True):
            out = out.rstrip("\r\n")
        result = {"rc": rc, "stdout": out, "stderr": "", "cmd": line}
        if rc != 0:
            return Reply(ok=False, kind="failed", msg=f"the command ended with status {rc}", result=result)
        return Reply(ok=True, plan=plan, state={"done": None}, result=result)


class ScriptedSession:
    """A session on a host in memory."""

    def __init__(self, host: MemoryHost) -> None:
        self._host = host
        self._memory: dict[str, Mapping[str, object]] = {}
        self._open = True
        self._holds = False

    @property
    def hello(self) -> Hello:
        return Hello(python=self._host.python, uid=0, pid=1, boot_id=self._host.boot_id, time=0.0)

    def ask(self, calls: Sequence[Call]) -> list[Reply]:
        replies: list[Reply] = []
        for call in calls:
            if not (self._open and self._host.up):
                raise LinkLost(f"the connection to {self._host.name} has ended")
            if replies and not replies[-1].ok:
                replies.append(Reply(ok=False, kind="not-run", msg="an earlier call of the same frame failed"))
            else:
                replies.append(self._host.answer(call, self._memory))
                self._holds = self._holds or (call.op == "lock" and replies[-1].ok)
        return replies

    def ping(self) -> None:
        """The host is in memory: it does not doubt us."""

    def close(self) -> None:
        self._open = False
        if self._holds:
            self._host.holder = ""

    def abandon(self) -> None:
        self.close()


class ScriptedConnection:
    """One connection to a host in memory."""

    def __init__(self, host: MemoryHost) -> None:
        self._host = host
        self._sessions: dict[str, ScriptedSession] = {}

    def session(self, become: Become | None = None) -> ScriptedSession:
        return self._sessions.setdefault(become.user if become else "", ScriptedSession(self._host))

    def sessions(self) -> list[ScriptedSession]:
        return list(self._sessions.values())

    def cancel(self) -> None:
        """Calls are over at once: there is nothing to end."""

    def close(self) -> None:
        for session in self._sessions.values():
            session.close()

    def abandon(self) -> None:
        for session in self._sessions.values():
            session.abandon()


class ScriptedTransport:
    """Reaches the hosts that it was given."""

    def __init__(self, hosts: Sequence[MemoryHost]) -> None:
        self.hosts = {h.name: h for h in hosts}

    def connect(self, host: Host) -> ScriptedConnection:
        there = self.hosts.get(host.name)
        if there is None or not there.up:
            raise Unreachable(f"{host.name}: no such host in memory, or it is down")
        return ScriptedConnection(there)
