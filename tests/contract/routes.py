"""Every action that promises to be reversible, and the ground on which that is tried.

A new one has no route until somebody writes it, and `tests/property/test_undo_round_trip.py` fails until then.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from box_grounds import Accounts, Box, Environments, Packages, Services
from box_trips import ACCOUNTS, ENVIRONMENT, INSTALLED, PACKAGE, PIP, SERVICE, SUPERVISED, USER
from file_trips import FILE_ARGS, Args
from hypothesis import strategies as st
from live_agents import INTERPRETERS, start
from round_trip import Folder, Ground, Tried, explore
from servers import pages
from system_grounds import Alpine, Crontabs, Machines, Repositories, Rpms, Units
from system_trips import (
    ALPINE,
    APK,
    APT,
    AUTHORIZED_KEY,
    COPIES,
    CRON,
    CRONTABS,
    DNF,
    GIT,
    GROUP,
    HOSTNAME,
    KNOWN_HOSTS,
    MACHINES,
    MOUNT,
    RPMS,
    SYSCTL,
    SYSTEMD,
    UNITS,
)  # fmt: skip
from worlds import worlds

from playbook_engine.catalog import catalog


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """How one action is tried: on which ground, on what states, with which arguments.

    `cost`: seconds that a trip takes, about. `needs`: programs, and root where there are any.
    """

    ground: type[Folder | Box | Environments | Repositories | Units]
    drawn: st.SearchStrategy[object]
    args: st.SearchStrategy[Args]
    cost: float = 0.02
    needs: tuple[str, ...] = ()

    @property
    def missing(self) -> str:
        """What this machine lacks for it; an empty text when it can be tried."""
        lacking = [each for each in self.needs if shutil.which(each) is None]
        return ", ".join(lacking) or ("root" if self.needs and os.geteuid() else "")


BOX = ("unshare", "nsenter")
ROUTES: Mapping[str, Route] = {
    **{action: Route(ground=Folder, drawn=worlds(), args=args) for action, args in FILE_ARGS.items()},
    "user": Route(ground=Accounts, drawn=ACCOUNTS, args=USER, cost=0.05, needs=(*BOX, "useradd", "usermod")),
    "package": Route(ground=Packages, drawn=INSTALLED, args=PACKAGE, cost=2, needs=(*BOX, "apt-get", "dpkg-deb")),
    "service": Route(ground=Services, drawn=SUPERVISED, args=SERVICE, cost=3, needs=(*BOX, "runsvdir", "sv")),
    "known_hosts": Route(ground=Folder, drawn=worlds(), args=KNOWN_HOSTS),
    "authorized_key": Route(ground=Folder, drawn=worlds(), args=AUTHORIZED_KEY),
    "cron": Route(ground=Crontabs, drawn=CRONTABS, args=CRON, cost=0.1, needs=(*BOX, "apt-get")),
    "group": Route(ground=Accounts, drawn=ACCOUNTS, args=GROUP, cost=0.05, needs=(*BOX, "groupadd")),
    "git": Route(ground=Repositories, drawn=COPIES, args=GIT, cost=0.4, needs=("git",)),
    "hostname": Route(ground=Machines, drawn=MACHINES, args=HOSTNAME, cost=0.1, needs=(*BOX, "hostname")),
    "mount": Route(ground=Machines, drawn=MACHINES, args=MOUNT, cost=0.1, needs=(*BOX, "mount")),
    "sysctl": Route(ground=Machines, drawn=MACHINES, args=SYSCTL, cost=0.1, needs=(*BOX, "sysctl")),
    "systemd": Route(ground=Units, drawn=UNITS, args=SYSTEMD, cost=1, needs=(*BOX, "systemctl")),
    "apt": Route(ground=Packages, drawn=INSTALLED, args=APT, cost=2, needs=(*BOX, "apt-get", "dpkg-deb")),
    "dnf": Route(ground=Rpms, drawn=RPMS, args=DNF, cost=3, needs=(*BOX, "apt-get")),
    "apk": Route(ground=Alpine, drawn=ALPINE, args=APK, cost=0.2, needs=BOX),
    "pip": Route(ground=Environments, drawn=ENVIRONMENT, args=PIP, cost=4),
}  # fmt: skip


def reversible() -> set[str]:
    """What the catalog promises to take back."""
    return {name for name in catalog.names() if catalog.get(name).reversible}


def try_out(action: str, examples: int, work: Path) -> list[Tried]:
    """Trips of one action in an empty directory: under the newest Python, and quick ones under the oldest as well.

    The oldest runs in the locale C, which is what sudo and sshd often leave.
    """
    route, pythons = ROUTES[action], list(INTERPRETERS.values())
    newest, oldest = (pythons[-1], ""), (pythons[0], "env LC_ALL=C ")
    ways = [newest, oldest] if route.ground is Folder else [newest]
    found = []
    for number, (python, wrap) in enumerate(ways):
        place = work / f"{action}{number}"
        with laid(route.ground, place, python, wrap) as ground:
            found.append(
                explore(ground, action, route.drawn, route.args, -(-examples // len(ways)), shrink=route.cost < 1)
            )
    return found


@contextmanager
def laid(
    kind: type[Folder | Box | Environments | Repositories | Units], place: Path, python: str, wrap: str
) -> Iterator[Ground]:
    with ExitStack() as stack:
        if kind is Folder:
            place.mkdir()
            agent = start(python, wrap)
            stack.callback(agent.session.close)
            yield Folder(agent, place, stack.enter_context(pages()))
            return
        ground = kind(place, python)  # type: ignore[call-arg, arg-type]
        assert not isinstance(ground, Folder)
        stack.callback(ground.close)
        yield ground
