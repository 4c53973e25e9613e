"""Finding a lab host's processes in /proc.

There are no pid files: a pid may be reused, and a creator that is killed never writes one. A host's holder is
found by its argument (the host's own folder), everything else by descent or by pid namespace.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable, Iterator
from pathlib import Path


def _pids() -> Iterator[int]:
    for name in os.listdir("/proc"):
        if name.isdigit():
            yield int(name)


def children(pid: int) -> list[int]:
    """The children of a process's main thread; empty when it is gone. Needs CONFIG_PROC_CHILDREN."""
    try:
        return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def is_running(pid: int) -> bool:
    """False when it is gone or a zombie: such a process holds nothing any more."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (OSError, IndexError):
        return False


def kill(pids: Iterable[int], *, timeout: float = 20.0) -> list[int]:
    """SIGKILL, and wait until they are gone; returns those that are not after `timeout` seconds (state D)."""
    doomed = list(pids)
    for pid in doomed:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    deadline = time.monotonic() + timeout
    while (alive := [pid for pid in doomed if is_running(pid)]) and time.monotonic() < deadline:
        time.sleep(0.01)
    return alive


def holders() -> dict[str, int]:
    """Host folder -> pid of the `unshare` whose death ends that host."""
    found: dict[str, int] = {}
    for pid in _pids():
        try:
            argv = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[:-1]
        except OSError:
            continue
        if argv and argv[0] == b"unshare" and len(argv) > 2 and argv[-2].endswith(b"/lab/boot/hold.sh"):
            found[os.fsdecode(argv[-1])] = pid
    return found


def in_pid_namespace_of(pid: int) -> Iterator[tuple[int, str]]:
    """(pid, command name) of every process in the pid namespace of `pid`."""
    wanted = os.readlink(f"/proc/{pid}/ns/pid")
    for other in _pids():
        try:
            if os.readlink(f"/proc/{other}/ns/pid") == wanted:
                yield other, Path(f"/proc/{other}/comm").read_text().strip()
        except OSError:
            continue
