"""One POSIX sh at the end of a pipe: scripts go in by its standard input, each one's output and status come back.

Nothing is written on the host: no temporary file, and no here-document, which is one and fails on a full disk. Each
script's beginning and end are marked in the output, so that what a child left in the background says later is not
taken for the next script's.
"""

from __future__ import annotations

import re
import secrets
import shlex
import time

from playbook_engine.agent import process
from playbook_engine.agent.failure import Failed
from playbook_engine.model.errors import LinkLost
from playbook_engine.model.frozen import frozen
from playbook_engine.transport.agent_session import GRACE, Pipe

# timeout(1) is in coreutils and in busybox, whose older ones know no -k. Without it the controller's deadline is left.
GUARDS = "timeout -k 5 9 true 2>/dev/null && echo 'timeout -k 5' || { timeout 9 true 2>/dev/null && echo timeout; }"


@frozen
class Ran:
    """How a script ended. The texts turn back into the bytes that came with `surrogateescape`."""

    rc: int
    stdout: str
    stderr: str
    stdout_bytes: int
    stderr_bytes: int


class Shell:
    """Runs scripts under the deadline of the call that they belong to."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self._held = b""
        self._end = 0.0
        self._guard: str | None = None

    def begin(self, timeout: float) -> None:
        """A new call, with so many seconds for all of its scripts."""
        self._end = time.monotonic() + timeout

    def left(self) -> float:
        """Seconds left to the call. Raises Failed when there are none."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise Failed("timed out", "timeout")
        return left

    def guard(self) -> str:
        """What to put before a program so that it ends with the call: `timeout N`, or nothing where there is none."""
        if self._guard is None:
            self._guard = self.run(GUARDS).stdout.strip()
        return f"{self._guard} {self.left():.3f}" if self._guard else ""

    def run(self, script: str, cap: int = process.CAP) -> Ran:
        """Runs a script in a subshell; of each output `cap` bytes are kept. Raises Failed (no time left), LinkLost."""
        nonce = secrets.token_hex(8)
        until = time.monotonic() + self.left() + GRACE
        errors = self._pipe.errors = process.Stream(cap)
        begin, end = f"RUNBOOK-BEGIN-{nonce}", f"RUNBOOK-END-{nonce}"
        marked = f"printf '\\n%s\\n' {begin}\n( {script}\n) </dev/null\nr=$?; printf '\\n%s %s\\n' {end} $r\n"
        marked += f"printf '\\n%s\\n' {end} >&2\n"
        self._pipe.send(marked.encode("utf-8", "surrogateescape"))
        self._read(re.compile(rb"\n%s\n" % begin.encode()), process.Stream(2), until)
        out = process.Stream(cap)
        status = self._read(re.compile(rb"\n%s (\d+)\n" % end.encode()), out, until)
        mark = f"\n{end}\n"
        patience = time.monotonic() + 2
        while mark not in (said := self._pipe.complaints()) and time.monotonic() < patience:
            time.sleep(0.002)
        complete = mark in said
        return Ran(
            rc=int(status[1]), stdout=out.text(), stderr=said.partition(mark)[0],
            stdout_bytes=out.total, stderr_bytes=errors.total - (len(mark) if complete else 0),
        )  # fmt: skip

    def _read(self, mark: re.Pattern[bytes], sink: process.Stream, until: float) -> re.Match[bytes]:
        """Everything up to a mark into the sink; the mark itself is taken."""
        while not (match := mark.search(self._held)):
            # All but what might be the beginning of the mark is output already.
            safe = max(len(self._held) - 64, 0)
            sink.feed(self._held[:safe])
            self._held = self._held[safe:]
            try:
                data = self._pipe.receive(max(until - time.monotonic(), 0.001))
            except TimeoutError:
                raise LinkLost("no answer from the host's shell within the deadline") from None
            if not data:
                said = self._pipe.complaints().strip()
                raise LinkLost(f"the host's shell ended{': ' + said if said else ''}")
            self._held += data
        sink.feed(self._held[: match.start()])
        self._held = self._held[match.end() :]
        return match

    def close(self) -> None:
        self._pipe.close()

    def abandon(self) -> None:
        self._pipe.abandon()


HOME = re.compile(r"~[A-Za-z0-9_.-]*(?=/|$)")
VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))", re.ASCII)


def word(text: str, *, glob: bool = False) -> str:
    """One shell word for a path: `~` and `$NAME` are expanded as the agent does (an unknown name stays as it is).

    With `glob`, the wildcards keep their meaning, which may make several words of it.
    """
    home = HOME.match(text)
    done = home[0] if home else ""
    at = len(done)
    for variable in VARIABLE.finditer(text, at):
        name = variable[1] or variable[2]
        done += _quoted(text[at : variable.start()], glob)
        # Digits first would be a positional parameter, which is none of the environment's.
        unknown = "\\" + variable[0].replace("}", "\\}")
        done += shlex.quote(variable[0]) if name[0].isdigit() else f'"${{{name}-{unknown}}}"'
        at = variable.end()
    return (done + _quoted(text[at:], glob)) or "''"


def _quoted(text: str, glob: bool) -> str:
    if not text:
        return ""
    return re.sub(r"[^*?\[\]!-]+", lambda part: shlex.quote(part[0]), text) if glob else shlex.quote(text)
