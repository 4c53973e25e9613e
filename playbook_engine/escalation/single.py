"""One dispatcher for a state folder."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from playbook_engine.model.errors import JournalError


def hold(folder: Path, patience: float = 0.0) -> int | None:
    """The lock of a state folder's dispatcher: a file descriptor to be kept open; None when another one works.

    `patience`: seconds that somebody else may hold it. flock(2) ends with its process, however it ends.
    Raises JournalError.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        fd = os.open(folder / ".dispatcher", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise JournalError(f"escalations cannot be kept: {folder}: {error.strerror}") from error
    until = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            if time.monotonic() >= until:
                os.close(fd)
                return None
            time.sleep(0.05)
    os.ftruncate(fd, 0)
    os.write(fd, f"{os.getpid()}\n".encode())
    return fd
