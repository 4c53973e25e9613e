"""What is asked of a run that goes on, from another process: a file in its folder, which it looks for at each step.

Only the run itself writes its journal; whoever wants something of it leaves a note here.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from playbook_engine.journal.notes import leave


class Wish(StrEnum):
    """Hold, to be gone on with; or stop."""

    PAUSE = "pause"
    ABORT = "abort"


@dataclass(frozen=True, slots=True, kw_only=True)
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
        self._folder = folder

    def leave(self, request: Request) -> None:
        """Raises JournalError when it cannot be written."""
        leave(self._folder / f"request-{request.wish}", asdict(request))

    def pending(self) -> Request | None:
        """The one that was left; an abort outranks a pause. Cheap: it is asked before each step of each host."""
        for wish in (Wish.ABORT, Wish.PAUSE):
            try:
                said = json.loads((self._folder / f"request-{wish}").read_text())
            except FileNotFoundError:
                continue
            except (OSError, ValueError):
                said = {}
            return Request(wish=wish, actor=str(said.get("actor", "somebody")), reason=str(said.get("reason", "")))
        return None

    def clear(self) -> None:
        """They were heard, or the run begins anew."""
        for wish in Wish:
            (self._folder / f"request-{wish}").unlink(missing_ok=True)
