"""Whatever lies there and whatever is asked for: what an action has changed, its undo puts back.

`make reliability ONLY=undo_round_trip` does the same many more times.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from box_grounds import Account
from live_agents import INTERPRETERS, needs
from round_trip import travel
from routes import ROUTES, laid, reversible, try_out
from system_grounds import Machine
from worlds import World

EXAMPLES = {
    "service": 3, "package": 4, "pip": 3, "user": 30, "apt": 3, "dnf": 3, "systemd": 6, "git": 20, "cron": 40,
    "group": 30, "hostname": 15, "mount": 30, "sysctl": 25, "apk": 20,
}  # fmt: skip
MORE = {"replace": 240}  # of what is drawn for it, little matches


def test_every_action_that_promises_an_undo_has_a_route() -> None:
    assert set(ROUTES) == reversible(), "write its state and its arguments in tests/contract/routes.py"


LEARNED: list[tuple[str, object, dict[str, object]]] = [
    ("mount", Machine(mounted="mount -t tmpfs -o ro,noexec other /srv/mnt"),
     {"path": "/srv/mnt", "src": "tmpfs", "fstype": "tmpfs", "state": "mounted", "opts": "size=1m"}),
    ("mount", Machine(mounted="mount -t tmpfs -o size=1m,nr_inodes=20 tmpfs /srv/mnt"),
     {"path": "/srv/mnt", "src": "tmpfs", "fstype": "tmpfs", "state": "mounted", "opts": "size=2m,noexec,huge=always"}),
    ("user", Account(home="/srv/h/worker"), {"name": "worker", "home": "/home/worker", "move_home": True}),
    ("user", Account(world=World(nodes=())),
     {"name": "worker", "home": "/srv/h/worker", "move_home": True, "generate_ssh_key": True,
      "ssh_key_type": "ed25519"}),
    ("group", Account(), {"name": "newgroup", "gid": 4000, "non_unique": True}),
]  # fmt: skip


@pytest.mark.parametrize(("action", "drawn", "args"), LEARNED)
def test_what_once_did_not_come_back_does(
    action: str, drawn: object, args: dict[str, object], tmp_path: Path
) -> None:  # fmt: skip
    route = ROUTES[action]
    needs(*route.needs, root=True)
    with laid(route.ground, tmp_path / "ground", list(INTERPRETERS.values())[-1], "") as ground:
        trip = travel(ground, action, args, drawn)
    assert trip.changed
    assert not trip.differences


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
