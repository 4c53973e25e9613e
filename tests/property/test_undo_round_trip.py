"""Whatever lies there and whatever is asked for: what an action has changed, its undo puts back.

`make reliability ONLY=undo_round_trip` does the same many more times.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from live_agents import needs
from routes import ROUTES, reversible, try_out

EXAMPLES = {
    "service": 3, "package": 4, "pip": 3, "user": 30, "apt": 3, "dnf": 3, "systemd": 6, "git": 20, "cron": 40,
    "group": 30, "hostname": 15, "mount": 30, "sysctl": 25, "apk": 20,
}  # fmt: skip
MORE = {"replace": 240}  # of what is drawn for it, little matches


def test_every_action_that_promises_an_undo_has_a_route() -> None:
    assert set(ROUTES) == reversible(), "write its state and its arguments in tests/contract/routes.py"


@pytest.mark.parametrize("action", ROUTES)
def test_there_and_back(action: str, tmp_path: Path) -> None:
    route = ROUTES[action]
    if route.needs:
        needs(*route.needs, root=True)
    few = EXAMPLES.get(action)
    tries = try_out(action, few or MORE.get(action, 60), tmp_path)
    for tried in tries:
        assert not tried.failed, tried.failed
    assert few or any(tried.changed for tried in tries), "some of what is drawn should change something"
