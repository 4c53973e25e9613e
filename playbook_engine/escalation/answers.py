"""What people say to an escalation, from another process: a note in its folder, that the dispatcher takes in.

The dispatcher alone writes the journal of an escalation.
"""

from __future__ import annotations

import hmac
import json
import secrets
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

from playbook_engine.journal.notes import leave
from playbook_engine.model.frozen import frozen


class Word(StrEnum):
    """I have it; it is over; something was done about it."""

    ACK = "ack"
    RESOLVE = "resolve"
    NOTE = "note"


@frozen
class Answer:
    """Somebody's word. `via`: command, or link."""

    word: Word
    by: str
    note: str = ""
    via: str = "command"


class Answers:
    """The answers to one escalation."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def give(self, answer: Answer) -> None:
        """Raises JournalError when it cannot be written."""
        leave(self._folder / f"answer-{secrets.token_hex(6)}", asdict(answer))

    def waiting(self) -> list[tuple[Path, Answer]]:
        """Those not taken in yet, oldest first; what is no answer is left alone."""
        found = []
        for path in sorted(self._folder.glob("answer-*"), key=_age):
            try:
                said = json.loads(path.read_text())
                found.append((path, Answer(**{**said, "word": Word(said["word"])})))
            except (OSError, ValueError, TypeError, KeyError):
                continue
        return found


def _age(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def link(base: str, key: bytes, escalation: str, contact: str) -> str:
    """The address at which a contact acknowledges with one touch. Whoever has it can do that and nothing else."""
    return f"{base.rstrip('/')}/ack/{quote(escalation)}?by={quote(contact)}&sig={_signature(key, escalation, contact)}"


def linked(url: str, key: bytes, escalation: str) -> str:
    """Whom a link belongs to; empty for one that was not signed with this key, for this escalation."""
    said = parse_qs(urlsplit(url).query)
    by, given = "".join(said.get("by", [])), "".join(said.get("sig", []))
    return by if by and hmac.compare_digest(given, _signature(key, escalation, by)) else ""


def _signature(key: bytes, escalation: str, contact: str) -> str:
    return hmac.digest(key, f"ack\n{escalation}\n{contact}".encode(), "sha256").hex()[:32]
