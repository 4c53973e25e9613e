"""What all tests share."""

from __future__ import annotations

from pathlib import Path

import pytest
from memory_bench import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Runs of real runbook text on hosts in memory, with a real journal."""
    return Bench(tmp_path)
