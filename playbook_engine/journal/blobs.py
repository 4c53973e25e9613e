"""Large values beside a journal, each a file named by the SHA-256 of its bytes. What is stored is sealed already."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from playbook_engine.model.errors import JournalError


class Blobs:
    """The blobs of one run."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, digest: str) -> Path:
        return self._folder / digest

    def put(self, data: bytes) -> str:
        """Stores durably; the digest. Raises JournalError when the disk refuses."""
        digest = hashlib.sha256(data).hexdigest()
        path = self.path(digest)
        if path.exists():
            return digest
        beside = path.with_suffix(f".{os.getpid()}.{os.urandom(4).hex()}")
        try:
            if not self._folder.exists():
                self._folder.mkdir(mode=0o700, exist_ok=True)
                sync_folder(self._folder.parent)
            fd = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                left = memoryview(data)
                while left:
                    left = left[os.write(fd, left) :]
                os.fdatasync(fd)
            finally:
                os.close(fd)
            beside.rename(path)
            sync_folder(self._folder)
        except OSError as error:
            beside.unlink(missing_ok=True)
            raise JournalError(
                f"cannot store a before-image in {self._folder}: {error.strerror}",
                advice="no further change is sent. Free space; `runbook rollback` takes back what was done",
            ) from error
        return digest

    def get(self, digest: str) -> bytes:
        """Raises JournalError when it is missing or is not what its name says."""
        try:
            data = self.path(digest).read_bytes()
        except OSError as error:
            raise JournalError(
                f"the blob {digest[:12]} is missing: {error.strerror}",
                advice=f"it holds a value that the journal refers to, such as a state before: restore {self._folder}",
            ) from error
        if hashlib.sha256(data).hexdigest() != digest:
            raise JournalError(f"the blob {digest[:12]} was changed: its content is not what its name says")
        return data


def sync_folder(folder: Path) -> None:
    """Makes the names in a folder durable: a file whose name is lost with the power is lost. Raises OSError."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
