"""What is asked of a run that goes on, from another process: a file in its folder, which it looks for at each step.

Only the run itself writes its journal; whoever wants something of it leaves a note here.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path

from playbook_engine.journal.notes import leave
from playbook_engine.model.frozen import frozen


class Wish(StrEnum):
    """Hold, to be gone on with; or stop."""

    PAUSE = "pause"
    ABORT = "abort"


@frozen
class Request:
    """Who wants what, and why."""

    wish: Wish
    actor: str
    reason: str

    def __str__(self) -> str:
        done = "paused" if self.wish is Wish.PAUSE else "aborted"
        return f"{done} by {self.actor}{': ' + self.reason if self.reason else ''}"


class Requests:
    """The requests to one run."""

    def __init__(self, folder: Path) -> None:
        self._files = {wish: str(folder / f"request-{wish}") for wish in (Wish.ABORT, Wish.PAUSE)}

    def leave(self, request: Request) -> None:
        """Raises JournalError when it cannot be written."""
        leave(Path(self._files[request.wish]), asdict(request))

    def pending(self) -> Request | None:
        """The one that was left; an abort outranks a pause. Cheap: it is asked before each step of each host."""
        for wish, file in self._files.items():
            try:
                os.lstat(file)
                said = json.loads(Path(file).read_text())
            except FileNotFoundError:
                continue
            except (OSError, ValueError):
                said = {}
            return Request(wish=wish, actor=str(said.get("actor", "somebody")), reason=str(said.get("reason", "")))
        return None

    def clear(self) -> None:
        """They were heard, or the run begins anew."""
        for file in self._files.values():
            Path(file).unlink(missing_ok=True)
