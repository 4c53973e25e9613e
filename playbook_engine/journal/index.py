"""A SQLite index over the runs, for lists and searches. The journals are the truth: it can be deleted at any time."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from playbook_engine.journal.files import FileStore
from playbook_engine.journal.fold import RunView, fold
from playbook_engine.model.errors import EngineError
from playbook_engine.model.frozen import frozen
from playbook_engine.model.outcome import OPEN

VERSION = 2
PREVIEWS = ("plan", "check")
SCHEMA = """
CREATE TABLE IF NOT EXISTS runs (
  run TEXT PRIMARY KEY, kind TEXT NOT NULL, runbook TEXT NOT NULL, started TEXT NOT NULL, finished TEXT NOT NULL,
  exit_code INTEGER, hosts TEXT NOT NULL, statuses TEXT NOT NULL, actor TEXT NOT NULL, of TEXT NOT NULL,
  drill TEXT NOT NULL, size INTEGER NOT NULL
) WITHOUT ROWID;
"""


@frozen
class RunRow:
    """One run in a list. `exit_code` is None for a run that has not ended: it is running, or its controller died.
    `drill`: the drill that it belongs to; empty for a real one."""

    run: str
    kind: str
    runbook: str
    started: str
    finished: str
    exit_code: int | None
    hosts: tuple[str, ...]
    statuses: tuple[str, ...]
    actor: str
    of: str
    drill: str


class RunIndex:
    """The index of a state folder; brought up to date before each use, by the journals' sizes."""

    def __init__(self, state: Path, store: FileStore) -> None:
        self._path = state / "index.sqlite"
        self._store = store

    def runs(self) -> list[RunRow]:
        """All runs, oldest first. Raises JournalError when the state folder cannot be read.

        Where the index cannot be written (somebody else's state folder, a full disk), it is made in memory.
        """
        there = self._sizes()
        try:
            with closing(self._open(self._path)) as db:
                return self._updated(db, there)
        except (OSError, sqlite3.Error):
            with closing(self._open(":memory:")) as db:
                return self._updated(db, there)

    def open(self) -> list[RunRow]:
        """Runs that go on, died, or left hosts open, and that nobody took back since; oldest first.

        Nobody goes on with a preview: the next one looks at everything again; nor with a drill's: its hosts are gone.
        """
        rows = self.runs()
        back = {row.of for row in rows if row.kind == "rollback" and row.exit_code == 0}
        return [
            row for row in rows
            if row.run not in back and not row.drill
            and (row.exit_code is None or (row.kind not in PREVIEWS and OPEN.intersection(filter(None, row.statuses))))
        ]  # fmt: skip

    def _sizes(self) -> dict[str, int]:
        sizes = {}
        for run in self._store.runs():
            try:
                sizes[run] = (self._store.folder(run) / "journal").stat().st_size
            except OSError:
                continue  # removed, or not ours to see
        return sizes

    def _updated(self, db: sqlite3.Connection, there: dict[str, int]) -> list[RunRow]:
        known = dict(db.execute("SELECT run, size FROM runs"))
        db.executemany("DELETE FROM runs WHERE run = ?", [(run,) for run in known if run not in there])
        for run, size in there.items():
            if known.get(run) != size:
                self._add(db, run, size)
        db.commit()
        rows = db.execute(
            "SELECT run, kind, runbook, started, finished, exit_code, hosts, statuses, actor, of, drill"
            " FROM runs ORDER BY run"
        ).fetchall()
        return [
            RunRow(
                run=r[0], kind=r[1], runbook=r[2], started=r[3], finished=r[4], exit_code=r[5],
                hosts=tuple(r[6].split("\n")) if r[6] else (), statuses=tuple(r[7].split("\n")) if r[7] else (),
                actor=r[8], of=r[9], drill=r[10],
            )
            for r in rows
        ]  # fmt: skip

    def _add(self, db: sqlite3.Connection, run: str, size: int) -> None:
        try:
            view = fold(run, self._store.read(run).records)
        except EngineError:
            view = None  # a journal that cannot be read is listed by `runbook show`, which says why
        if view is not None:
            db.execute("INSERT OR REPLACE INTO runs VALUES (?,?,?,?,?,?,?,?,?,?,?,?)", _row(view, size))

    def _open(self, path: Path | str) -> sqlite3.Connection:
        """The database with this version's table. A file that is no database, or of another version, is made anew."""
        if isinstance(path, Path):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        db = sqlite3.connect(path, timeout=10)
        try:
            self._prepare(db)
        except sqlite3.OperationalError:
            db.close()
            raise
        except sqlite3.DatabaseError:
            db.close()
            assert isinstance(path, Path)
            path.unlink()
            db = sqlite3.connect(path, timeout=10)
            self._prepare(db)
        return db

    def _prepare(self, db: sqlite3.Connection) -> None:
        """Raises DatabaseError for a file that is damaged: one that was cut short gives rows of nothing, not errors."""
        if db.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            raise sqlite3.DatabaseError("the index is damaged")
        if db.execute("PRAGMA user_version").fetchone()[0] not in (0, VERSION):
            db.execute("DROP TABLE IF EXISTS runs")
        db.execute(SCHEMA)
        db.execute(f"PRAGMA user_version = {VERSION}")


def _row(view: RunView, size: int) -> tuple[object, ...]:
    statuses = [h.status.value if h.status else "" for h in view.hosts.values()]
    return (
        view.run, view.started.kind, view.started.runbook, view.started_at, view.finished_at,
        view.finished.exit_code if view.finished else None, "\n".join(view.hosts), "\n".join(statuses),
        view.started.actor, view.started.of, view.started.drill, size,
    )  # fmt: skip
