"""Finding and reading journals, their blobs, and the index that can be lost at any time."""

from __future__ import annotations

import codecs
import os
import shutil
import sqlite3
from pathlib import Path

import pytest

from playbook_engine.app.clock import SystemClock
from playbook_engine.journal.files import FileStore
from playbook_engine.journal.index import RunIndex
from playbook_engine.journal.redaction import Redactor
from playbook_engine.model.errors import JournalError, NotFound
from playbook_engine.model.events import ChangeIntended, HostFinished, RunFinished, RunStarted, StepStarted

CLOCK = SystemClock()


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    return FileStore(tmp_path / "state", CLOCK, Redactor())


def run(store: FileStore, name: str, *, ended: bool = True, size: int = 10) -> Path:
    journal = store.create(name)
    journal.append(RunStarted(run=name, kind="run", runbook="r", hosts=("a", "b"), actor="tester"))
    journal.append(
        ChangeIntended(host="a", step="s1", action="copy", reversible="action", before={"content": bytes(size)})
    )
    if ended:
        journal.append(HostFinished(host="a", status="changed"))
        journal.append(HostFinished(host="b", status="failed"))
        journal.append(RunFinished(exit_code=2))
    journal.close()
    return store.folder(name)


def test_a_run_is_found_by_any_unique_part(store: FileStore) -> None:
    with pytest.raises(NotFound, match="there are no runs yet"):
        store.find("last")
    for name in ("20260101-100000-aaaa", "20260101-110000-bbbb", "20260102-100000-cccc"):
        run(store, name)
    assert store.find("last") == "20260102-100000-cccc"
    assert store.find("bbbb") == "20260101-110000-bbbb"
    assert store.find("20260102") == "20260102-100000-cccc"
    with pytest.raises(NotFound, match="means several runs: 20260101-100000-aaaa, 20260101-110000-bbbb"):
        store.find("20260101")
    for name in ("dddd", "../../etc", "/etc", "."):
        with pytest.raises(NotFound, match="there is no run"):
            store.find(name)


def test_large_values_are_blobs_and_what_happens_to_them_is_seen(store: FileStore) -> None:
    folder = run(store, "r1", size=100_000)
    (blob,) = (folder / "blobs").iterdir()
    event = store.read("r1").records[1].event
    assert isinstance(event, ChangeIntended)
    assert event.before == {"content": bytes(100_000)}
    assert bytes(1000) not in blob.read_bytes(), "it is sealed"
    whole = blob.read_bytes()
    blob.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(JournalError, match="was changed: its content is not what its name says"):
        store.read("r1")
    blob.unlink()
    with pytest.raises(JournalError, match="is missing: No such file or directory") as caught:
        store.read("r1")
    assert "restore" in (caught.value.advice or "")


def test_only_the_owner_can_read(store: FileStore) -> None:
    folder = run(store, "r1", size=100_000)
    assert folder.stat().st_mode & 0o777 == 0o700
    for path in (folder / "key", folder / "journal", *(folder / "blobs").iterdir()):
        assert path.stat().st_mode & 0o777 == 0o600, path


def test_an_index_that_is_cut_anywhere_is_made_anew(store: FileStore, tmp_path: Path) -> None:
    for n in range(20):
        run(store, f"r{n:02}", ended=n % 3 > 0)
    index = RunIndex(tmp_path / "state", store)
    rows, path = index.runs(), tmp_path / "state" / "index.sqlite"
    assert len(rows) == 20
    whole = path.read_bytes()
    for cut in range(0, len(whole), 64):
        path.write_bytes(whole[:cut])
        assert index.runs() == rows, cut


def as_nobody(work: object) -> str:
    """What a function returns in a child process without root's rights, which would see everything."""
    codecs.lookup("ascii")  # loaded while the interpreter's own folder, which may be root's, can be read
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            assert callable(work)
            said = str(work())
        except BaseException as error:
            said = f"{type(error).__name__}: {error}"
        os.write(writing, said.encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as told:
        said = told.read()
    os.waitpid(pid, 0)
    return said


def test_a_state_folder_of_somebody_else(tmp_path_factory: pytest.TempPathFactory) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root, to make a folder of somebody else")
    folder = Path("/tmp") / f"journal-test-{os.getpid()}"
    folder.mkdir(mode=0o755)
    try:
        store = FileStore(folder / "state", CLOCK, Redactor())
        run(store, "r1")
        index = RunIndex(folder / "state", store)
        os.chmod(folder / "state", 0o700)
        said = "JournalError: the journals cannot be read: .*: Permission denied"
        assert as_nobody(store.runs).startswith("JournalError: the journals cannot be read")
        assert as_nobody(index.runs).endswith("Permission denied"), said
        assert (
            as_nobody(lambda: store.read("r1")) == "JournalError: the journal of r1 cannot be read: Permission denied"
        )
        assert as_nobody(lambda: store.create("r2")).startswith("JournalError: the journal cannot be written")
        # A folder that a team shares for reading: lists work, without an index that could be written.
        os.chmod(folder / "state", 0o755)
        for path in (folder / "state" / "runs").rglob("*"):
            os.chmod(path, 0o755 if path.is_dir() else 0o644)
        os.chmod(folder / "state" / "runs", 0o755)
        assert as_nobody(lambda: [row.exit_code for row in index.runs()]) == "[2]"
        assert as_nobody(lambda: store.read("r1").live) == "False"
    finally:
        shutil.rmtree(folder)


def test_the_index_can_be_lost_damaged_or_of_another_version(store: FileStore, tmp_path: Path) -> None:
    state = tmp_path / "state"
    index = RunIndex(state, store)
    assert index.runs() == []
    for n in range(5):
        run(store, f"r{n}", ended=n % 2 == 0)
    rows = index.runs()
    assert [(r.run, r.exit_code, r.hosts, r.statuses) for r in rows][:2] == [
        ("r0", 2, ("a", "b"), ("changed", "failed")), ("r1", None, ("a", "b"), ("", "")),
    ]  # fmt: skip
    file = state / "index.sqlite"
    file.unlink()
    assert index.runs() == rows
    for junk in (b"this is no database at all, and it is longer than a header of SQLite would be" * 30, b"", b"x"):
        file.write_bytes(junk)
        assert index.runs() == rows
    with sqlite3.connect(file) as db:
        db.execute("DROP TABLE runs")
        db.execute("CREATE TABLE runs (something_else TEXT)")
        db.execute("PRAGMA user_version = 99")
    db.close()
    assert index.runs() == rows
    file.unlink()
    file.mkdir()  # it cannot even be opened: lists work all the same
    assert index.runs() == rows


def test_the_index_follows_the_journals(store: FileStore, tmp_path: Path) -> None:
    index = RunIndex(tmp_path / "state", store)
    journal = store.create("r1")
    journal.append(RunStarted(run="r1", kind="run", runbook="r", hosts=("a",)))
    assert [r.exit_code for r in index.runs()] == [None]
    journal.append(RunFinished(exit_code=0))
    journal.close()
    assert [r.exit_code for r in index.runs()] == [0]
    run(store, "r2")
    shutil.rmtree(store.folder("r1"))
    assert [r.run for r in index.runs()] == ["r2"]
    (store.folder("r2") / "key").unlink()
    with (store.folder("r2") / "journal").open("ab") as handle:
        handle.write(b"x")
    assert [r.run for r in index.runs()] == ["r2"], "what is known of it stays listed"
    RunIndex(tmp_path / "state", store)
    (tmp_path / "state" / "index.sqlite").unlink()
    assert index.runs() == [], "one that cannot be read is not listed; `show` says why"
    (store.folder("r2") / "journal").write_bytes(b"")
    assert index.runs() == []


def test_a_journal_without_any_good_record(store: FileStore) -> None:
    store.folder("r1").mkdir(parents=True)
    with pytest.raises(NotFound):
        store.read("r1")
    journal = store.create("r2")
    journal.append(StepStarted(host="h", step="s", name="n", action="a"))
    journal.close()
    (store.folder("r2") / "journal").write_bytes(b"\0" * 100)
    read = store.read("r2")
    assert read.records == ()
    assert not read.closed
    assert read.damage == "the last record was torn while it was written and is left out (100 bytes)"
