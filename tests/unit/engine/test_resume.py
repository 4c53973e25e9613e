"""A controller that dies after every event there is: whoever goes on comes to the same end, and does nothing twice."""

from __future__ import annotations

from pathlib import Path

import pytest
from crash_stories import STORIES
from crashing_bench import CrashingBench, Fuse, Story


@pytest.mark.parametrize("name", ["fails", "retries"])
def test_a_crash_at_every_event(name: str, tmp_path: Path) -> None:
    """Two of the stories; `make reliability` plays all of them, in all three ways."""
    bench = CrashingBench(tmp_path, STORIES[name])
    assert bench.differences(harsh=True) == []


@pytest.mark.parametrize("words", ["on_disconnect: kill", "async: 1m, poll: 0", "timeout: 0"])
def test_whatever_a_step_may_say_comes_back_from_the_journal(words: str, tmp_path: Path) -> None:
    text = f"name: r\nsteps: [{{name: a, command: go, irreversible: x, {words}}}]\n"
    bench = CrashingBench(tmp_path, Story(names=("h1",), text=text))
    assert bench.play(Fuse(at=4)).end.code == 0
