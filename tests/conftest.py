"""What every test shares: real hosts, and the rule that CI skips nothing that is merely missing."""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest
from live_hosts import runbook, shop

__all__ = ["runbook", "shop"]

# A run of a test wakes nobody, not even by a file, unless the test is about that.
os.environ["RUNBOOK_ESCALATION"] = "none"

# What no set-up can bring: interpreters that nobody packages any more, another kernel, another file system.
TOLERATED = (
    "RUNBOOK_TEST_PYTHONS",
    "no Python 3.6 here",
    "this Python was built without",
    "control groups of version 2",
    "this machine has a service manager",
    "this file system has no extended attributes",
)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI a test that is skipped because something is missing fails: a green run has run everything."""
    report = yield
    if report.skipped and os.environ.get("CI") == "true" and not hasattr(report, "wasxfail"):
        reason = str(report.longrepr)
        if not any(text in reason for text in TOLERATED):
            report.outcome = "failed"
            report.longrepr = f"skipped in CI, where nothing may be missing: {reason}"
    return report
