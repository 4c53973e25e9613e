"""A session with a plain POSIX sh, for hosts without Python: `raw command shell facts stat disk_usage reclaim`.

Nothing is written on the host: scripts arrive on sh's standard input, input for commands through a pipe (a
here-document is a temporary file, and fails on a full disk). Each script's end is marked on both output streams.
"""

from __future__ import annotations

import re
import secrets
import shlex
import time
from collections.abc import Callable, Mapping, Sequence

from playbook_engine.agent import process
from playbook_engine.model.errors import LinkLost
from playbook_engine.transport import posix_probes, posix_reclaim
from playbook_engine.transport.agent_session import GRACE, Pipe, no_python
from playbook_engine.transport.base import Call, Hello, Reply

Ran = Mapping[str, object]


class ShellSession:
    """Calls to one sh. Not for several threads at once."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self._held = b""

    @property
    def hello(self) -> Hello:
        return Hello(python=None)

    def ask(self, calls: Sequence[Call]) -> list[Reply]:
        replies: list[Reply] = []
        for call in calls:
            if replies and not replies[-1].ok:
                replies.append(Reply(ok=False, kind="not-run", msg="an earlier call of the same frame failed"))
            else:
                replies.append(self._answer(call))
        return replies

    def close(self) -> None:
        self._pipe.close()

    def _answer(self, call: Call) -> Reply:
        began = time.monotonic()
        if call.action in ("raw", "command", "shell"):
            reply = self._command(call)
        elif call.action in posix_probes.PROBES:
            reply = posix_probes.answer(call, self._runner(call.timeout))
        elif call.action == "reclaim":
            reply = posix_reclaim.answer(call, self._runner(call.timeout))
        else:
            raise no_python(call.action)
        return Reply(
            ok=reply.ok,
            kind=reply.kind,
            msg=reply.msg,
            result=reply.result,
            state=reply.state,
            plan=reply.plan,
            before=reply.before,
            elapsed=time.monotonic() - began,
        )

    def _runner(self, timeout: float) -> Callable[[str], Ran]:
        return lambda script: self.run(script, timeout)

    def _command(self, call: Call) -> Reply:
        args = call.args
        done = self._already(args)
        plan = [] if done else [{"aspect": "run", "before": None, "after": str(args.get("cmd") or args.get("argv"))}]
        if done or call.op == "look":
            return Reply(ok=True, plan=plan, state={"done": done}, before={"done": done}, result={"rc": 0, "msg": done})
        ran = self.run(_script(call), call.timeout)
        result = {**ran, "cmd": args.get("cmd") or args.get("argv")}
        if ran["rc"] == 124 and call.timeout:
            return Reply(ok=False, kind="timeout", msg=f"timed out after {call.timeout:g}s", result=result, plan=plan)
        if ran["rc"] != 0:
            kind = "no-such-command" if ran["rc"] == 127 else "failed"
            return Reply(
                ok=False, kind=kind, msg=f"the command ended with status {ran['rc']}", result=result, plan=plan
            )
        return Reply(ok=True, plan=plan, state={"done": None}, result=result)

    def _already(self, args: Mapping[str, object]) -> str | None:
        for key, there in (("creates", True), ("removes", False)):
            if args.get(key):
                # Unquoted on purpose: the value is a glob. Everything but the wildcards is quoted.
                glob = "".join(c if c in "*?[]" else shlex.quote(c) for c in str(args[key]))
                ran = self.run(f'for p in {glob}; do [ -e "$p" ] && exit 0; done; exit 1', 30)
                if (ran["rc"] == 0) == there:
                    return f"{args[key]} {'exists' if there else 'does not exist'}"
        return None

    def run(self, script: str, timeout: float) -> dict[str, object]:
        """Runs a script in a subshell: {rc, stdout, stderr, stdout_bytes, stderr_bytes}. Raises LinkLost."""
        nonce = f"RUNBOOK-END-{secrets.token_hex(8)}"
        marked = f"( {script}\n) </dev/null\nr=$?; printf '\\n%s %s\\n' {nonce} $r; printf '\\n%s\\n' {nonce} >&2\n"
        seen = len(self._pipe.complaints())
        self._pipe.send(marked.encode("utf-8", "surrogateescape"))
        out = process.Stream(process.CAP)
        end = time.monotonic() + timeout + GRACE
        pattern = re.compile(rb"\n" + nonce.encode() + rb" (\d+)\n")
        while not (match := pattern.search(self._held)):
            # All but what might be the beginning of the mark is output already.
            safe = max(len(self._held) - len(nonce) - 16, 0)
            out.feed(self._held[:safe])
            self._held = self._held[safe:]
            try:
                data = self._pipe.receive(max(end - time.monotonic(), 0.001))
            except TimeoutError:
                raise LinkLost("no answer from the host's shell") from None
            if not data:
                raise LinkLost(f"the host's shell ended: {self._pipe.complaints()[seen:].strip()}")
            self._held += data
        out.feed(self._held[: match.start()])
        self._held = self._held[match.end() :]
        error = self._complaint(seen, nonce)
        return {
            "rc": int(match[1]),
            "stdout": out.text(),
            "stderr": error,
            "stdout_bytes": out.total,
            "stderr_bytes": len(error.encode("utf-8", "surrogateescape")),
        }

    def _complaint(self, seen: int, nonce: str) -> str:
        end = time.monotonic() + 2
        while nonce not in (said := self._pipe.complaints()[seen:]) and time.monotonic() < end:
            time.sleep(0.005)
        return said.partition(f"\n{nonce}")[0]


def _script(call: Call) -> str:
    """The shell text of a command action."""
    args = call.args
    if call.action == "command":
        words = args.get("argv") or shlex.split(str(args["cmd"]))
        assert isinstance(words, (list, tuple))
        line = " ".join(shlex.quote(str(w)) for w in words)
    else:
        line = str(args["cmd"])
    shell = shlex.quote(str(args.get("executable") or "/bin/sh"))
    # timeout(1) is in coreutils and in busybox; where it is missing the controller's own deadline is left.
    guard = f"t='timeout {call.timeout:g}'; command -v timeout >/dev/null 2>&1 || t=; "
    environment = args.get("environment") or {}
    assert isinstance(environment, Mapping)
    exports = "".join(f"export {k}={shlex.quote(str(v))}; " for k, v in environment.items())
    move = f"cd {shlex.quote(str(args['chdir']))} || exit 1; " if args.get("chdir") else ""
    text = str(args.get("stdin") or "")
    if text and args.get("stdin_add_newline", True) and not text.endswith("\n"):
        text += "\n"
    feed = f"printf %s {shlex.quote(text)} | " if text else ""
    return f"{move}{exports}{guard}{feed}$t {shell} -c {shlex.quote(line)}"
