"""Appending: in order from many threads, durable where it must be, honest when the disk refuses."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest
from memory_bench import Bench

from playbook_engine.app.clock import SystemClock
from playbook_engine.journal.files import FileStore, JournalWriter
from playbook_engine.journal.redaction import Redactor
from playbook_engine.model.errors import JournalError, NotFound
from playbook_engine.model.events import ChangeIntended, LogClosed, RunResumed, StepStarted

CLOCK = SystemClock()


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    return FileStore(tmp_path, CLOCK, Redactor())


def step(n: int, host: str = "h") -> StepStarted:
    return StepStarted(host=host, step=f"s{n}", name=f"step {n}", action="command")


def intent(n: int, host: str = "h", before: object = None) -> ChangeIntended:
    return ChangeIntended(host=host, step=f"s{n}", action="copy", reversible="action", before={"content": before})


def test_appends_of_many_threads_keep_their_order_and_the_chain(store: FileStore) -> None:
    journal = store.create("r1")

    def work(host: str) -> None:
        for n in range(50):
            journal.append((intent if n % 10 == 0 else step)(n, host))

    threads = [threading.Thread(target=work, args=(f"h{n}",)) for n in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    journal.close()
    read = store.read("r1")
    assert not read.damage
    assert read.closed
    assert [r.seq for r in read.records] == list(range(1, 32 * 50 + 2))
    assert read.records[-1].event == LogClosed(events=32 * 50)
    for host in (f"h{n}" for n in range(32)):
        assert [r.event.step for r in read.records if r.event.host == host] == [f"s{n}" for n in range(50)]  # type: ignore[attr-defined]


def test_what_nobody_waits_for_is_there_soon(store: FileStore) -> None:
    """Whoever looks while a run goes on sees it, and a controller that is killed loses no more than an instant."""
    journal = store.create("r1")
    for n in range(3):
        journal.append(step(n))
        until = time.monotonic() + 5
        while len(store.read("r1").records) <= n and time.monotonic() < until:
            time.sleep(0.01)
        assert len(store.read("r1").records) == n + 1
    journal.close()


def test_nobody_waits_in_vain_for_a_journal_that_ends(store: FileStore) -> None:
    """Whoever appends while it is closed gets it written, or hears that it is not."""
    for turn in range(20):
        journal = store.create(f"r{turn}")
        heard: list[str] = []

        def work(host: str, journal: JournalWriter = journal, heard: list[str] = heard) -> None:
            n = 0
            try:
                for n in range(1000):
                    journal.append(intent(n, host))
            except JournalError:
                heard.append(f"{host} {n}")

        threads = [threading.Thread(target=work, args=(f"h{n}",)) for n in range(4)]
        for thread in threads:
            thread.start()
        time.sleep(0.002 * turn)
        journal.close()
        for thread in threads:
            thread.join(10)
            assert not thread.is_alive()
        records = store.read(f"r{turn}").records
        written = {h: sum(r.event.host == h for r in records) for h in (f"h{n}" for n in range(4))}
        assert sorted(heard) == sorted(f"{host} {count}" for host, count in written.items())


def test_a_durable_event_returns_only_when_it_is_on_the_disk(
    store: FileStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`os.fdatasync` is where the operating system begins: what it was asked for, and when, is written down."""
    synced: list[int] = []
    slow = threading.Event()
    real = os.fdatasync

    def fdatasync(fd: int) -> None:
        slow.wait(5)
        real(fd)
        synced.append(os.fstat(fd).st_size)

    journal = store.create("r1")
    monkeypatch.setattr(os, "fdatasync", fdatasync)
    journal.append(step(1))
    journal.append(step(2))  # not durable: these return while the disk is still at it
    returned: list[int] = []

    def work() -> None:
        journal.append(intent(3))
        returned.append(3)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(0.2)
    assert thread.is_alive(), "it waits for the disk"
    assert not returned
    slow.set()
    thread.join(5)
    assert returned == [3]
    text = (tmp_path / "runs" / "r1" / "journal").read_bytes()
    assert synced[-1] == len(text) == text.index(b"\n", text.index(b"0000003")) + 1
    journal.close()


def test_one_sync_serves_all_who_wait(store: FileStore, monkeypatch: pytest.MonkeyPatch) -> None:
    count = [0]
    real = os.fdatasync

    def fdatasync(fd: int) -> None:
        count[0] += 1
        time.sleep(0.02)
        real(fd)

    monkeypatch.setattr(os, "fdatasync", fdatasync)
    journal = store.create("r1")
    threads = [threading.Thread(target=journal.append, args=(intent(n),)) for n in range(60)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    journal.close()
    assert count[0] < 20, "60 intents that came together, each waiting for the disk"


# ------------------------------------------------------------------ when the disk refuses


def full(tmp_path: Path, script: str) -> str:
    """Runs a script whose files cannot grow beyond 64 KiB: write(2) then says EFBIG, as a full disk says ENOSPC."""
    text = dedent(
        """
        import resource, signal, sys
        from pathlib import Path
        from playbook_engine.app.clock import SystemClock
        from playbook_engine.journal.files import FileStore
        from playbook_engine.journal.redaction import Redactor
        from playbook_engine.model.errors import JournalError
        from playbook_engine.model.events import ChangeIntended, StepStarted
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))
        store = FileStore(Path(sys.argv[1]), SystemClock(), Redactor())
        journal = store.create("r1")
        """
    ) + dedent(script)
    end = subprocess.run(
        [sys.executable, "-c", text, str(tmp_path)], capture_output=True, text=True, timeout=60, check=False
    )
    assert end.returncode == 0, end.stderr
    return end.stdout


def test_an_intent_that_cannot_be_written_is_an_error_before_the_change(tmp_path: Path) -> None:
    said = full(
        tmp_path,
        """
        sent = 0
        try:
            for n in range(10_000):
                journal.append(ChangeIntended(host="h", step=f"s{n}", action="copy", reversible="action"))
                sent += 1
        except JournalError as error:
            print(error.render())
        try:
            journal.append(StepStarted(host="h", step="x", name="x", action="x"))
            print("went on")
        except JournalError as error:
            print("still refused")
        try:
            journal.close()
        except JournalError as error:
            print("close says:", error.message)
        good = store.read("r1")
        print(sent, len(good.records), good.closed, good.damage)
        """,
    )
    assert "the journal cannot be written any more: File too large" in said
    assert "help: no further change is sent. Free space" in said
    assert "still refused" in said
    assert "went on" not in said
    assert "close says: the journal cannot be written any more: File too large" in said
    sent, kept, closed = said.splitlines()[-1].split(" ", 3)[:3]
    assert int(sent) <= int(kept) <= int(sent) + 1, "what was said to be durable is there"
    assert closed == "False"


def test_a_state_before_that_cannot_be_stored_is_an_error_before_the_change(tmp_path: Path) -> None:
    said = full(
        tmp_path,
        """
        try:
            journal.append(ChangeIntended(host="h", step="s1", action="copy", reversible="action",
                                          before={"content": bytes(1 << 20)}))
        except JournalError as error:
            print(error.render())
        journal.append(StepStarted(host="h", step="x", name="x", action="x"))
        journal.close()
        print(len(store.read("r1").records), [p.name for p in (store.folder("r1") / "blobs").iterdir()])
        """,
    )
    assert "cannot store a before-image in" in said
    assert "File too large" in said
    assert said.splitlines()[-1] == "2 []", "the journal itself goes on, and nothing half written lies about"


@contextlib.contextmanager
def tiny_disk(folder: Path) -> Iterator[Path]:
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(folder)], check=False)
    if done.returncode:
        if os.environ.get("CI"):
            pytest.fail("a tmpfs cannot be mounted")
        pytest.skip("needs root, to mount a tiny tmpfs")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(journal: JournalWriter) -> None:
    for n in range(10_000):
        journal.append(intent(n))


def test_a_full_disk(tmp_path: Path) -> None:
    with tiny_disk(tmp_path / "disk") as disk:
        (disk / "ballast").write_bytes(bytes(32 << 10))
        store = FileStore(disk / "state", CLOCK, Redactor())
        journal = store.create("r1")
        with pytest.raises(JournalError, match="the journal cannot be written any more: No space left on device"):
            fill(journal)
        with pytest.raises(JournalError, match="cannot be written any more"):
            journal.close()
        with pytest.raises(JournalError, match="the journal cannot be written") as caught:
            store.create("r2").append(intent(1))
        assert caught.value.advice
        assert store.runs()[0] == "r1"
        (disk / "ballast").unlink()
        resumed = store.resume("r1")
        resumed.append(RunResumed(reason="there is room again"))
        resumed.close()
        read = store.read("r1")
        assert read.closed
        assert not read.damage


def test_nothing_is_changed_that_could_not_be_recorded(tmp_path: Path) -> None:
    """The first law of the journal, with a real run: the intent is on the disk before the request leaves."""
    with tiny_disk(tmp_path / "disk") as disk:
        folder = tmp_path / "bench"
        folder.mkdir()
        (folder / "state").symlink_to(disk)
        bench = Bench(folder)
        host = bench.host()
        steps = "".join(f"  - copy: {{content: '{'x' * 500}', dest: /file-{n}}}\n" for n in range(60))
        with pytest.raises(JournalError, match="No space left on device") as caught:
            bench.run(f"name: r\nsteps:\n{steps}")
        assert "no further change is sent" in (caught.value.advice or "")
        store = FileStore(disk, CLOCK, Redactor())
        (run,) = store.runs()
        intended = [r.event for r in store.read(run).records if isinstance(r.event, ChangeIntended)]
        assert 0 < len(host.files) < 60, "the disk was full somewhere in the middle"
        assert len(host.files) <= len(intended) <= len(host.files) + 1


def test_a_state_folder_that_cannot_be_one(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = FileStore(tmp_path / "file", CLOCK, Redactor())
    with pytest.raises(
        JournalError, match=r"the journal cannot be written: .*: (Not a directory|File exists)"
    ) as caught:
        store.create("r1")
    assert caught.value.advice == "nothing was done on any host. Free space, or point RUNBOOK_STATE elsewhere"
    with pytest.raises(JournalError, match=r"the journals cannot be read: .*: Not a directory"):
        store.runs()


# ------------------------------------------------------------------ going on


def test_a_torn_journal_goes_on_behind_its_last_good_record(store: FileStore, tmp_path: Path) -> None:
    journal = store.create("r1")
    for n in range(5):
        journal.append(intent(n))
    journal.close()
    path = tmp_path / "runs" / "r1" / "journal"
    whole = store.read("r1").records
    path.write_bytes(path.read_bytes()[:-200])  # the closing record, and the end of the fifth
    again = store.resume("r1")
    again.append(RunResumed(actor="tester"))
    again.append(intent(5))
    again.close()
    read = store.read("r1")
    assert not read.damage
    assert read.records[:4] == whole[:4]
    assert [type(r.event).__name__ for r in read.records[4:]] == ["RunResumed", "ChangeIntended", "LogClosed"]
    assert [r.seq for r in read.records] == list(range(1, 8))


def test_what_cannot_be_resumed(store: FileStore, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="there is no run 'r9'"):
        store.resume("r9")
    journal = store.create("r1")
    with pytest.raises(JournalError, match="r1 is being written by another process: it is still running"):
        store.resume("r1")
    journal.append(step(1))
    journal.close()
    with pytest.raises(JournalError, match="the journal is closed"):
        journal.append(step(2))
    journal.close()  # twice does no harm
    assert len(store.read("r1").records) == 2
    key = tmp_path / "runs" / "r1" / "key"
    for text in ("zz", "abcd"):
        key.write_text(text)
        with pytest.raises(JournalError, match="the key of r1 is damaged"):
            store.resume("r1")
    key.unlink()
    with pytest.raises(JournalError, match="the key of r1 cannot be read: No such file") as caught:
        store.resume("r1")
    assert "neither the chain nor the before-images" in (caught.value.advice or "")


def test_somebody_who_only_looks_does_not_keep_a_run_from_beginning(store: FileStore, tmp_path: Path) -> None:
    import fcntl

    store.create("r1").close()
    with (tmp_path / "runs" / "r1" / "journal").open("rb") as looking:
        fcntl.flock(looking, fcntl.LOCK_SH)
        threading.Timer(0.1, lambda: fcntl.flock(looking, fcntl.LOCK_UN)).start()
        store.resume("r1").close()


def test_a_run_is_live_while_its_process_lives(store: FileStore, tmp_path: Path) -> None:
    script = dedent(
        """
        import sys, time
        from pathlib import Path
        from playbook_engine.app.clock import SystemClock
        from playbook_engine.journal.files import FileStore
        from playbook_engine.journal.redaction import Redactor
        from playbook_engine.model.events import ChangeIntended
        journal = FileStore(Path(sys.argv[1]), SystemClock(), Redactor()).create("r1")
        for n in range(10**6):
            journal.append(ChangeIntended(host="h", step=f"s{n}", action="copy", reversible="action"))
            print(n, flush=True)
        """
    )
    with subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for _ in range(20):
            last = process.stdout.readline()
            journal = store.read("r1")
            assert journal.live
            assert not journal.closed
            assert not journal.damage, "the record that is being written is no damage"
        process.send_signal(signal.SIGKILL)
        told = [last, *process.stdout.read().split()]
    journal = store.read("r1")
    assert not journal.live
    assert not journal.closed
    assert len(journal.records) > int(told[-1]), "what was told to be durable is there"
