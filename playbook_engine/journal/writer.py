"""Appending to one journal: many threads, one writer thread, one fdatasync(2) for all that came together."""

from __future__ import annotations

import fcntl
import os
import threading
import time
from pathlib import Path

from playbook_engine.journal import keys
from playbook_engine.journal.blobs import Blobs, sync_folder
from playbook_engine.journal.chain import START, frame, next_mac, scan
from playbook_engine.journal.codec import Codec, Record
from playbook_engine.journal.redaction import Redactor
from playbook_engine.model.errors import JournalError, NotFound
from playbook_engine.model.events import DURABLE, Event, LogClosed
from playbook_engine.model.ports import Clock

PATIENCE = 1.0  # seconds that somebody who only looks may hold the file


class JournalWriter:
    """Appends to one journal. Many threads may append; one writer thread groups them under one fdatasync(2)."""

    def __init__(self, folder: Path, clock: Clock, redactor: Redactor, *, resume: bool = False) -> None:
        """Raises JournalError when it cannot be written or is being written, NotFound for a run that never was."""
        self._clock = clock
        self._path = folder / "journal"
        self._seq, self._mac = 0, START
        if resume and not self._path.exists():
            raise NotFound(f"there is no run {folder.name!r}")
        try:
            if not resume:
                for each in (folder.parent.parent, folder.parent):
                    each.mkdir(mode=0o700, parents=True, exist_ok=True)  # what hosts said is nobody else's business
                folder.mkdir(mode=0o700)
            self._key = keys.load(folder / "key") if resume else keys.create(folder / "key")
            self._codec = Codec(self._key, Blobs(folder / "blobs"), redactor)
            flags = os.O_RDWR | os.O_APPEND | (0 if resume else os.O_CREAT | os.O_EXCL)
            self._fd = os.open(self._path, flags, 0o600)
            try:
                _lock(self._fd, folder.name)
                if resume:
                    self._continue(folder.name)
                else:
                    sync_folder(folder)
                    sync_folder(folder.parent)
            except BaseException:
                os.close(self._fd)
                raise
        except OSError as error:
            raise JournalError(
                f"the journal cannot be written: {folder}: {error.strerror}",
                advice="nothing was done on any host. Free space, or point RUNBOOK_STATE elsewhere",
            ) from error
        self._lock = threading.Lock()
        self._work = threading.Condition(self._lock)
        self._done = threading.Condition(self._lock)
        self._lines: list[bytes] = []
        self._flushed = self._seq
        self._failed: str = ""
        self._closing = False
        self._thread = threading.Thread(target=self._write, name="journal", daemon=True)
        self._thread.start()

    def _continue(self, run: str) -> None:
        """Goes on behind the last good record. Only what a crash leaves behind is cut off, and only once the file is
        ours. Damage in the middle stops here: what came after it was done, and nobody could know that any more."""
        contents = scan(self._path.read_bytes(), self._key)
        if contents.damage and not contents.torn:
            raise JournalError(
                f"{run} cannot be resumed: {contents.damage}",
                advice=f"what it says up to there can be read and taken back: `runbook show {run}`, "
                f"`runbook rollback {run}`. What came after must be looked for on the hosts",
            )  # fmt: skip
        self._seq, self._mac = contents.seq, contents.mac
        os.ftruncate(self._fd, contents.size)

    def append(self, event: Event) -> Record:
        """Adds the event in order; returns once it is durable if its kind asks for that. Raises JournalError."""
        at = self._clock.utc()
        text = self._codec.encode(event, at)
        with self._lock:
            if self._closing:
                raise JournalError("the journal is closed: the run has ended")
            seq = self._add(text)
            if isinstance(event, DURABLE):
                while self._flushed < seq and not self._failed:
                    self._done.wait()
            if self._failed:
                raise self._refusal()
        return Record(seq=seq, at=at, event=event)

    def close(self) -> None:
        """Writes the closing record and everything that waits; the file is then whole. Raises JournalError."""
        at = self._clock.utc()
        with self._lock:
            if self._closing:
                return
            self._add(self._codec.encode(LogClosed(events=self._seq), at))
            self._closing = True
        self._thread.join()
        os.close(self._fd)
        if self._failed:
            raise self._refusal()

    def abandon(self) -> None:
        """Writes what waits, and lets go of the file without a closing record: its run has come to no end."""
        with self._lock:
            if self._closing:
                return
            self._closing = True
            self._work.notify()
        self._thread.join()
        os.close(self._fd)

    def _refusal(self) -> JournalError:
        return JournalError(
            f"the journal cannot be written any more: {self._failed}",
            advice="no further change is sent. Free space; `runbook rollback` takes back what was done",
        )

    def _add(self, text: str) -> int:
        """With the lock held: the next record."""
        self._seq += 1
        self._mac = next_mac(self._key, self._mac, text)
        self._lines.append(frame(self._seq, self._mac, text))
        self._work.notify()
        return self._seq

    def _write(self) -> None:
        while True:
            with self._lock:
                while not self._lines and not self._closing:
                    self._work.wait()
                lines, self._lines = self._lines, []
                last = self._seq
                if not lines:
                    return
            failed = ""
            try:
                left = memoryview(b"".join(lines))
                while left:
                    left = left[os.write(self._fd, left) :]
                os.fdatasync(self._fd)
            except Exception as error:  # whatever it is, nobody may wait for this thread in vain
                failed = getattr(error, "strerror", None) or repr(error)
            with self._lock:
                self._failed = failed
                self._flushed = self._flushed if failed else last
                self._done.notify_all()
            if failed:
                return


def _lock(fd: int, run: str) -> None:
    """Holds the file for writing while the process lives: flock(2) ends with it, however it ends."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError as error:
            # Whoever asks whether it is being written holds it, too, for an instant.
            if time.monotonic() > until:
                raise JournalError(
                    f"{run} is being written by another process: it is still running",
                    advice="interrupt it where it runs (Ctrl-C), or wait for its end",
                ) from error
        time.sleep(0.01)
