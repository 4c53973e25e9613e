"""Locks of the lab. Both kinds vanish with the process that holds them, also when it is killed."""

from __future__ import annotations

import fcntl
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playbook_engine.lab.errors import LabError


@contextmanager
def state_lock(root: Path) -> Iterator[None]:
    """One `up`, `down`, `break` or `heal` at a time in one lab. The lock file goes when the folder goes."""
    path = root / "lock"
    while True:
        root.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            # Whoever held it may have been `down`, which removes the file: then this lock guards nothing.
            if path.exists() and os.path.samestat(os.fstat(descriptor), os.stat(path)):
                yield
                return
        finally:
            os.close(descriptor)


@contextmanager
def address_lock(*, timeout: float = 60.0) -> Iterator[None]:
    """Held while addresses and link names are picked; shared by all labs of one network namespace.

    An abstract socket is exactly as wide as what it guards: its names belong to the network namespace
    (unix(7)), and there is no file that another user could be unable to open.
    """
    deadline = time.monotonic() + timeout
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as lock:
        while True:
            try:
                lock.bind("\0playbook-engine/lab/addresses")
                break
            except OSError as error:
                if time.monotonic() > deadline:
                    raise LabError(
                        f"another lab has been picking addresses for {timeout:.0f} s",
                        advice="look for a hanging `runbook lab up`",
                    ) from error
                time.sleep(0.01)
        yield
