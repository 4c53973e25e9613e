"""A controller that dies after every event there is: whoever goes on comes to the same end, and does nothing twice."""

from __future__ import annotations

from pathlib import Path

import pytest
from crash_stories import STORIES
from crashing_bench import CrashingBench


@pytest.mark.parametrize("name", ["fails", "retries"])
def test_a_crash_at_every_event(name: str, tmp_path: Path) -> None:
    """Two of the stories; `make reliability` plays all of them, in all three ways."""
    bench = CrashingBench(tmp_path, STORIES[name])
    assert bench.differences(harsh=True) == []
