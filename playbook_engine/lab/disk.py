"""Using a host's disk up, to the last byte or the last inode, from outside."""

from __future__ import annotations

import errno
import os
from pathlib import Path

_FULL = (errno.ENOSPC, errno.EDQUOT)


def allocate(path: Path, size: int) -> None:
    """Make (or extend) a file with `size` bytes of real blocks. No data is written, so it is fast."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        os.posix_fallocate(descriptor, 0, size)
    finally:
        os.close(descriptor)


def free_bytes(folder: Path) -> int:
    """What an ordinary user can still write there."""
    state = os.statvfs(folder)
    return state.f_bavail * state.f_frsize


def free_inodes(folder: Path) -> int:
    return os.statvfs(folder).f_favail


def fill(path: Path) -> int:
    """Let the file at `path` grow until nothing is free on its file system; returns its size.

    Others may write and delete meanwhile, so one look at what is free is not enough: ask for all of it, and
    for less when somebody was faster, until there is nothing.
    """
    size = path.stat().st_size if path.exists() else 0
    while free := free_bytes(path.parent):
        wanted = free
        while wanted:
            try:
                allocate(path, size + wanted)
                size += wanted
                break
            except OSError as error:
                if error.errno not in _FULL:
                    raise
                wanted = wanted // 2 // 4096 * 4096
        if not wanted:
            break
    return size


def fill_inodes(folder: Path) -> int:
    """Create empty files in `folder` until no inode is free; returns how many."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    made = 0
    try:
        while True:
            os.mknod(f"{made:06d}", 0o100644, dir_fd=descriptor)
            made += 1
    except OSError as error:
        if error.errno not in _FULL:
            raise
    finally:
        os.close(descriptor)
    return made
