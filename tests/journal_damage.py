"""Journals that somebody or something has damaged, and what reading them may and may not give."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from playbook_engine.app.clock import SystemClock
from playbook_engine.journal.files import FileStore, Journal
from playbook_engine.journal.redaction import Redactor
from playbook_engine.model.events import ChangeIntended, StepFinished, StepStarted

CLOCK = SystemClock()


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """A damaged file. `good`: how many records stand before the damage. `torn`: as a crash leaves it behind, and
    `clean` when the cut is between two records, where only the closing record is missing."""

    what: str
    data: bytes
    good: int
    torn: bool = False
    clean: bool = False


def cuts(data: bytes) -> Iterator[Damage]:
    """The file cut at every byte."""
    ends = [n + 1 for n, byte in enumerate(data) if byte == 10]
    for cut in range(len(data)):
        good = sum(end <= cut for end in ends)
        yield Damage(what=f"cut at byte {cut}", data=data[:cut], good=good, torn=True, clean=cut in (0, *ends))


def flips(data: bytes, count: int, chance: random.Random) -> Iterator[Damage]:
    """The file with one bit flipped, `count` times."""
    for _ in range(count):
        at, bit = chance.randrange(len(data)), chance.randrange(8)
        bad = bytearray(data)
        bad[at] ^= 1 << bit
        yield Damage(what=f"bit {bit} of byte {at} flipped", data=bytes(bad), good=data.count(b"\n", 0, at))


def complaints(damage: Damage, journal: Journal, whole: Journal) -> list[str]:
    """What is wrong with how a damaged journal was read: something invented, something good lost, nothing said."""
    found = []
    if journal.records != whole.records[: len(journal.records)]:
        found.append("a record was invented")
    if len(journal.records) != damage.good:
        found.append(f"{damage.good} records are good, and {len(journal.records)} are believed")
    if journal.closed:
        found.append("it seems to be whole")
    if bool(journal.damage) == damage.clean:
        found.append(f"of the damage is said: {journal.damage!r}")
    if journal.damage and journal.damage.startswith("the last record was torn") != damage.torn:
        found.append(f"a crash is not told from tampering: {journal.damage}")
    return found


def written(folder: Path, count: int) -> tuple[FileStore, Path]:
    """A store with one journal of some `2 * count` records, and the journal's file."""
    store = FileStore(folder, CLOCK, Redactor())
    journal = store.create("r1")
    for n in range(count):
        journal.append(StepStarted(host=f"h{n % 3}", step=f"s{n}", name=f"step {n}", action="command"))
        if n % 4 == 0:
            journal.append(ChangeIntended(host="h", step=f"s{n}", action="copy", reversible="action", before={"n": n}))
        journal.append(StepFinished(host="h", step=f"s{n}", name="x", action="command", outcome="ok", result={"rc": n}))
    journal.close()
    return store, folder / "runs" / "r1" / "journal"


def kept(journal: Journal, whole: Journal) -> int:
    """How many records are left; all of them are those that were written."""
    assert journal.records == whole.records[: len(journal.records)], "nothing is invented"
    return len(journal.records)
