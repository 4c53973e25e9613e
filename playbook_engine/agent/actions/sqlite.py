"""Can a SQLite database be written: the only test that fails when it should.

On a full disk `SELECT 1`, `quick_check` and even `BEGIN IMMEDIATE; ROLLBACK` succeed; only a page that is really
written tells. In WAL mode the first read fails already. So the probe makes a table, fills it and rolls back.
"""

import os

from playbook_engine.agent import failure, filestate, latency

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3

SPEC = {
    "name": "sqlite",
    "kind": "probe",
    "summary": "Write to a SQLite database and roll back",
    "doc": "A database that is missing, locked, read-only or on a full disk is a measurement; only a Python without "
    "sqlite3 cannot measure.",
    "touches": "begins a transaction, creates and fills a table of its own, and rolls back; nothing stays",
    "params": {
        "path": {"type": "path", "required": True, "aliases": ["db"], "doc": "The database file; it is never made."},
        "timeout": {"type": "duration", "default": 5, "doc": "How long to wait for another writer's lock."},
        "samples": {"type": "int", "default": 5, "doc": "How many times."},
        "query": {"type": "str", "doc": "A SELECT to run as well; its first row is `row`."},
        "integrity": {"type": "bool", "default": False, "doc": "Run quick_check too: reads the whole file."},
    },
    "free_form": "path",
    "returns": {
        "exists": "",
        "read_ok": "",
        "write_ok": "",
        "error": "and `error_kind`: missing, disk-full, io-error, locked, read-only, cannot-open, corrupt, failed",
        "journal_mode": "delete, wal …",
        "size_bytes": "",
        "wal_bytes": "size of the write-ahead log; a large one means that nobody checkpoints",
        "free_bytes": "of its file system",
        "owner": "of the file",
        "integrity": "what quick_check said",
        "row": "first row of `query`",
        "p50_ms": "and the other percentiles of a whole write and its rollback",
        "read_p50_ms": "",
    },
    "examples": "sqlite: {path: /srv/app/app.db, samples: 20}",
}

TABLE = "runbook_probe"
ROOM = 65536  # bytes


def observe(args: "dict") -> "dict":
    try:
        import sqlite3
    except ImportError:
        raise failure.Unmeasured("this host's Python has no sqlite3 module; another: ansible_python_interpreter")
    told = _file(args["path"])
    if not told["exists"]:
        return dict(told, error="%s is not there" % args["path"], error_kind="missing")
    try:
        base = sqlite3.connect(_address(args["path"]), timeout=args["timeout"], isolation_level=None, uri=True)
    except sqlite3.Error as error:
        return dict(told, error=str(error), error_kind=_kind(str(error)))
    try:
        _measure(base, args, told)
    finally:
        base.close()
    return told


def _address(path: str) -> str:
    from urllib.parse import quote

    return "file:%s?mode=rw" % quote(os.path.abspath(path))


def _file(path: str) -> "dict":
    told: "dict" = {"path": path, "exists": os.path.isfile(path), "read_ok": False, "write_ok": False}
    told.update(error="", error_kind="", journal_mode=None, integrity=None, row=None)
    told.update(size_bytes=None, wal_bytes=0, free_bytes=None, owner=None, mode=None)
    told.update(latency.summary([]), read_p50_ms=None)
    if not told["exists"]:
        return told
    state = filestate.observe(os.path.realpath(path), digest=False)
    told.update(size_bytes=state["size"], owner=filestate.name_of_uid(state["uid"]), mode=state["mode"])
    fs = os.statvfs(path)
    told["free_bytes"] = fs.f_bavail * fs.f_frsize
    try:
        told["wal_bytes"] = os.stat(path + "-wal").st_size
    except OSError:
        pass
    return told


def _measure(base: "sqlite3.Connection", args: "dict", told: "dict") -> None:
    import sqlite3
    import time

    reads, writes = [], []
    try:
        told["journal_mode"] = base.execute("PRAGMA journal_mode").fetchone()[0]
        for _ in range(max(args["samples"], 1)):
            began = time.monotonic()
            base.execute("SELECT count(*) FROM sqlite_master").fetchone()
            reads.append((time.monotonic() - began) * 1000)
        told["read_ok"] = True
        if args["integrity"]:
            told["integrity"] = base.execute("PRAGMA quick_check(1)").fetchone()[0]
        if args["query"]:
            row = base.execute(args["query"]).fetchone()
            told["row"] = list(row) if row is not None else None
        for _ in range(max(args["samples"], 1)):
            began = time.monotonic()
            _write(base)
            writes.append((time.monotonic() - began) * 1000)
        told["write_ok"] = True
    except sqlite3.Error as error:
        kind = _kind(str(error))
        if kind == "io-error" and (told["free_bytes"] or 0) < ROOM:
            kind = "disk-full"  # what a full disk is called in WAL mode
        told.update(error=str(error), error_kind=kind)
    told.update(latency.summary(writes), read_p50_ms=latency.summary(reads)["p50_ms"])


def _write(base: "sqlite3.Connection") -> None:
    """One write that reaches the disk, by the rollback journal or the write-ahead log, and is gone again."""
    import sqlite3

    base.execute("BEGIN IMMEDIATE")
    try:
        base.execute("CREATE TABLE %s (x BLOB)" % TABLE)
        base.execute("INSERT INTO %s VALUES (zeroblob(16384))" % TABLE)
    finally:
        try:
            base.execute("ROLLBACK")
        except sqlite3.Error:
            pass  # a full disk rolls back by itself


def _kind(said: str) -> str:
    words = (
        ("disk is full", "disk-full"),
        ("disk I/O error", "io-error"),
        ("locked", "locked"),
        ("readonly", "read-only"),
        ("unable to open", "cannot-open"),
        ("malformed", "corrupt"),
        ("not a database", "corrupt"),
    )
    return next((kind for word, kind in words if word in said), "failed")
