"""What fills the ailing host's disk: things that may be cleared away, and data that may not.

All of it is made from outside, through /proc/PID/root, and fast: blocks are allocated, not written, except for
logs, which are text.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path

from playbook_engine.lab import disk
from playbook_engine.lab.skeleton import APP_UID
from playbook_engine.model.frozen import frozen

MIB = 1 << 20
_DAY = 86400.0
_LINE = b"2025-08-01T17:%02d:%02d.750Z WARN  feed BTCUSDT sequence gap %08d, resubscribing (attempt %d)\n"


class Kind(StrEnum):
    #: fetched again on demand
    CACHE = "cache"
    JOURNAL = "journal"
    ROTATED_LOG = "rotated-log"
    OLD_TEMP = "old-temp"
    #: a process appends to it: to be truncated, for unlinking it frees nothing
    OPEN_LOG = "open-log"
    #: unlinked, but a process still holds it
    DELETED_OPEN = "deleted-open"
    #: must survive every clean-up
    DATA = "data"


@frozen
class Clutter:
    """Files of one kind in one place.

    `name` is formatted with `n` (the number) and may contain directories; `size` is in bytes, per file.
    """

    kind: Kind
    folder: str
    name: str
    count: int
    size: int
    age_days: float = 0.0
    uid: int = 0
    text: bool = False


#: The spool file that `report-export` opens, unlinks and forgets to close.
EXPORT = "var/spool/export/report.part"
OPEN_LOG = "var/log/trader/server.log"
_DATA = "var/lib/trader/market-data"

CLUTTER = (
    Clutter(kind=Kind.CACHE, folder="root/.cache/pip/http-v2", name="{b}/{n:05x}.body", count=12_000, size=4096),
    Clutter(kind=Kind.CACHE, folder="root/.cache/pip/wheels", name="{n:02d}/package-{n}.whl", count=40, size=8 * MIB),
    Clutter(
        kind=Kind.CACHE,
        folder="home/app/.npm/_cacache/content-v2/sha512",
        name="{b}/{n:08x}",
        count=90_000,
        size=4096,
        uid=APP_UID,
    ),
    Clutter(kind=Kind.CACHE, folder="var/cache/apt/archives", name="lib-{n:02d}_1.0_amd64.deb", count=40, size=8 * MIB),
    Clutter(
        kind=Kind.JOURNAL, folder="var/log/journal/{machine}", name="system@{n:016x}.journal", count=6, size=64 * MIB
    ),
    Clutter(
        kind=Kind.ROTATED_LOG,
        folder="var/log/trader",
        name="server.log.1",
        count=1,
        size=96 * MIB,
        age_days=2,
        text=True,
        uid=APP_UID,
    ),
    Clutter(
        kind=Kind.ROTATED_LOG,
        folder="var/log/trader",
        name="engine.log.{n}.gz",
        count=8,
        size=16 * MIB,
        age_days=9,
        uid=APP_UID,
    ),
    Clutter(kind=Kind.OLD_TEMP, folder="tmp", name="upload-{n:04d}", count=2_000, size=4096, age_days=20, uid=APP_UID),
    Clutter(kind=Kind.OLD_TEMP, folder="var/tmp", name="build-{b}/{n:05d}.o", count=8_000, size=8192, age_days=45),
    Clutter(kind=Kind.OLD_TEMP, folder="var/tmp", name="core.{n}", count=4, size=24 * MIB, age_days=31),
    Clutter(kind=Kind.OPEN_LOG, folder="var/log/trader", name="server.log", count=1, size=416 * MIB, text=True),
    Clutter(kind=Kind.DELETED_OPEN, folder="var/spool/export", name="report.part", count=1, size=192 * MIB),
    Clutter(kind=Kind.DATA, folder=f"{_DATA}/ticks", name="{b}/{n:05d}.tick", count=40_000, size=512, uid=APP_UID),
)


def reclaimable(clutter: Iterable[Clutter] = CLUTTER) -> tuple[int, int]:
    """(bytes in whole pages, files) that a clean-up can win back."""
    wanted = [c for c in clutter if c.kind is not Kind.DATA]
    return sum(c.count * -(-c.size // 4096) * 4096 for c in wanted), sum(c.count for c in wanted)


def scatter(root: Path, clutter: Iterable[Clutter] = CLUTTER, *, machine: str = "machine") -> None:
    """Make the clutter below `root`. Raises OSError (ENOSPC) when it does not fit."""
    now = time.time()
    for item in clutter:
        _make(root, item, machine, now - item.age_days * _DAY)


def _make(root: Path, item: Clutter, machine: str, modified: float) -> None:
    folder = root / item.folder.format(machine=machine)
    _directories(folder, root, item.uid)
    top = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    buckets: set[str] = set()
    try:
        for n in range(item.count):
            name = item.name.format(n=n, b=f"{n % 256:02x}")
            below = name.rpartition("/")[0]
            if below and below not in buckets:
                os.mkdir(below, dir_fd=top)
                _stamp(below, top, item, modified)
                buckets.add(below)
            # Existing ones are appended to: a log that a service has opened must stay the same file.
            made = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644, dir_fd=top)
            try:
                _content(made, item)
                if item.uid:
                    os.fchown(made, item.uid, item.uid)
                if item.age_days:
                    os.utime(made, (modified, modified))
            finally:
                os.close(made)
        for below in buckets:
            _stamp(below, top, item, modified)  # again: making files in it has moved its time
    finally:
        os.close(top)


def _content(descriptor: int, item: Clutter) -> None:
    if item.text:
        block = b"".join(_LINE % (n % 60, n % 60, n, n % 9) for n in range(MIB // 64))[: MIB - 1] + b"\n"
        for _ in range(item.size // MIB):
            os.write(descriptor, block)
        os.write(descriptor, block[: item.size % MIB])
    elif item.size <= 4096:
        os.write(descriptor, b"\0")  # one byte takes the whole page, with half the work of an allocation
    else:
        os.posix_fallocate(descriptor, 0, item.size)


def _stamp(name: str, top: int, item: Clutter, modified: float) -> None:
    if item.uid:
        os.chown(name, item.uid, item.uid, dir_fd=top)
    if item.age_days:
        os.utime(name, (modified, modified), dir_fd=top)


def _directories(folder: Path, root: Path, uid: int) -> None:
    for part in (*reversed(folder.relative_to(root).parents), folder.relative_to(root)):
        path = root / part
        if not path.exists():
            path.mkdir()
            if uid:
                os.chown(path, uid, uid)


def top_up(root: Path) -> int:
    """Take what is still free with data that must stay; returns how many bytes are free then (0, if nobody deletes)."""
    disk.fill(root / _DATA / "history.bin")
    return disk.free_bytes(root)
