"""Promise: an evidence bundle that was tampered with does not hold, whatever was done to it, wherever, by whoever lacks
its keys.

The bundle is that of a real run on a host in memory. Every record is dropped, replayed, edited and moved to every other
place, the tail is cut at every record, blobs and reports are swapped, replaced and removed, files are added; each bare,
and with everything put right again that takes no key. Then single bits are flipped all over the file. Each is verified
with the public key of the installation, and with the key of the run.
"""

from __future__ import annotations

import io
import random
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from playbook_engine.journal.evidence.verify import verify
from reliability.figure import Figure

if TYPE_CHECKING:
    from evidence_attacks import Attack

STEPS, SHORT_STEPS = 5, 1  # each has four records of its own
FLIPS, SHORT_FLIPS = 2000, 200


def measure(short: bool) -> list[Figure]:
    from evidence_attacks import Bundles, attacks

    with tempfile.TemporaryDirectory() as work:
        bundles = Bundles(Path(work), steps=SHORT_STEPS if short else STEPS)
        tallies = {(name, remade): Tally() for name in bundles.rings for remade in (False, True)}
        for attack in attacks(bundles, random.Random(), SHORT_FLIPS if short else FLIPS):
            for name, ring in bundles.rings.items():
                found = verify(io.BytesIO(attack.data), ring)
                tallies[name, "remade" in attack.kind].add(name, attack, missed=found.holds)
        whole = [verify(io.BytesIO(bundles.data), ring) for ring in bundles.rings.values()]
    records = whole[0].journals[0].records
    return [
        _figure(name, tally, f"{records} records{', all put right again that takes no key' if remade else ''}",
                whole=all(each.holds for each in whole))
        for (name, remade), tally in tallies.items()
    ]  # fmt: skip


class Tally:
    """Attacks of one sort under one key: how many of each kind, and how many nobody noticed."""

    def __init__(self) -> None:
        self.kinds: Counter[str] = Counter()
        self.missed = 0

    def add(self, key: str, attack: Attack, *, missed: bool) -> None:
        self.kinds[attack.kind] += 1
        self.missed += missed
        if missed:
            print(f"{attack.kind}, {attack.what}: not detected with the {key}")


def _figure(key: str, tally: Tally, of: str, *, whole: bool) -> Figure:
    tried = tally.kinds.total()
    seen = f"{tried - tally.missed:,} of {tried:,} detected"
    return Figure(
        promise="an evidence bundle that was tampered with does not hold, and the true one does",
        what=f"{len(tally.kinds)} attacks at every position of {of}; {key}",
        seen=seen if whole else f"{seen}; the true one does not hold",
        bar="all of them", holds=not tally.missed and whole,
    )  # fmt: skip
