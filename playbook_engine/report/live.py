"""A run on a terminal: the lines of `console`, and below them, while it lasts, hosts × steps with their times."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TextIO

from rich.console import Console as Terminal
from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from playbook_engine.model.events import (
    CheckEvaluated,
    Event,
    HostConnected,
    HostFinished,
    PreconditionEvaluated,
    RollbackStarted,
    RunFinished,
    RunResumed,
    RunStarted,
    StepFinished,
    StepStarted,
    StepUndone,
)
from playbook_engine.report.console import Console

ROWS = 15  # hosts shown at a time; the rest is counted


@dataclass(slots=True)
class Row:
    """What one host is doing."""

    host: str
    doing: str = "waiting"
    since: float = 0.0
    steps: int = 0
    changed: int = 0
    status: str = ""


class LiveConsole(Console):
    """Console with a live table. `steps` is how many the runbook has, imports included."""

    def __init__(
        self, out: TextIO, *, redact: Callable[[str], str], verbose: int = 0, diff: bool = False, steps: int = 0,
        colour: bool = True,
    ) -> None:  # fmt: skip
        super().__init__(out, redact=redact, verbose=verbose, diff=diff, colour=colour)
        self._total = steps
        self._rows: dict[str, Row] = {}
        self._began = time.monotonic()
        self._terminal = Terminal(
            file=out, highlight=False, soft_wrap=True, no_color=not colour, color_system="auto" if colour else None
        )
        self._live: Live | None = None
        self._asking: set[str] = set()

    def emit(self, event: Event) -> None:
        with self._lock:
            self._note(event)
        super().emit(event)

    def _note(self, event: Event) -> None:
        if isinstance(event, (RunStarted, RunResumed)):
            self._rows = {h: Row(h, since=time.monotonic()) for h in event.hosts}
            self._show()
        elif isinstance(event, RunFinished) and self._live is not None:
            self._live.stop()
            self._live = None
        elif isinstance(event, (StepStarted, StepFinished)) and event.action == "pause":
            self._aside(event)
        row = self._rows.get(event.host)
        if row is None:
            return
        match event:
            case HostConnected():
                row.doing = "connected"
            case PreconditionEvaluated():
                row.doing = f"precondition: {event.name}"
            case StepStarted():
                row.doing, row.since = event.name, time.monotonic()
            case StepFinished():
                row.steps += 0 if event.handler else 1
                row.changed += event.outcome == "changed"
            case CheckEvaluated():
                row.doing = f"check: {event.name}"
            case RollbackStarted():
                row.doing, row.since = "rolling back", time.monotonic()
            case StepUndone():
                row.doing = f"taking back: {event.name}"
            case HostFinished():
                row.status, row.doing = event.status, ""
            case _:
                pass

    def _show(self) -> None:
        self._live = Live(console=self._terminal, get_renderable=self._table, refresh_per_second=8, transient=True)
        self._live.start()

    def _aside(self, event: StepStarted | StepFinished) -> None:
        """The table is away while a person is asked: it would be drawn over the question."""
        if isinstance(event, StepStarted):
            self._asking.add(event.host)
        else:
            self._asking.discard(event.host)
        if self._asking and self._live is not None:
            self._live.stop()
        elif self._rows:
            self._show()  # a new one: the old one would wipe out the lines where it stood

    def _table(self) -> Group:
        busy = [r for r in self._rows.values() if not r.status]
        table = Table.grid(padding=(0, 2))
        now = time.monotonic()
        for row in busy[:ROWS]:
            total = f"/{self._total}" if self._total else ""
            table.add_row(
                Text(row.host, style="bold"), f"{row.steps}{total}", Text(row.doing[:70]), f"{now - row.since:.0f}s"
            )
        done = len(self._rows) - len(busy)
        more = f", {len(busy) - ROWS} more not shown" if len(busy) > ROWS else ""
        line = f"{done} of {len(self._rows)} hosts done{more} · {now - self._began:.0f}s"
        return Group(table, Text(line, style="dim"))

    def _print(self, text: str, *, lead: str = "") -> None:
        if self._live is None:
            super()._print(text, lead=lead)
        else:
            self._live.console.print(Text.from_ansi(lead + self._clean(text)))
