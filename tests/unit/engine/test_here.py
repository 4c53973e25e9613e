"""What a step does on the controller: a file of a host that is kept, a host that is waited for, facts of another."""

from __future__ import annotations

from pathlib import Path

import pytest
from memory_bench import Bench

from playbook_engine.engine.fetching import kept
from playbook_engine.model.plan import Options
from playbook_engine.transport.base import Reply

GOT = Reply(ok=True, result={"content": b"a log", "source": "/somewhere/else"})


def test_a_file_is_kept_under_the_names_of_its_host_and_its_folders(tmp_path: Path) -> None:
    args = {"src": "/var/log/../log/app.log", "dest": "logs"}
    first, again = (kept(GOT, args, "h1", tmp_path) for _ in range(2))
    assert (tmp_path / "logs/h1/var/log/app.log").read_bytes() == b"a log"
    assert [first.result["changed"], again.result["changed"]] == [True, False]
    assert first.result["checksum"] == again.result["checksum"]
    assert "content" not in first.result


def test_one_that_is_there_keeps_its_mode_and_gets_the_new_content(tmp_path: Path) -> None:
    there = tmp_path / "app.log"
    there.write_text("old")
    there.chmod(0o600)
    assert kept(GOT, {"src": "/app.log", "dest": f"{tmp_path}/", "flat": True}, "h1", tmp_path).result["changed"]
    assert (there.read_bytes(), there.stat().st_mode & 0o777) == (b"a log", 0o600)
    assert list(tmp_path.iterdir()) == [there]


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({"src": "../../etc/passwd", "dest": "logs"}, "leads out of the folder"),
        ({"src": "/app.log", "dest": "folder", "flat": True}, "is an existing directory"),
        ({"src": "/app.log", "dest": "file/x"}, "Not a directory|File exists"),
    ],
)
def test_a_place_that_is_none_is_said_and_nothing_is_written(
    tmp_path: Path, args: dict[str, object], said: str
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("x")
    before = sorted(tmp_path.rglob("*"))
    reply = kept(GOT, args, "h1", tmp_path)
    assert not reply.ok
    assert any(part in reply.msg for part in said.split("|"))
    assert sorted(tmp_path.rglob("*")) == before


def test_a_file_that_is_not_there_may_be_none(tmp_path: Path) -> None:
    gone = Reply(ok=False, kind="not-found", msg="/app.log is not there")
    args: dict[str, object] = {"src": "/app.log", "dest": "logs"}
    assert kept(gone, {**args, "fail_on_missing": True}, "h1", tmp_path) is gone
    assert kept(gone, {**args, "fail_on_missing": False}, "h1", tmp_path).result["changed"] is False


def test_nothing_is_fetched_and_nobody_waits_in_check_mode(bench: Bench) -> None:
    host = bench.host()
    done = bench.run(
        "name: r\nsteps: [{name: f, fetch: {src: /a, dest: d}}, {name: w, wait_for_connection: }]\n",
        options=Options(check=True),
    )
    assert done.outcomes() == {"f": "skipped", "w": "skipped"}
    assert not [c for c in host.calls if c.action == "fetch"]


def test_a_host_that_cannot_be_reached_again_fails_the_step_when_the_time_is_up(bench: Bench) -> None:
    host = bench.host()

    def confirm(name: str) -> str:
        host.up = name != "w"
        return "yes"

    text = "name: r\nsteps: [{name: a, command: a, irreversible: x}, {name: w, wait_for_connection: {timeout: 0.2}}]\n"
    done = bench.run(text, options=Options(ask=True), confirm=confirm)
    assert done.outcomes() == {"a": "changed", "w": "timed_out"}
    host.up = True
    assert bench.run(text).outcomes() == {"a": "changed", "w": "ok"}
