"""Building the ailing host: boot it, wait for its services, then fill its disk to the last byte."""

from __future__ import annotations

import json
import os
import pwd
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from playbook_engine.lab import disk, wheelhouse
from playbook_engine.lab.errors import LabError
from playbook_engine.lab.host import LabHost
from playbook_engine.lab.lab import Lab
from playbook_engine.lab.prerequisites import HOSTS, SICK, require
from playbook_engine.lab.sick import clutter, services
from playbook_engine.lab.spec import Bind, HostSpec
from playbook_engine.model.frozen import frozen

_SYSTEM_PYTHON = Path("/usr/bin/python3")
_STALE_SINCE = 3 * 3600.0


@frozen
class Sickness:
    """How ill the host is to be. `latency_ms` is the exchange's."""

    name: str = "sick"
    latency_ms: int = 969
    market_open: bool = True
    filled: bool = True
    mlflow_wheels: bool = True
    size_bytes: int = 3 << 30
    inodes: int = 200_000


def bring_up(lab: Lab, sickness: Sickness, *, say: Callable[[str], object] = lambda text: None) -> LabHost:
    """Make the host; when this returns, every service answers and, if it is to be `filled`, 0 bytes are free."""
    require(HOSTS + SICK)
    (host,) = lab.up([_spec(sickness, say)])
    try:
        host.unfinished.touch()
        if sickness.filled:
            machine = (host.root() / "etc/machine-id").read_text().strip()
            clutter.scatter(host.root(), machine=machine)
        _wait_for_services(host)
        if sickness.filled:
            _fill_up(host)
        host.unfinished.unlink()
    except BaseException:
        lab.down([host.name])
        raise
    return host


def _spec(sickness: Sickness, say: Callable[[str], object]) -> HostSpec:
    binds = [Bind(source=wheelhouse.node(say=say), target=services.NODE)]
    variables = {}
    if sickness.mlflow_wheels:
        binds.append(Bind(source=wheelhouse.wheels(_SYSTEM_PYTHON, say=say), target=services.WHEELHOUSE))
        variables["find_links"] = services.WHEELHOUSE
    redis = pwd.getpwnam("redis")
    return HostSpec(
        name=sickness.name,
        size_bytes=sickness.size_bytes,
        inodes=sickness.inodes,
        binds=tuple(binds),
        files=services.files(
            latency_ms=sickness.latency_ms,
            market_open=sickness.market_open,
            redis_uid=redis.pw_uid,
            redis_gid=redis.pw_gid,
        ),
        aliases=services.ALIASES,
        groups=("sick",),
        variables=variables,
    )


def _wait_for_services(host: LabHost, *, timeout: float = 60.0) -> None:
    """Until the API, the exchange, Redis and both engines (port and first heartbeat) are there."""
    deadline = time.monotonic() + timeout
    waiting = "its services"
    while time.monotonic() < deadline:
        waiting = _not_there_yet(host)
        if not waiting:
            return
        time.sleep(0.05)
    raise LabError(f"lab host {host.name}: {waiting} did not come up within {timeout:.0f} s")


def _not_there_yet(host: LabHost) -> str:
    """The first thing that is missing; empty when all is there."""
    try:
        with urllib.request.urlopen(f"http://{host.address}:{services.HTTP_PORT}/api/db/ping", timeout=2):
            pass
    except (urllib.error.URLError, OSError):
        return "the trader's API"
    for name, port in services.ENGINE_PORTS.items():
        try:
            socket.create_connection((host.address, port), timeout=1).close()
        except OSError:
            return f"the {name} engine"
        if not (host.root() / services.HEARTBEATS[1:] / f"{name}.json").exists():
            return f"the heartbeat of the {name} engine"
    for name, port in (("Redis", services.REDIS_PORT), ("the exchange", services.EXCHANGE_PORT)):
        # These listen on the host's loopback only: /proc/net/tcp of its network namespace says so from here.
        if f":{port:04X} 00000000:0000 0A" not in _sockets(host):
            return name
    return ""


def _sockets(host: LabHost) -> str:
    return Path(f"/proc/{host.hardware_pid()}/net/tcp").read_text()


def _fill_up(host: LabHost) -> None:
    """Fill to 0 bytes, with the crypto engine's heartbeat going stale because of it.

    The engine writes beside and renames, which frees one page each time: filled while it is at that, the disk would
    always have that page. So it is held still, between two heartbeats, until the disk is full.
    """
    root = host.root()
    heartbeat = root / services.HEARTBEATS[1:] / "crypto.json"
    if not _until(lambda: not (root / clutter.EXPORT).exists(), seconds=10):
        raise LabError(f"lab host {host.name}: report-export has not taken its spool file")
    host.exec(["sv", "pause", "engine-crypto"], check=True)
    try:
        while heartbeat.with_name("crypto.json.new").exists():
            host.exec(["sv", "cont", "engine-crypto"], check=True)
            time.sleep(0.01)
            host.exec(["sv", "pause", "engine-crypto"], check=True)
        if not _until(lambda: clutter.top_up(root) == 0, seconds=10):
            raise LabError(f"lab host {host.name}: {disk.free_bytes(root)} bytes of its disk stay free")
        _backdate(heartbeat)
    finally:
        host.exec(["sv", "cont", "engine-crypto"], check=True)


def _backdate(heartbeat: Path) -> None:
    """Let a heartbeat have stopped hours ago. In place and of the same length: there is no room for a new file."""
    text = heartbeat.read_text()
    state = json.loads(text)
    for key in ("ts", "last_tick", "started"):
        state[key] = round(state[key] - _STALE_SINCE, 3)
    state["symbols"] = {s: round(t - _STALE_SINCE, 3) for s, t in state["symbols"].items()}
    with heartbeat.open("r+") as file:
        file.write(json.dumps(state).ljust(len(text) - 1) + "\n")
    os.utime(heartbeat, (state["ts"], state["ts"]))


def _until(condition: Callable[[], bool], *, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
