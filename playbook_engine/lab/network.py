"""Addresses and links: one veth pair and one /30 out of 198.18.0.0/15 (RFC 2544, for test beds) per host.

No bridge, no forwarding: a host sees the controller and nothing else.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import socket
import subprocess
from collections.abc import Iterable

from playbook_engine.lab.errors import LabError
from playbook_engine.model.frozen import frozen

_RANGE = ipaddress.IPv4Network("198.18.0.0/15")
_MOST = _RANGE.num_addresses // 4


@frozen
class Wire:
    """One numbered pair: `link` stays with the controller, `peer` becomes the host's eth0.

    `owner` stands on the link as its alias: a lab that died before it made its links keeps a number in its files that
    another lab may have got since, and must not take that one's link down.
    """

    number: int
    owner: str = ""

    @property
    def mark(self) -> str:
        """The owner as an alias: a folder's name may hold blanks, and ip(8) takes 255 characters."""
        return f"runbook-lab-{hashlib.sha256(self.owner.encode()).hexdigest()[:24]}"

    @property
    def link(self) -> str:
        return f"rblab{self.number}"

    @property
    def peer(self) -> str:
        return f"rblab{self.number}p"

    @property
    def gateway(self) -> str:
        return str(_RANGE[self.number * 4 + 1])

    @property
    def address(self) -> str:
        return str(_RANGE[self.number * 4 + 2])


def free_wires(count: int) -> list[Wire]:
    """The lowest numbers whose link name and addresses nobody uses. Call under `address_lock`."""
    shown = subprocess.run(["ip", "-j", "-4", "addr", "show"], capture_output=True, check=True).stdout
    used = {
        ipaddress.IPv4Address(info["local"])
        for interface in json.loads(shown or b"[]")
        for info in interface.get("addr_info", ())
    }
    taken = {(int(a) - int(_RANGE[0])) // 4 for a in used if a in _RANGE}
    links = _links()
    wires: list[Wire] = []
    for number in range(_MOST):
        wire = Wire(number=number)
        if number not in taken and wire.link not in links and wire.peer not in links:
            wires.append(wire)
            if len(wires) == count:
                return wires
    raise LabError(f"no {count} free addresses are left in {_RANGE}", advice="`runbook lab down` frees them")


def create(wires: Iterable[Wire]) -> None:
    """Make the pairs and give the controller's ends their addresses."""
    _batch(
        line
        for w in wires
        for line in (
            f"link add {w.link} type veth peer name {w.peer}",
            f"link set {w.link} alias {w.mark}",
            f"addr add {w.gateway}/30 dev {w.link}",
            f"link set {w.link} up",
        )
    )


def plug_in(wire: Wire, pid: int) -> None:
    """Move the host's end into the network namespace of `pid`."""
    _batch([f"link set {wire.peer} netns {pid} name eth0"])


def remove(wires: Iterable[Wire]) -> None:
    """Remove what is left of the pairs; those that went with their host are no error."""
    for wire in wires:
        if exists(wire):
            # It may vanish by itself meanwhile: the kernel takes a namespace's links down in its own time.
            subprocess.run(["ip", "link", "del", wire.link], capture_output=True, check=False)


def exists(wire: Wire) -> bool:
    """Whether the link is there and is its owner's; one that died before it got an owner is anybody's."""
    if wire.link not in _links():
        return False
    shown = subprocess.run(["ip", "-j", "link", "show", wire.link], capture_output=True, check=False).stdout
    alias = next((str(info.get("ifalias", "")) for info in json.loads(shown or b"[]")), None)
    return alias is not None and alias in ("", wire.mark)


def _links() -> set[str]:
    """Of this network namespace. /sys/class/net may be another one's: it shows that of whoever mounted it."""
    return {name for _, name in socket.if_nameindex()}


def _batch(lines: Iterable[str]) -> None:
    text = "\n".join(lines) + "\n"
    done = subprocess.run(["ip", "-batch", "-"], input=text, text=True, capture_output=True, check=False)
    if done.returncode:
        raise LabError(f"ip(8) refused to set up the lab's network: {done.stderr.strip()}")
