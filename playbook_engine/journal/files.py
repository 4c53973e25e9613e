"""The journal: one run is one folder with one append-only file of framed JSON lines.

A line is `SEQ CRC32 MAC JSON`. The checksum finds damage without the key; the MAC is an HMAC over the one before and
the JSON, so that editing, reordering or cutting out a record shows. A torn tail (the machine died while writing) is cut
and said; damage before the tail ends what is believed.
"""

from __future__ import annotations

import fcntl
import hmac
import os
import threading
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from playbook_engine.journal import keys
from playbook_engine.journal.blobs import Blobs
from playbook_engine.journal.codec import Codec, Record
from playbook_engine.journal.redaction import Redactor
from playbook_engine.model.errors import JournalError, NotFound
from playbook_engine.model.events import DURABLE, Event, LogClosed
from playbook_engine.model.ports import Clock

START = b"\0" * 16


class JournalWriter:
    """Appends to one journal. Many threads may append; one writer thread groups them under one fdatasync(2)."""

    def __init__(self, folder: Path, clock: Clock, redactor: Redactor, *, resume: bool = False) -> None:
        self._clock = clock
        self._path = folder / "journal"
        self._seq, self._mac = 0, START
        try:
            if resume:
                self._key = keys.load(folder / "key")
                self._codec = Codec(self._key, Blobs(folder / "blobs"), redactor)
                contents = _scan(self._path, self._key)
                self._seq, self._mac = contents.seq, contents.mac
                os.truncate(self._path, contents.size)
            else:
                for each in (folder.parent.parent, folder.parent):
                    each.mkdir(mode=0o700, parents=True, exist_ok=True)  # what hosts said is nobody else's business
                folder.mkdir(mode=0o700)
                self._key = keys.create(folder / "key")
                self._codec = Codec(self._key, Blobs(folder / "blobs"), redactor)
            self._fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise JournalError(f"{folder.name} is being written by another process: it is still running") from error
        except OSError as error:
            raise JournalError(
                f"the journal cannot be written: {folder}: {error.strerror}",
                advice="nothing was done on any host. Free space, or point RUNBOOK_STATE elsewhere",
            ) from error
        self._lock = threading.Condition()
        self._lines: list[bytes] = []
        self._flushed = self._seq
        self._failed: OSError | None = None
        self._closing = False
        self._thread = threading.Thread(target=self._write, name="journal", daemon=True)
        self._thread.start()

    def append(self, event: Event) -> Record:
        """Adds the event in order; returns once it is durable if its kind asks for that. Raises JournalError."""
        at = self._clock.utc()
        text = self._codec.encode(event, at)
        with self._lock:
            self._seq += 1
            seq = self._seq
            self._mac = _mac(self._key, self._mac, text)
            self._lines.append(_frame(seq, self._mac, text))
            self._lock.notify_all()
            if isinstance(event, DURABLE):
                while self._flushed < seq and self._failed is None:
                    self._lock.wait()
            if self._failed is not None:
                raise JournalError(
                    f"the journal cannot be written any more: {self._failed.strerror}",
                    advice="no further change is sent. Free space, then `runbook resume`",
                )
        return Record(seq=seq, at=at, event=event)

    def close(self) -> None:
        """Writes the closing record and everything that waits; the file is then whole."""
        try:
            self.append(LogClosed(events=self._seq))
        finally:
            with self._lock:
                self._closing = True
                self._lock.notify_all()
            self._thread.join()
            os.close(self._fd)

    def _write(self) -> None:
        while True:
            with self._lock:
                while not self._lines and not self._closing:
                    self._lock.wait()
                lines, self._lines = self._lines, []
                last = self._seq
                if not lines and self._closing:
                    return
            try:
                left = memoryview(b"".join(lines))
                while left:
                    left = left[os.write(self._fd, left) :]
                os.fdatasync(self._fd)
            except OSError as error:
                with self._lock:
                    self._failed = error
                    self._lock.notify_all()
                return
            with self._lock:
                self._flushed = last
                self._lock.notify_all()


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What a journal file holds. `damage` says what is wrong with it, if anything."""

    lines: tuple[tuple[int, str], ...]
    seq: int
    mac: bytes
    size: int
    damage: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """A journal as read: its good records, and what is to be said about the file."""

    run: str
    records: tuple[Record, ...]
    damage: str
    live: bool

    @property
    def closed(self) -> bool:
        """Whether it ends with its closing record: a tail that was cut off shows here."""
        return bool(self.records) and isinstance(self.records[-1].event, LogClosed)


class Store(Protocol):
    """Where the journals of runs are."""

    def create(self, run: str) -> JournalWriter: ...

    def resume(self, run: str) -> JournalWriter: ...

    def read(self, run: str) -> Journal: ...

    def runs(self) -> list[str]: ...


class FileStore:
    """Journals under `<state>/runs/RUN/`."""

    def __init__(self, state: Path, clock: Clock, redactor: Redactor) -> None:
        self._root = state / "runs"
        self._clock = clock
        self._redactor = redactor

    def folder(self, run: str) -> Path:
        return self._root / run

    def create(self, run: str) -> JournalWriter:
        return JournalWriter(self.folder(run), self._clock, self._redactor)

    def resume(self, run: str) -> JournalWriter:
        return JournalWriter(self.folder(run), self._clock, self._redactor, resume=True)

    def runs(self) -> list[str]:
        """Ids of all runs, oldest first."""
        if not self._root.is_dir():
            return []
        return sorted(p.name for p in self._root.iterdir() if (p / "journal").exists())

    def find(self, name: str) -> str:
        """The run of this id, of a unique beginning or end of it, or `last`. Raises NotFound."""
        if not name:
            raise NotFound("no run is named: the name is empty", advice="`runbook history` lists them")
        runs = self.runs()
        if name == "last" and runs:
            return runs[-1]
        found = [r for r in runs if r == name] or [r for r in runs if r.startswith(name) or r.endswith(name)]
        if len(found) == 1:
            return found[0]
        if not runs:
            raise NotFound("there are no runs yet", advice=f"looked in {self._root}; RUNBOOK_STATE says where they are")
        what = f"{name!r} means several runs: {', '.join(found)}" if found else f"there is no run {name!r}"
        raise NotFound(what, advice="`runbook history` lists them; `last` is the newest")

    def read(self, run: str) -> Journal:
        """All good records. Raises NotFound, JournalError when the key is missing."""
        folder = self.folder(run)
        if not (folder / "journal").exists():
            raise NotFound(f"there is no run {run!r}")
        key = keys.load(folder / "key")
        codec = Codec(key, Blobs(folder / "blobs"), self._redactor)
        contents = _scan(folder / "journal", key)
        records = tuple(codec.decode(seq, text) for seq, text in contents.lines)
        return Journal(run=run, records=records, damage=contents.damage, live=_locked(folder / "journal"))


def _frame(seq: int, mac: bytes, text: str) -> bytes:
    data = text.encode()
    return b"%07d %08x %s %s\n" % (seq, zlib.crc32(data), mac.hex().encode(), data)


def _mac(key: keys.JournalKey, before: bytes, text: str) -> bytes:
    return hmac.digest(key.chain, before + text.encode(), "sha256")[:16]


def _scan(path: Path, key: keys.JournalKey) -> Contents:
    """Reads lines until the first that is not good, and says why it stopped."""
    lines: list[tuple[int, str]] = []
    mac, size, damage = START, 0, ""
    data = path.read_bytes()
    for number, line in enumerate(_lines(data), 1):
        why = _fault(line, number, mac, key)
        if why:
            torn = size + len(line) == len(data) and not line.endswith(b"\n")
            damage = (
                f"the last record was torn while it was written and is left out ({len(line)} bytes)"
                if torn
                else f"record {number} {why}: only the {number - 1} before it are believed"
            )
            break
        text = line.rstrip(b"\n").split(b" ", 3)[3].decode()
        mac = _mac(key, mac, text)
        lines.append((number, text))
        size += len(line)
    return Contents(lines=tuple(lines), seq=len(lines), mac=mac, size=size, damage=damage)


def _lines(data: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(data):
        end = data.find(b"\n", at)
        end = len(data) if end < 0 else end + 1
        yield data[at:end]
        at = end


def _fault(line: bytes, number: int, before: bytes, key: keys.JournalKey) -> str:
    if not line.endswith(b"\n"):
        return "is torn"
    try:
        seq, crc, mac, data = line[:-1].split(b" ", 3)
        text = data.decode()
        if int(crc, 16) != zlib.crc32(data):
            return "is damaged: its checksum does not fit"
        if int(seq) != number:
            return f"has the number {int(seq)}: records are missing or out of order"
        if not hmac.compare_digest(mac, _mac(key, before, text).hex().encode()):
            return "was changed, moved, or written with another key: the chain does not fit"
    except ValueError:
        return "is no record"
    return ""


def _locked(path: Path) -> bool:
    """Whether a live process is writing it."""
    with path.open("rb") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        fcntl.flock(handle, fcntl.LOCK_UN)
    return False
