"""The journals of runs as files: one folder a run, with one append-only file in it (see `chain`), its key and blobs."""

from __future__ import annotations

import fcntl
import hmac
from pathlib import Path
from typing import Protocol

from playbook_engine.journal import keys
from playbook_engine.journal.blobs import Blobs
from playbook_engine.journal.chain import scan
from playbook_engine.journal.codec import Codec, Record
from playbook_engine.journal.keys import JournalKey
from playbook_engine.journal.redaction import Redactor
from playbook_engine.journal.writer import JournalWriter
from playbook_engine.model.errors import JournalError, NotFound
from playbook_engine.model.events import LogClosed
from playbook_engine.model.frozen import frozen
from playbook_engine.model.ports import Clock

__all__ = ["FileStore", "Journal", "JournalWriter", "Store"]


@frozen
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


@frozen
class Raw:
    """A journal as it lies on the disk. `live`: somebody is writing it, so its last record may be half there."""

    data: bytes
    key: JournalKey
    live: bool


class Store(Protocol):
    """Where the journals of runs are."""

    def create(self, run: str) -> JournalWriter: ...

    def resume(self, run: str) -> JournalWriter: ...

    def read(self, run: str) -> Journal: ...

    def runs(self) -> list[str]: ...


class FileStore:
    """Journals under `<state>/runs/RUN/`. `kind`: `runs`, and the same for `escalations`, `drills`, `incidents`."""

    def __init__(self, state: Path, clock: Clock, redactor: Redactor, kind: str = "runs") -> None:
        self._root = state / kind
        self._noun = kind.removesuffix("s")
        self._lists = "`runbook history` lists them" if kind == "runs" else f"`runbook {self._noun} list` lists them"
        self._clock = clock
        self._redactor = redactor

    def folder(self, run: str) -> Path:
        return self._root / run

    def create(self, run: str) -> JournalWriter:
        return JournalWriter(self.folder(run), self._clock, self._redactor)

    def resume(self, run: str) -> JournalWriter:
        return JournalWriter(self.folder(run), self._clock, self._redactor, resume=True)

    def sign(self, run: str, text: bytes) -> str:
        """A digest of `text` that only whoever has the run's key can make: it holds no secret to be tried out.

        Raises JournalError when the key is missing or damaged.
        """
        return hmac.digest(keys.load(self.folder(run) / "key").chain, b"signed " + text, "sha256").hex()

    def locked(self, run: str) -> bool:
        """Whether a live process is writing it. Raises OSError."""
        return _locked(self.folder(run) / "journal")

    def runs(self) -> list[str]:
        """Ids of all runs, oldest first. Raises JournalError when the folder cannot be looked into."""
        try:
            return sorted(p.name for p in self._root.iterdir() if (p / "journal").exists())
        except FileNotFoundError:
            return []
        except OSError as error:
            raise JournalError(
                f"the journals cannot be read: {self._root}: {error.strerror}",
                advice="RUNBOOK_STATE says where they are, and they belong to whoever ran the runbooks",
            ) from error

    def find(self, name: str) -> str:
        """The run of this id, of a unique beginning or end of it, or `last`. Raises NotFound."""
        if not name:
            raise NotFound(f"no {self._noun} is named: the name is empty", advice=self._lists)
        runs = self.runs()
        if name == "last" and runs:
            return runs[-1]
        found = [r for r in runs if r == name] or [r for r in runs if r.startswith(name) or r.endswith(name)]
        if len(found) == 1:
            return found[0]
        if not runs:
            where = f"looked in {self._root}; RUNBOOK_STATE says where they are"
            raise NotFound(f"there are no {self._noun}s yet", advice=where)
        some = ", ".join(found[-5:]) + (f" and {len(found) - 5} more" if len(found) > 5 else "")
        what = f"{name!r} means several {self._noun}s: {some}" if found else f"there is no {self._noun} {name!r}"
        raise NotFound(what, advice=f"{self._lists}; `last` is the newest")

    def read(self, run: str) -> Journal:
        """All good records. Raises NotFound; JournalError when a file, the key or a blob is missing or unreadable."""
        raw = self.raw(run)
        codec = Codec(raw.key, Blobs(self.folder(run) / "blobs"), self._redactor)
        contents = scan(raw.data, raw.key)
        records = tuple(codec.decode(seq, text) for seq, text in contents.lines)
        # The last record of a run that goes on may be half written at this instant: that is no damage.
        damage = "" if raw.live and contents.torn else contents.damage
        return Journal(run=run, records=records, damage=damage, live=raw.live)

    def raw(self, run: str) -> Raw:
        """The file and its key. Raises NotFound; JournalError when one of them is missing or unreadable."""
        path = self.folder(run) / "journal"
        try:
            if not path.exists():
                raise NotFound(f"there is no {self._noun} {run!r}", advice=self._lists)
            live = _locked(path)  # looked at first: a run that ends meanwhile is then read whole
            data = path.read_bytes()
        except OSError as error:
            raise JournalError(
                f"the journal of {run} cannot be read: {error.strerror}", advice="it belongs to whoever ran the runbook"
            ) from error
        return Raw(data=data, key=keys.load(path.parent / "key"), live=live)


def _locked(path: Path) -> bool:
    """Whether a live process is writing it."""
    with path.open("rb") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        fcntl.flock(handle, fcntl.LOCK_UN)
    return False
