"""A run as a person watches it: one line an event that matters, with what was measured and what to do next."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import TextIO

from playbook_engine.model.events import (
    ApprovalGiven,
    ApprovalRequested,
    ChangeIntended,
    CheckEvaluated,
    Event,
    HostConnected,
    HostFinished,
    HostUnreachable,
    PreconditionEvaluated,
    RetryScheduled,
    RollbackStarted,
    RollbackVerified,
    RunFinished,
    RunResumed,
    RunStarted,
    StateObserved,
    StepFinished,
    StepStarted,
    StepUndone,
)
from playbook_engine.model.outcome import OPEN, HostStatus
from playbook_engine.report.colour import of_diff

COLOURS = {
    "ok": "32", "changed": "33", "skipped": "36", "failed": "31", "timed_out": "31", "unreachable": "31",
    "in_doubt": "35", "unknown": "35", "met": "32", "not_met": "31", "invalid": "35", "undone": "33", "kept": "36",
    "rolled_back": "33", "partly_rolled_back": "33", "rollback_failed": "31;1", "aborted": "35",
}  # fmt: skip
WIDTH = 11
INSTANT = 0.02  # seconds
ANSWERS = {"yes": "APPROVED", "no": "REFUSED", "none": "NO ANSWER"}


class Console:
    """Prints events as they happen. Safe to use from many threads."""

    def __init__(
        self, out: TextIO, *, redact: Callable[[str], str], verbose: int = 0, diff: bool = False, colour: bool = False
    ) -> None:
        self._out = out
        self._redact = redact
        self._verbose = verbose
        self._diff = diff
        self._colour = colour
        self._lock = threading.Lock()
        self._lines: deque[str] = deque()
        self._printing = threading.Lock()
        self._soon = False
        self._broken: Exception | None = None
        self._kind = ""
        self._run = ""
        self._hosts = 0
        self._wide = 4
        self._to_undo: set[tuple[str, str, int]] = set()
        self._warned = False

    def emit(self, event: Event) -> None:
        """Raises OSError, ValueError when nobody can read any more."""
        if self._broken is not None:
            raise self._broken
        with self._lock:
            self._say(event)
        if isinstance(event, RunFinished):
            self.flush()
        elif self._lines and not self._soon:
            self._soon = True
            threading.Thread(target=self._print_soon, name="console").start()  # no daemon: what was said is printed

    def _print_soon(self) -> None:
        """No host waits for the terminal: what they say within an instant is printed together, by another thread."""
        time.sleep(INSTANT)
        self._soon = False
        self.flush()

    def flush(self) -> None:
        """Prints what was said so far."""
        with self._printing:
            try:
                while self._lines:
                    self._out.write("".join([self._lines.popleft() for _ in range(len(self._lines))]))
                self._out.flush()
            except (OSError, ValueError) as error:
                self._broken = error

    def _say(self, event: Event) -> None:
        match event:
            case RunStarted():
                self._started(event)
            case RunResumed():
                self._resumed(event)
            case ApprovalRequested():
                self._asks(event)
            case ApprovalGiven():
                self._print(f"{ANSWERS[event.answer]:<{WIDTH}} {event.actor} {event.reason}")
            case HostConnected():
                what = f"python {event.python}" if event.python else "no Python, plain sh"
                if self._verbose:
                    self._line(event.host, "connected", f"{event.address} ({what})", event.seconds)
            case HostUnreachable():
                if event.kind != "locked":  # its last line says it
                    self._line(event.host, "unreachable", event.message)
                    self._more(event.advice)
            case PreconditionEvaluated():
                if event.verdict != "met" or self._verbose:
                    self._line(event.host, event.verdict, f"precondition: {event.name}", event.seconds)
                    self._more(event.detail)
            case StateObserved():
                self._changes(event)
            case StepStarted() if event.handler and self._verbose > 1:
                self._line(event.host, "handler", event.name)
            case StepFinished():
                self._step(event)
            case CheckEvaluated():
                self._check(event)
            case RetryScheduled():
                self._line(event.host, "retry", f"attempt {event.attempt} again in {event.delay:g}s {event.why}")
            case RollbackStarted():
                self._line(event.host, "ROLLBACK", event.why)
            case ChangeIntended():
                self._intended(event)
            case StepUndone():
                self._to_undo.discard((event.host, event.step, event.item))
                self._line(event.host, event.outcome, event.name, event.seconds)
                self._more(event.message)
            case RollbackVerified():
                word = "proved" if event.proved else "NOT PROVED"
                self._line(event.host, word, f"{event.compared} state(s) compared with those before")
                for each in event.differences:
                    self._more(f"{each['subject']} {each['aspect']}: was {each['before']!r}, is {each['now']!r}")
            case HostFinished():
                self._finished(event)
            case RunFinished():
                self._end(event)
            case _:
                pass

    def _started(self, event: RunStarted) -> None:
        self._kind, self._run, self._hosts = event.kind, event.run, len(event.hosts)
        self._wide = min(max((len(h) for h in event.hosts), default=4), 30)
        check = " · check: nothing is changed" if event.check else ""
        of = f" of {event.of}" if event.of else ""
        hosts = event.hosts[0] if len(event.hosts) == 1 else f"{len(event.hosts)} hosts"
        self._print(f"{event.kind}{of} · {event.title or event.runbook} · {hosts}{check}")

    def _asks(self, event: ApprovalRequested) -> None:
        who = f" ({' or '.join(event.by)})" if event.by else ""
        people = "somebody else" if event.count == 1 else f"{event.count} others"
        self._print(f"{'WAITING':<{WIDTH}} {event.message}: {people}{who} must agree until {event.expires}")
        self._more(f"runbook approve {self._run}   (or --no)")

    def _resumed(self, event: RunResumed) -> None:
        self._kind, self._run, self._hosts = event.kind, event.run, len(event.hosts)
        self._wide = min(max((len(h) for h in event.hosts), default=4), 30)
        hosts = event.hosts[0] if len(event.hosts) == 1 else f"{len(event.hosts)} hosts"
        self._print(f"{event.kind} · {event.runbook} · resumed on {hosts}")
        self._to_undo.add(("", "", -1))  # what was done before this controller can be taken back, too
        for name in event.skip:
            self._more(f"left out: {name}: {event.reason}")
        for name in event.again:
            self._more(f"sent again: {name}: {event.reason}")

    def _step(self, event: StepFinished) -> None:
        if event.outcome == "skipped" and not self._verbose:
            return
        name = f"{event.name} [{event.label}]" if event.label else event.name
        where = f" on {event.on}" if event.on else ""
        handler = "handler: " if event.handler else ""
        self._line(event.host, event.outcome, f"{handler}{name}{where}", event.seconds)
        bad = event.outcome not in ("ok", "changed", "skipped")
        if bad or (self._verbose > 1 and event.message):
            self._more(
                event.message + (" (ignored)" if event.ignored else " (rescue follows)" if event.rescued else "")
            )
            self._more(event.advice)
        elif event.kind == "check":
            self._more(event.message)
        if event.action == "debug" and not bad and isinstance(said := event.shown.get("result"), Mapping):
            for key, value in said.items():
                self._more(
                    str(value) if key == "msg" else f"{key}: {json.dumps(value, default=str, ensure_ascii=False)}"
                )
        expected = event.shown.get("expected_bytes")
        if event.kind == "check" and expected is not None:
            self._more(f"would free {size(expected)}, {event.shown.get('expected_inodes')} inodes")
        elif expected is not None and "freed_bytes" in event.shown:
            removed = event.shown.get("removed", 0)
            self._more(
                f"freed {size(event.shown['freed_bytes'])} of {size(expected)} expected, {removed} files removed"
            )
        if self._verbose and "result" in event.shown and event.action != "debug":
            self._more(json.dumps(event.shown["result"], indent=2, default=str, ensure_ascii=False))
        if bad or self._verbose:
            for key in ("stdout", "stderr"):
                for line in str(event.shown.get(key) or "").splitlines()[:40]:
                    self._more(line if key == "stdout" else f"stderr: {line}")

    def _intended(self, event: ChangeIntended) -> None:
        """Before the first step that cannot be taken back a person is told so."""
        if event.handler or event.scope.endswith("/rollback"):
            return
        if event.reversible != "irreversible":
            self._to_undo.add((event.host, event.step, event.item))
        elif not self._warned and self._kind == "run":
            self._warned = True
            self._line(event.host, "no return", f"{event.name}: cannot be taken back: {event.irreversible}")

    def _check(self, event: CheckEvaluated) -> None:
        if event.purpose == "unless":
            return
        if event.verdict == "met" and event.purpose == "check" and not self._verbose:
            return
        service = f"{event.service}: " if event.service and event.purpose == "criterion" else ""
        value = "" if event.value is None else f": {event.value}{' ' + event.unit if event.unit else ''}"
        wanted = f" (wanted {event.threshold})" if event.threshold is not None and event.verdict != "met" else ""
        self._line(event.host, event.verdict, f"{service}{event.name}{value}{wanted}", event.seconds)
        if event.verdict != "met" and (not wanted or "(" in event.detail):
            self._more(event.detail)

    def _changes(self, event: StateObserved) -> None:
        for change in event.changes:
            if self._diff and change.get("diff"):
                self._print_diff(self._redact(str(change["diff"])).rstrip("\n"))
            elif self._diff or self._verbose > 1:
                subject = change.get("path") or change.get("subject") or ""
                self._more(f"{subject} {change.get('aspect')}: {change.get('before')} → {change.get('after')}")

    def _print_diff(self, text: str) -> None:
        for line in self._clean(text).split("\n"):
            code = of_diff(line) if self._colour else ""
            self._print("", lead=f"\x1b[{code}m{line}\x1b[0m" if code else line)

    def _finished(self, event: HostFinished) -> None:
        self._line(event.host, event.status, event.message or "", event.seconds, final=True)
        self._more(event.advice)

    def _end(self, event: RunFinished) -> None:
        counts = ", ".join(f"{n} {status}" for status, n in event.counts.items())
        self._print(f"{counts} · exit {event.exit_code} · {event.seconds:.1f}s · journal {self._run}")
        if any(HostStatus(status) in OPEN for status in event.counts):
            self._print(f"go on with it: runbook resume {self._run}")
        if self._to_undo and self._kind in ("run", "exec"):
            self._print(f"take it back: runbook rollback {self._run}")

    def _line(self, host: str, word: str, text: str, seconds: float = -1.0, *, final: bool = False) -> None:
        time = f"  {seconds:.2f}s" if seconds >= 0.005 else ""
        shown = f"{word:<{WIDTH}}" if not final else f"{word.upper():<{WIDTH}}"
        code = COLOURS.get(word)
        if self._colour and code:
            shown = f"\x1b[{code}{';1' if final else ''}m{shown}\x1b[0m"
        self._print(f"{text}{time}".replace("\n", " "), lead=f"{printable(host):<{self._wide}}  {shown} ")

    def _more(self, text: str) -> None:
        for line in text.splitlines():
            self._print(f"{'':<{self._wide}}    {line}")

    def _print(self, text: str, *, lead: str = "") -> None:
        """`lead` is ours and may have colour; everything else may come from a host."""
        self._lines.append(lead + self._clean(text) + "\n")

    def _clean(self, text: str) -> str:
        return printable(self._redact(text))


def size(number: object) -> str:
    """Bytes for people: 1.4 GiB."""
    if not isinstance(number, (int, float)) or isinstance(number, bool):
        return str(number)
    value, unit = float(number), "bytes"
    for unit in ("bytes", "KiB", "MiB", "GiB", "TiB"):
        if abs(value) < 1024 or unit == "TiB":
            break
        value /= 1024
    return f"{value:.0f} {unit}" if unit == "bytes" else f"{value:.1f} {unit}"


def printable(text: str) -> str:
    """What came from a host must not steer the operator's terminal: control characters are shown, not sent."""
    if text.isprintable():
        return text
    return "".join(c if c in "\n\t" or c.isprintable() else _escaped(ord(c)) for c in text)


def _escaped(code: int) -> str:
    """A byte that was no UTF-8 came in as a lone surrogate: it is shown as that byte."""
    return f"\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else f"\\x{code:02x}"
