"""A session with a plain POSIX sh, for hosts without Python: `raw command shell facts stat disk_usage reclaim`.

The operations are those of agent/serve.py, and so are the answers; what plans, refuses and reads arguments is the
action's own code, run here. Only looking and doing are scripts.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import time
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

from playbook_engine.agent import failure
from playbook_engine.model.errors import HostError
from playbook_engine.transport import posix_commands, posix_lock, posix_probes, posix_reclaim
from playbook_engine.transport.agent_session import Pipe, no_python
from playbook_engine.transport.base import Call, Hello, Reply
from playbook_engine.transport.posix_shell import Shell

START = 30.0  # seconds for the greeting
GREETING = "id -u; echo $$; date +%s; cat /proc/sys/kernel/random/boot_id 2>/dev/null; echo"

PROBES = {"facts": posix_probes.facts, "stat": posix_probes.stat, "disk_usage": posix_probes.disk_usage}
CHANGES: Mapping[str, ModuleType] = {
    "command": posix_commands,
    "shell": posix_commands,
    "raw": posix_commands,
    "reclaim": posix_reclaim,
}


class ShellSession:
    """Calls to one sh. Not for several threads at once. Raises LinkLost when it does not even greet."""

    def __init__(self, pipe: Pipe, interpreter: str | None = None) -> None:
        self._shell = Shell(pipe)
        self._lock = ""
        self._interpreter = interpreter  # the Python that was looked for and is not there
        self._shell.begin(START)
        uid, pid, now, boot_id = self._shell.run(GREETING).stdout.split("\n")[:4]
        self._hello = Hello(python=None, uid=int(uid), pid=int(pid), time=float(now), boot_id=boot_id)

    @property
    def hello(self) -> Hello:
        return self._hello

    def ask(self, calls: Sequence[Call]) -> list[Reply]:
        replies: list[Reply] = []
        for call in calls:
            if replies and not replies[-1].ok:
                replies.append(Reply(ok=False, kind="not-run", msg="an earlier call of the same frame failed"))
                continue
            began = time.monotonic()
            reply = self._answer(call)
            replies.append(dataclasses.replace(reply, elapsed=time.monotonic() - began))
        return replies

    def ping(self) -> None:
        """A plain sh has no lease to keep."""

    def close(self) -> None:
        if self._lock:
            with contextlib.suppress(HostError):
                self._shell.begin(START)
                posix_lock.release(self._shell, self._lock)
        self._shell.close()

    def abandon(self) -> None:
        self._shell.abandon()

    def _answer(self, call: Call) -> Reply:
        if call.op == "lock":
            self._shell.begin(call.timeout)
            reply, self._lock = posix_lock.take(self._shell, call.args)
            return reply
        if call.op == "recall":
            why = "the host has no Python, so nothing there remembers it"
            return Reply(ok=True, result={"status": "unknown", "why": why, "boot_id": self._hello.boot_id})
        if call.action not in PROBES and call.action not in CHANGES:
            raise no_python(call.action, self._interpreter)
        action = importlib.import_module(f"playbook_engine.agent.actions.{call.action}")
        args = {**dict.fromkeys(action.SPEC["params"]), **call.args}
        self._shell.begin(call.timeout)
        try:
            if call.action in PROBES:
                return Reply(ok=True, result=PROBES[call.action](self._shell, args))
            return self._change(call, action, args)
        except failure.Failed as error:
            return _failed(error)

    def _change(self, call: Call, action: Any, args: dict[str, object]) -> Reply:
        far: Any = CHANGES[call.action]
        try:
            state = far.observe(self._shell, action, args)
            plan = action.plan(args, state)
        except failure.Failed as error:
            return dataclasses.replace(_failed(error), untouched=True)
        told = {key: value for key, value in state.items() if not key.startswith("_")}
        if call.op == "probe":
            return Reply(ok=True, result=told)
        if call.op == "run" and plan:
            return Reply(ok=True, plan=plan, state=told, result=far.apply(self._shell, action, args, state))
        result = action.result(args, state) if hasattr(action, "result") else told
        return Reply(ok=True, plan=plan, state=told, result=result)


def _failed(error: failure.Failed) -> Reply:
    result = error.result if isinstance(error.result, Mapping) else {}
    return Reply(ok=False, kind=error.kind, msg=error.msg, result=result)
