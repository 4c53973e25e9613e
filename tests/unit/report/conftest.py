"""What the tests of reports share."""

from __future__ import annotations

from pathlib import Path

import pytest
from report_recorder import Recorder


@pytest.fixture
def recorder(tmp_path: Path) -> Recorder:
    """A state folder in which a test writes journals."""
    return Recorder(tmp_path)
