"""One letter of a shipped runbook left out, doubled, swapped or exchanged: does lint say so, where, and what was meant?

In every key, action, argument, variable, registered name, handler and imported name. What lint is silent about by right
is counted apart: keys of data that only the author knows.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from pathlib import Path

from reliability.figure import Figure

EACH = 2000  # slips of each runbook, taken at random with its name as the seed
SHORT = 200


def measure(short: bool) -> list[Figure]:
    from typos import FILES, Shelf, sample  # a helper of the tests, which the experiments share

    seen: Counter[str] = Counter()
    told: list[str] = []
    possible = 0
    with tempfile.TemporaryDirectory() as folder:
        shelf = Shelf(Path(folder))
        for file in FILES:
            mutants = shelf.mutants(file.name)
            possible += len(mutants)
            for verdict in shelf.judged(file.name, sample(mutants, SHORT if short else EACH, file.stem)):
                if verdict.right:
                    seen["own"] += 1
                    continue
                seen["slips"] += 1
                for name in ("reported", "placed", "suggested"):
                    seen[name] += getattr(verdict, name)
                if not verdict.placed:
                    where = ".".join(verdict.site.path)
                    told.append(f"{file.name}: {where}: {verdict.site.name} -> {verdict.slip}")
    for line in told:
        print(f"  overlooked: {line}", file=sys.stderr)
    slips = seen["slips"]
    share = 100 * seen["suggested"] / slips if slips else 0.0
    return [
        Figure(
            promise="wrong is found before the run",
            what=f"{slips} of {possible} slips of one letter in keys, actions, arguments and names of {len(FILES)} "
            "shipped runbooks",
            seen=f"{seen['reported']} told, {seen['placed']} in their place, {seen['suggested']} ({share:.2f} %) with "
            f"the word that was meant; {seen['own']} more in data of the author's own",
            bar="all told in their place, 98 % with the word that was meant",
            holds=slips > 0 and seen["placed"] == slips and seen["suggested"] >= 0.98 * slips,
        )
    ]  # fmt: skip
