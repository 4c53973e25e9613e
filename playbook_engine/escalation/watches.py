"""Runs of which people may have to hear: a note for each, left when the run begins, taken away once all is passed on.

The note holds the policy as it was when the run began. Its modification time is the bell: the run rings it when there
is something to be read in its journal, and the dispatcher, which looks twice a second, reads no journal until then.
"""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import asdict
from pathlib import Path

from playbook_engine.journal.notes import leave
from playbook_engine.model.frozen import frozen


@frozen
class Watch:
    """One run: its policy as text, where that stood, and the terminal that it was started from."""

    run: str
    policy: str
    file: str
    terminal: str = ""


class Watches:
    """The notes of one state folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def leave(self, watch: Watch) -> None:
        """Raises JournalError when it cannot be written."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        leave(self._folder / watch.run, asdict(watch))

    def ring(self, run: str) -> None:
        """There is something to be read. Never fails: the dispatcher reads a run that has ended in any case."""
        with contextlib.suppress(OSError):
            os.utime(self._folder / run)

    def all(self) -> dict[str, tuple[Watch, int]]:
        """By run: the note, and when the bell was rung last (ns)."""
        found = {}
        try:
            paths = sorted(p for p in self._folder.iterdir() if not p.name.startswith("."))
        except FileNotFoundError:
            return {}
        for path in paths:
            try:
                rung = path.stat().st_mtime_ns
                found[path.name] = (Watch(**json.loads(path.read_text())), rung)
            except (OSError, ValueError, TypeError):
                continue  # taken away meanwhile
        return found

    def put_aside(self, run: str) -> None:
        """It cannot be read, and never will be: it stays, under another name, for whoever looks."""
        with contextlib.suppress(OSError):
            (self._folder / run).rename(self._folder / f".unreadable-{run}")

    def take(self, run: str) -> None:
        """All of it was passed on."""
        (self._folder / run).unlink(missing_ok=True)
