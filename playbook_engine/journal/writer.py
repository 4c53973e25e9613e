"""Appending to one journal: many threads, one writer thread, one fdatasync(2) for all that came together."""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
import time
from collections import deque
from pathlib import Path

from playbook_engine.journal import keys
from playbook_engine.journal.blobs import Blobs, sync_folder
from playbook_engine.journal.chain import START, frame, next_mac, scan
from playbook_engine.journal.codec import Codec
from playbook_engine.journal.redaction import Redactor
from playbook_engine.model.errors import JournalError, NotFound
from playbook_engine.model.events import DURABLE, Event, LogClosed
from playbook_engine.model.ports import Clock

IDLE = 0.02  # seconds that events which nobody waits for are gathered
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
        self._queue: deque[tuple[str, _Wish | None]] = deque()
        self._bell = threading.Lock()
        self._bell.acquire()
        self._idle = True
        self._urgent = self._closing = self._ended = False
        self._closed_at = ""
        self._failed = ""
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

    def append(self, event: Event) -> str:
        """Adds the event behind those that its thread has added; returns once it is durable if its kind asks for that,
        with the time that stands in its record.

        Raises JournalError. No lock is held here: a thread that loses the interpreter while it holds one that all the
        others want costs each of them two switches an event, more than everything else that an event costs.
        """
        if self._closing or self._failed:
            raise self._refusal()
        at = self._clock.utc()
        text = self._codec.encode(event, at)
        if type(event).__name__ not in DURABLE:
            self._queue.append((text, None))
            if self._idle:
                self._ring()
            return at
        wish = _Wish()
        self._queue.append((text, wish))
        self._urgent = True
        self._ring()
        if not self._ended:
            wish.heard.acquire()
        if not wish.granted:
            raise self._refusal()
        return at

    def close(self) -> None:
        """Writes the closing record and everything that waits; the file is then whole. Raises JournalError."""
        if self._closing:
            return
        self._closed_at = self._clock.utc()
        self.abandon()
        if self._failed:
            raise self._refusal()

    def abandon(self) -> None:
        """Writes what waits, and lets go of the file without a closing record: its run has come to no end."""
        if self._closing:
            return
        self._closing = True
        self._ring()
        self._thread.join()
        os.close(self._fd)

    def _refusal(self) -> JournalError:
        if not self._failed:
            return JournalError("the journal is closed: the run has ended")
        return JournalError(
            f"the journal cannot be written any more: {self._failed}",
            advice="no further change is sent. Free space; `runbook rollback` takes back what was done",
        )

    def _ring(self) -> None:
        self._idle = False
        with contextlib.suppress(RuntimeError):  # it has been rung
            self._bell.release()

    def _write(self) -> None:
        while not self._failed:
            closing = self._closing  # looked at first: what came before it is in the queue
            self._urgent = False
            lines: list[str] = []
            wishes: list[_Wish] = []
            while self._queue:
                text, wish = self._queue.popleft()
                lines.append(text)
                if wish is not None:
                    wishes.append(wish)
            if lines:
                self._failed = self._written(lines, sync=bool(wishes) or closing)
            for wish in wishes:
                wish.answer(not self._failed)
            if closing and not lines:
                break
            if not self._queue and not self._closing:
                self._wait()
        if self._closed_at and not self._failed:
            self._failed = self._written([self._codec.encode(LogClosed(events=self._seq), self._closed_at)], sync=True)
        self._ended = True
        while self._queue:
            if (wish := self._queue.popleft()[1]) is not None:
                wish.answer(False)  # whoever came too late hears of it, too

    def _wait(self) -> None:
        """Until there is something that somebody waits for, or something else has been there for a while: nobody waits
        for that, more will come, and one write serves all."""
        self._idle = True
        if not self._queue and not self._closing:
            self._bell.acquire()
        self._idle = False
        if not self._urgent and not self._closing:
            self._bell.acquire(timeout=IDLE)

    def _written(self, lines: list[str], *, sync: bool) -> str:
        """Puts the lines behind the last record, onto the disk with `sync`. Why that failed, or nothing."""
        try:
            framed = []
            for text in lines:
                self._seq += 1
                self._mac = next_mac(self._key, self._mac, text)
                framed.append(frame(self._seq, self._mac, text))
            left = memoryview(b"".join(framed))
            while left:
                left = left[os.write(self._fd, left) :]
            if sync:
                os.fdatasync(self._fd)
        except Exception as error:  # whatever it is, nobody may wait for this thread in vain
            return getattr(error, "strerror", None) or repr(error)
        return ""


class _Wish:
    """Somebody's, to have a record on the disk. `heard` is let go of by the writer's thread."""

    __slots__ = ("granted", "heard")

    def __init__(self) -> None:
        self.granted = False
        self.heard = threading.Lock()
        self.heard.acquire()

    def answer(self, granted: bool) -> None:
        self.granted = granted
        self.heard.release()


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
