"""A controller that dies before and after every event of recorded runs on several hosts, and whoever goes on (P3)."""

from __future__ import annotations

import tempfile
from pathlib import Path

from crash_stories import STORIES
from crashing_bench import CrashingBench, Fuse

from reliability.figure import Figure


def measure(short: bool) -> list[Figure]:
    """All events of all stories, in short too: there is no sampling. Short leaves out what loses only the process."""
    figures = []
    for harsh in (True,) if short else (False, True):
        points, wrong = 0, []
        for name, story in STORIES.items():
            with tempfile.TemporaryDirectory() as folder:
                bench = CrashingBench(Path(folder), story)
                points += 2 * bench.play(Fuse()).events
                wrong += [f"{name}: {said}" for said in bench.differences(harsh=harsh)]
        lost = "with it what was not durable yet" if harsh else "the process alone"
        figures.append(
            Figure(
                promise="P3", what=f"controller killed before and after every event, {lost}; resumed",
                seen=f"{points} points, {len(wrong)} differ" + "".join(f"\n{said}" for said in wrong[:5]),
                bar="0 differ: same files, statuses, exit code; each change once", holds=not wrong,
            )
        )  # fmt: skip
    return figures
