"""Answers to a run that waits for somebody's consent: a file for each person, in the folder of the run.

The run alone writes its journal: it takes in the answers that fit what it asked, and lets the others lie.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

from playbook_engine.journal.notes import leave
from playbook_engine.model.frozen import frozen


@frozen
class Answer:
    """Somebody's word. `plan` is the hash of what was shown to them; `at` is UTC, ISO 8601."""

    approval: str
    plan: str
    actor: str
    yes: bool
    reason: str
    at: str


class Approvals:
    """The answers to one run."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def give(self, answer: Answer) -> None:
        """Raises JournalError when it cannot be written."""
        who = hashlib.sha256(answer.actor.encode()).hexdigest()[:12]
        leave(self._folder / f"answer-{answer.approval}-{who}", asdict(answer))

    def answers(self, approval: str) -> list[Answer]:
        """Those given so far; a file that is none is left alone."""
        found = []
        for path in sorted(self._folder.glob(f"answer-{approval}-*")):
            try:
                found.append(Answer(**json.loads(path.read_text())))
            except (OSError, ValueError, TypeError):
                continue
        return found


def person(actor: str) -> str:
    """Who it is, on whichever machine: `alice@laptop.test` and `alice@bastion.test` are one person."""
    return actor.partition("@")[0]
