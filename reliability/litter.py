"""What is on a lab host that was not there before: files wherever the engine could write, and processes.

A host is listed from outside, past SSH and past its own programs: from its disk, which outlives its boots, from what it
has in memory (/run, /dev/shm, a /tmp of its own), and from the processes of its pid namespace.
"""

from __future__ import annotations

import fnmatch
import hashlib
import os
import stat
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from playbook_engine.lab import processes
from playbook_engine.lab.host import LabHost

OVERLAYS = ("usr", "etc", "var/lib/dpkg")
MEMORY = ("run", "dev/shm", "tmp")

# What a running host writes by itself, and what the lab puts there to break it.
OWN = (
    "/run/sshd*", "/run/runit*", "/run/utmp", "/run/boot_id", "/run/drill*", "/dev/shm/*faketime*",
    "/var/log/lastlog", "/var/log/wtmp", "/var/log/btmp", "/var/spool/lab-fault*", "/etc/ssh/*", "/usr/bin/py*",
    "/usr/bin/perl*",
)  # fmt: skip
INFRASTRUCTURE = ("runsvdir", "runsv", "sshd")

LARGE = 1 << 20  # bytes: of a larger file only the size is compared


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Path → mode, owner, and digest or target; and the command lines that run. `disk` outlives a reboot."""

    disk: Mapping[str, str]
    memory: Mapping[str, str]
    running: Sequence[str]


def listing(host: LabHost) -> Listing:
    """The host as it is now. Raises LabError when it is not up."""
    root = host.root()
    hardware = host.hardware_pid()
    disk = Path(f"/proc/{hardware}/root{host.folder}/disk")
    on_disk = dict(_files(disk / "rootfs", ""))
    for name in OVERLAYS:
        upper = disk / "overlay" / name / "up"
        # A folder is copied up when something in it changes, and stays so: on the host it looks as it did below.
        on_disk.update(
            (p, what) for p, what in _files(upper, f"/{name}") if not (what.startswith("4") and _below(p, what))
        )
    in_memory: dict[str, str] = {}
    for name in MEMORY:
        top = root / name
        if top.is_dir() and top.stat().st_dev != root.stat().st_dev:
            in_memory.update(_files(top, f"/{name}"))
    return Listing(disk=on_disk, memory=in_memory, running=_running(host))


def litter(before: Listing, after: Listing, asked: Sequence[str] = (), *, restored: bool = False) -> list[str]:
    """What came or changed and is neither asked for nor the host's own; with `restored`, also what has gone.

    `asked` and `OWN` are globs on paths, or on command lines.
    """
    found = [
        f"{path}: {was or 'was not there'} -> {now}"
        for old, new in ((before.disk, after.disk), (before.memory, after.memory))
        for path, now in new.items()
        if (was := old.get(path)) != now and not _matches(path, (*OWN, *asked))
    ]
    if restored:
        found += [f"{p}: is gone" for p in before.disk if p not in after.disk and not _matches(p, (*OWN, *asked))]
    more = Counter(after.running) - Counter(before.running)
    return found + [f"process {line}" for line in more.elements() if not _matches(line, asked)]


def settled(host: LabHost, before: Listing, asked: Sequence[str], *, restored: bool, patience: float) -> list[str]:
    """The litter, once there is none or `patience` seconds are over: a process takes a moment to end."""
    end = time.monotonic() + patience
    while (found := litter(before, listing(host), asked, restored=restored)) and time.monotonic() < end:
        time.sleep(0.3)
    return found


def agents(host: LabHost) -> list[int]:
    """The processes on the host that are neither its supervisor's nor its sshd's own."""
    top = host.init_pid()
    if top is None:
        return []
    names = processes.in_pid_namespace_of(top)
    return [pid for pid, name in names if name not in INFRASTRUCTURE and processes.is_running(pid)]


def _running(host: LabHost) -> list[str]:
    found = []
    for pid in agents(host):
        try:
            line = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "backslashreplace")
        except OSError:
            continue
        found.append(line.strip()[:200])
    return [line for line in found if line]


def _files(top: Path, shown: str) -> Iterator[tuple[str, str]]:
    """(path as the host has it, what it is), of everything below `top` on its file system."""
    device = top.stat().st_dev
    for folder, folders, names in os.walk(top):
        folders[:] = [n for n in folders if os.lstat(os.path.join(folder, n)).st_dev == device]
        for name in (*folders, *names):
            whole = os.path.join(folder, name)
            path = shown + whole[len(str(top)) :]
            try:
                yield os.fsencode(path).decode("utf-8", "backslashreplace"), _what(whole)
            except FileNotFoundError:
                continue


def _what(path: str) -> str:
    status = os.lstat(path)
    told = f"{status.st_mode:o} {status.st_uid}:{status.st_gid}"
    if stat.S_ISLNK(status.st_mode):
        return f"{told} -> {os.readlink(path)}"
    if stat.S_ISREG(status.st_mode):
        if status.st_size > LARGE:
            return f"{told} {status.st_size} bytes"
        return f"{told} {hashlib.sha256(Path(path).read_bytes()).hexdigest()[:12]}"
    return told


def _below(path: str, what: str) -> bool:
    """Whether this machine, whose directories lie below the host's overlays, has the same folder."""
    return os.path.isdir(path) and _what(path) == what


def _matches(text: str, shapes: Sequence[str]) -> bool:
    return any(fnmatch.fnmatchcase(text, shape) for shape in shapes)
