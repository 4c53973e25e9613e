"""A run goes to another machine and back: what is marked, what is refused, and what remains when it breaks off."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from forked_cli import Ended, ForkedCli
from memory_bench import Bench, MemoryApp

from playbook_engine.app import handover
from playbook_engine.app.resume import resume
from playbook_engine.app.runs import take_back, view_of
from playbook_engine.journal import bundle
from playbook_engine.model.errors import EngineError, JournalError, UsageError
from playbook_engine.model.events import StepStarted
from playbook_engine.model.plan import Options

TEXT = """\
name: page
steps:
  - {name: a, copy: {content: new, dest: /a}}
  - {name: b, copy: {content: new, dest: /b}}
"""
SECRET = "correct horse battery"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    bench = Bench(tmp_path)
    bench.host("h1", files={"/a": b"old" * 20_000})
    return bench


def there(bench: Bench) -> MemoryApp:
    """The colleague's machine, from which the same hosts are reached."""
    return MemoryApp(bench.folder / "there", list(bench.hosts.values()))


def give(app: MemoryApp, run: str, file: Path) -> None:
    handover.give(app, run, file, SECRET, to="zoë", reason="end of shift", cost=4)


def files(app: MemoryApp) -> dict[str, bytes]:
    root = app.settings.state / "runs"
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


def test_a_colleague_takes_back_what_was_done_here(bench: Bench, tmp_path: Path) -> None:
    done = bench.run(TEXT)
    run, file = done.end.run, tmp_path / "bundle"
    before = files(done.app)
    give(done.app, run, file)
    assert file.stat().st_mode & 0o777 == 0o600
    mark = view_of(done.app, run).handed_over
    assert mark is not None
    assert (mark.to, mark.reason, mark.actor) == ("zoë", "end of shift", "tester")
    app = there(bench)
    taken = handover.take(app, file, SECRET)
    assert (taken.manifest.run, taken.here) == (run, False)
    assert files(app) == before, "the copy is as it was before the mark"
    assert view_of(app, run).handed_over is None
    assert handover.take(app, file, SECRET).here, "taken twice is taken once"
    end = take_back(app, run, Options(), (), (), "runbook rollback")
    assert {str(s) for s in end.statuses.values()} == {"rolled_back"}
    assert bench.hosts["h1"].files == {"/a": b"old" * 20_000}


def test_a_colleague_goes_on_with_a_run_that_died_here(bench: Bench, tmp_path: Path) -> None:
    done = bench.run(TEXT)
    run, host = done.end.run, bench.hosts["h1"]
    (started,) = (r.seq for r in done.view.records if isinstance(r.event, StepStarted) and r.event.name == "b")
    path = done.app.store.folder(run) / "journal"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[: started - 1]) + lines[started - 1][:20])  # it died while it wrote
    del host.files["/b"]
    host.calls.clear()
    give(done.app, run, tmp_path / "bundle")
    app = there(bench)
    handover.take(app, tmp_path / "bundle", SECRET)
    end = resume(app, run, Options(), (), "runbook resume")
    assert {str(s) for s in end.statuses.values()} == {"changed"}
    assert host.files["/b"] == b"new"
    assert [call.args["dest"] for call in host.calls if call.op == "apply"] == ["/b"], "what was done is not done again"


def test_it_comes_back_with_what_was_done_there(bench: Bench, tmp_path: Path) -> None:
    done = bench.run(TEXT)
    run = done.end.run
    give(done.app, run, tmp_path / "one")
    with pytest.raises(UsageError, match="was handed over to zoë already"):
        give(done.app, run, tmp_path / "again")
    app = there(bench)
    handover.take(app, tmp_path / "one", SECRET)
    rollback = take_back(app, run, Options(), (), (), "runbook rollback").run
    give(app, run, tmp_path / "two")
    taken = handover.take(done.app, tmp_path / "two", SECRET)
    assert taken.manifest.runs == (rollback, run)
    assert view_of(done.app, run).handed_over is None, "it may be gone on with here again"
    assert [row.of for row in done.app.index.runs()] == ["", run]
    assert [p.name for p in (done.app.settings.state / "runs").iterdir() if p.name.startswith(".")] == []


def test_another_run_that_is_here_is_never_overwritten(bench: Bench, tmp_path: Path) -> None:
    done = bench.run(TEXT)
    give(done.app, done.end.run, tmp_path / "bundle")
    app = there(bench)
    handover.take(app, tmp_path / "bundle", SECRET)
    app.store.resume(done.end.run).close()  # something was done there since
    before = files(app)
    with pytest.raises(UsageError, match="is here already, and not as it is in the bundle"):
        handover.take(app, tmp_path / "bundle", SECRET)
    assert files(app) == before


def test_a_run_that_goes_on_is_not_handed_over(bench: Bench, tmp_path: Path) -> None:
    done = bench.run(TEXT)
    journal = done.app.store.resume(done.end.run)
    with pytest.raises(UsageError, match="is still running"):
        give(done.app, done.end.run, tmp_path / "bundle")
    journal.abandon()
    assert not (tmp_path / "bundle").exists()


class Full:
    """A disk on which there is room for so many writes of a bundle."""

    def __init__(self, room: int) -> None:
        self.room = room

    def __call__(self, fd: int) -> None:
        self.room -= 1
        if self.room < 0:
            raise OSError(28, "No space left on device")
        os.fdatasync(fd)


def test_without_room_nothing_appears_and_nothing_is_marked(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = bench.run(TEXT)
    before = files(done.app)
    monkeypatch.setattr(handover.os, "fsync", Full(0))
    with pytest.raises(JournalError, match=r"cannot be written to .*: No space left on device"):
        give(done.app, done.end.run, tmp_path / "bundle")
    monkeypatch.undo()
    assert files(done.app) == before
    assert [p.name for p in tmp_path.iterdir() if "bundle" in p.name] == []


@pytest.mark.parametrize("room", range(5))
def test_without_room_nothing_is_taken(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    done = bench.run(TEXT)
    give(done.app, done.end.run, tmp_path / "bundle")
    app = there(bench)
    monkeypatch.setattr(bundle.os, "fsync", Full(room))
    with pytest.raises(JournalError, match=r"cannot be written to .*: No space left on device") as caught:
        handover.take(app, tmp_path / "bundle", SECRET)
    monkeypatch.undo()
    assert "nothing was taken" in str(caught.value.advice)
    assert files(app) == {}
    handover.take(app, tmp_path / "bundle", SECRET)


def test_a_damaged_journal_does_not_leave(bench: Bench, tmp_path: Path) -> None:
    done = bench.run(TEXT)
    path = done.app.store.folder(done.end.run) / "journal"
    path.write_bytes(path.read_bytes().replace(b'"h1"', b'"h2"', 1))
    with pytest.raises(EngineError, match="are believed"):
        give(done.app, done.end.run, tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()


# ------------------------------------------------------------------ the command


def test_the_command_from_one_folder_to_another(bench: Bench, tmp_path: Path) -> None:
    done = bench.run(TEXT)
    run = done.end.run
    (tmp_path / "secret").write_text(f"{SECRET}\nnot this line\n")
    with ForkedCli() as cli:

        def runbook(state: str, *words: str) -> Ended:
            return cli.run(
                "handover", *words, cwd=tmp_path, env={"RUNBOOK_STATE": str(tmp_path / state), "RUNBOOK_ACTOR": "me"}
            )

        given = runbook("state", run[-4:], "-o", "b", "--to", "zoë", "--reason", "r", "--passphrase-file", "secret")
        assert (given.code, given.err) == (0, "")
        assert "runbook handover --take b" in given.out
        assert SECRET not in given.out
        taken = runbook("there", "--take", "b", "--passphrase-file", "secret")
        assert (taken.code, taken.err) == (0, "")
        assert f"{run} is here: page, handed over by me at" in taken.out
        again = runbook("there", run, "-o", "c")  # nobody to ask: a passphrase is made up and shown this once
        made = again.out.split("shown this once: ")[1].split("\n")[0]
        assert len(made) == 29
        (tmp_path / "made").write_text(made)
        assert runbook("third", "--take", "c", "--passphrase-file", "made").code == 0
        for words, said in (
            (("--take", "b", "--passphrase-file", "made"), "the passphrase is wrong"),
            (("--take", "b"), "give --passphrase-file FILE"),
            (("--take", "gone", "--passphrase-file", "made"), "gone cannot be read: No such file or directory"),
            (("--take", "b", "--to", "x"), "--take needs the file and nothing else"),
            ((run,), "which run, and into which file?"),
            ((run, "-o", "c"), "c is there already"),
            (("nothing", "-o", "d"), "there is no run 'nothing'"),
        ):
            end = runbook("third", *words)
            assert end.code in (1, 5), words
            assert said in end.err
            assert "help: " in end.err
