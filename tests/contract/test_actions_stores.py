"""`redis` and `sqlite` against real ones: well, refusing, locked, read-only, and on a full disk."""

from __future__ import annotations

import importlib
import os
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from live_agents import INTERPRETERS, Agent, complete, needs, start
from sandbox import Sandbox
from servers import free_port, redis_server

from playbook_engine.agent import serve
from playbook_engine.agent.actions import redis

TIMES = ("min_ms", "max_ms", "p50_ms", "p95_ms", "p99_ms")


def both(agent: Agent, **args: object) -> dict[str, object]:
    """What the agent measures, after the controller's own measurement has been held against it."""
    reply = agent.probe("redis", **args)
    assert reply.ok, reply.msg
    theirs = dict(reply.result)
    mine = redis.observe_here(serve.here(complete("redis", args), redis.SPEC), importlib.import_module(redis.HERE))
    assert set(mine) == set(theirs)
    moving = (*TIMES, "used_memory_bytes", "memory_percent", "uptime_seconds", "error", "connected_clients")
    assert {k: v for k, v in mine.items() if k not in moving} == {k: v for k, v in theirs.items() if k not in moving}
    assert bool(mine["error"]) == bool(theirs["error"])
    return theirs


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    needs("redis-server")
    with redis_server(tmp_path_factory.mktemp("redis")) as it:
        yield it


def test_a_redis_that_is_well(agent: Agent, port: int) -> None:
    told = both(agent, port=port, samples=5)
    assert (told["reachable"], told["ping"], told["write_ok"], told["role"]) == (True, True, True, "master")
    assert (told["samples"], told["error"], told["rdb_last_bgsave_status"]) == (5, "", "ok")
    assert told["used_memory_bytes"] > 100000  # type: ignore[operator]
    assert 0 < told["p50_ms"] <= told["p95_ms"]  # type: ignore[operator]
    keys = subprocess.run(["redis-cli", "-p", str(port), "dbsize"], capture_output=True, text=True, check=True)
    assert keys.stdout.strip() == "0", "the marker is gone again"


@pytest.mark.parametrize(
    ("options", "args", "reachable", "kind"),
    [
        (["--requirepass", "s3cret"], {}, True, "auth"),
        (["--requirepass", "s3cret"], {"password": "wrong"}, True, "auth"),
        (["--requirepass", "s3cret"], {"password": "s3cret"}, True, ""),
        (["--replicaof", "127.0.0.1 1"], {}, True, "readonly"),
        (["--maxmemory", "1", "--maxmemory-policy", "noeviction"], {}, True, "oom"),
    ],
    ids=["no-password", "wrong-password", "password", "replica", "out-of-memory"],
)
def test_a_redis_that_refuses(
    newest: Agent, tmp_path: Path, options: list[str], args: dict[str, object], reachable: bool, kind: str
) -> None:
    needs("redis-server")
    with redis_server(tmp_path, *options) as port:
        told = both(newest, port=port, **args)
    assert (told["reachable"], told["error_kind"], told["write_ok"]) == (reachable, kind, kind == "")
    assert "s3cret" not in repr(told)


def test_no_redis(newest: Agent) -> None:
    told = both(newest, port=free_port())
    assert (told["reachable"], told["error_kind"]) == (False, "refused")


def test_something_else_than_a_redis(newest: Agent, port: int) -> None:
    with closing(__import__("socket").create_server(("127.0.0.1", 0))) as silent:
        told = newest.probe("redis", port=silent.getsockname()[1], timeout=0.2).result
    assert (told["reachable"], told["error_kind"]) == (False, "timeout")


# -- SQLite


def make(path: Path, mode: str = "delete") -> Path:
    with closing(sqlite3.connect(path)) as base:
        base.execute(f"PRAGMA journal_mode={mode}")
        base.execute("CREATE TABLE t (x)")
        base.execute("INSERT INTO t VALUES (7)")
        base.commit()
    return path


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_a_database_that_is_well(agent: Agent, tmp_path: Path, mode: str) -> None:
    path = make(tmp_path / "a b.db", mode)
    reply = agent.probe("sqlite", path=str(path), query="SELECT x FROM t", integrity=True, samples=3)
    if reply.kind == "unmeasured":
        pytest.skip("this Python was built without sqlite3")
    told = reply.result
    assert (told["read_ok"], told["write_ok"], told["journal_mode"], told["error"]) == (True, True, mode, "")
    assert (told["row"], told["integrity"], told["samples"]) == ([7], "ok", 3)
    with closing(sqlite3.connect(path)) as base:
        assert base.execute("SELECT name FROM sqlite_master").fetchall() == [("t",)], "nothing stays"


def test_databases_that_are_not(newest: Agent, tmp_path: Path) -> None:
    told = newest.probe("sqlite", path=str(tmp_path / "none.db")).result
    assert (told["exists"], told["error_kind"]) == (False, "missing")
    assert list(tmp_path.iterdir()) == [], "it is never made"
    (tmp_path / "text.db").write_text("this is no database, however long it is" * 200)
    told = newest.probe("sqlite", path=str(tmp_path / "text.db")).result
    assert (told["exists"], told["read_ok"], told["error_kind"]) == (True, False, "corrupt")


def test_a_database_that_somebody_holds(newest: Agent, tmp_path: Path) -> None:
    path = make(tmp_path / "held.db")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        told = newest.probe("sqlite", path=str(path), timeout=0.2).result
    assert (told["read_ok"], told["write_ok"], told["error_kind"]) == (True, False, "locked")


FULL = """
mkdir $R/srv/db && mount -t tmpfs -o size=1m db $R/srv/db && cp {made}/* $R/srv/db
dd if=/dev/zero of=$R/srv/db/rest bs=4k 2>/dev/null || :
"""


def test_a_full_disk_passes_select_and_fails_the_probe(tmp_path_factory: pytest.TempPathFactory) -> None:
    needs("unshare", "nsenter", root=True)
    made = tmp_path_factory.mktemp("made")
    make(made / "rollback.db")
    make(made / "wal.db", "wal")
    box = Sandbox(tmp_path_factory.mktemp("box"), "sleep 3600", FULL.format(made=made))
    python = next(p for p in reversed(INTERPRETERS.values()) if _has_sqlite(p))
    agent = start(python, box.wrap())
    try:
        for name in ("rollback.db", "wal.db"):
            told = agent.probe("sqlite", path=f"/srv/db/{name}").result
            assert (told["exists"], told["write_ok"], told["error_kind"]) == (True, False, "disk-full"), told
        box.run("rm /srv/db/rest")
        assert agent.probe("sqlite", path="/srv/db/rollback.db").result["write_ok"] is True
    finally:
        agent.session.close()
        box.close()


def _has_sqlite(python: str) -> bool:
    return subprocess.run([python, "-c", "import sqlite3"], stderr=subprocess.DEVNULL, env=os.environ).returncode == 0
