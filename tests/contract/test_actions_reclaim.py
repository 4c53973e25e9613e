"""`reclaim` on real files, real open descriptors, and file systems with no byte and no inode left."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from live_agents import INTERPRETERS, Agent, needs, start
from sandbox import Sandbox

HOLD = "import os,sys,time; fd=os.open(sys.argv[1], int(sys.argv[2]), 0o644); os.write(fd, b'x'*int(sys.argv[3]))"


@contextmanager
def held(path: Path, flags: int, size: int = 8192) -> Iterator[None]:
    """A process that has written `size` bytes to a file and keeps it open."""
    code = HOLD + " if int(sys.argv[3]) else 0; print('up', flush=True); time.sleep(60)"
    child = subprocess.Popen([sys.executable, "-c", code, path, str(flags), str(size)], stdout=subprocess.PIPE)
    assert child.stdout
    child.stdout.readline()
    try:
        yield
    finally:
        child.kill()
        child.wait()
        child.stdout.close()


def fill(folder: Path, count: int, size: int = 4096, days: float = 10) -> list[Path]:
    """Files 0..count-1, the first the oldest."""
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for number in range(count):
        path = folder / f"{number}.log"
        path.write_bytes(b"x" * size)
        when = time.time() - days * 86400 + number
        os.utime(path, (when, when))
        made.append(path)
    return made


def test_it_previews_what_it_then_does(agent: Agent, tmp_path: Path) -> None:
    fill(tmp_path / "cache" / "a" / "b", 3)
    looked = agent.look("reclaim", paths=[str(tmp_path / "cache")])
    assert [c["aspect"] for c in looked.plan] == ["remove"] * 3
    assert len(list((tmp_path / "cache").rglob("*.log"))) == 3, "a preview removes nothing"
    ran = agent.run("reclaim", paths=[str(tmp_path / "cache")])
    assert ran.ok, ran.msg
    assert (ran.result["removed"], ran.result["removed_directories"]) == (3, 2)
    assert ran.result["expected_bytes"] == 3 * 4096
    assert list((tmp_path / "cache").iterdir()) == [], "the root itself stays"
    assert not agent.look("reclaim", paths=[str(tmp_path / "cache")]).plan


def test_bounds_are_kept_oldest_first(newest: Agent, tmp_path: Path) -> None:
    files = fill(tmp_path, 6)
    newest.run("reclaim", paths=[str(tmp_path)], max_bytes="8KiB")
    assert [f.exists() for f in files] == [False, False, True, True, True, True]
    newest.run("reclaim", paths=[str(tmp_path)], max_inodes=1)
    newest.run("reclaim", paths=[f"{tmp_path}/*.log"], keep_newest=2)
    assert [f.exists() for f in files] == [False] * 4 + [True] * 2


def test_filters(newest: Agent, tmp_path: Path) -> None:
    old, young = fill(tmp_path / "old", 2), fill(tmp_path / "young", 1, days=0.5)
    (tmp_path / "old" / "keep.me").write_bytes(b"x" * 9000)
    ran = newest.run("reclaim", paths=[str(tmp_path)], older_than="1d", patterns="*.log", excludes="*/old/1.log")
    assert [old[0].exists(), old[1].exists(), young[0].exists()] == [False, True, True]
    assert ran.result["skipped"] == {"name": 1, "excluded": 1, "too young": 1}
    ran = newest.run("reclaim", paths=[str(tmp_path)], min_size="8KiB")
    assert not (tmp_path / "old" / "keep.me").exists()


def test_an_open_log_is_emptied_and_nothing_else_that_is_open_is_touched(agent: Agent, tmp_path: Path) -> None:
    log, data, dump = tmp_path / "app.log", tmp_path / "db.sqlite", tmp_path / "dump.sql"
    append, both, plain = os.O_WRONLY | os.O_APPEND | os.O_CREAT, os.O_RDWR | os.O_CREAT, os.O_WRONLY | os.O_CREAT
    with held(log, append), held(data, both), held(dump, plain):
        ran = agent.run("reclaim", paths=[str(tmp_path)])
        assert ran.ok, ran.msg
        assert ran.result["truncated"] == [str(log)]
        assert (log.stat().st_size, data.stat().st_size, dump.stat().st_size) == (0, 8192, 8192)
        why = {Path(str(h["path"])).name: h for h in ran.result["held"] if h["path"] in (str(data), str(dump))}  # type: ignore[attr-defined]
        assert set(why) == {"db.sqlite", "dump.sql"}
        assert why["dump.sql"]["why"] == "open for writing, but not to append"
        assert why["dump.sql"]["command"].startswith("python")
        left = agent.run("reclaim", paths=[str(tmp_path)], truncate_open=False)
        assert left.result["truncated"] == []


def test_deleted_files_that_hold_space_are_told_and_emptied_on_request(agent: Agent, tmp_path: Path) -> None:
    log = tmp_path / "gone.log"
    with held(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 65536):
        log.unlink()
        looked = agent.look("reclaim", paths=[str(tmp_path)])
        assert not looked.plan
        told = [h for h in looked.result["held"] if h["path"] == str(log)]  # type: ignore[attr-defined]
        assert [(h["deleted"], h["bytes"]) for h in told] == [(True, 65536)]
        ran = agent.run("reclaim", paths=[str(tmp_path)], truncate_deleted=True)
        assert ran.result["truncated"] == [f"{log} (deleted)"]
        assert ran.result["expected_bytes"] == 65536
        again = agent.look("reclaim", paths=[str(tmp_path)], truncate_deleted=True)
        assert not again.plan


def test_links_are_not_followed(newest: Agent, tmp_path: Path) -> None:
    precious = fill(tmp_path / "precious", 1)
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "link").symlink_to(tmp_path / "precious")
    (tmp_path / "door").symlink_to(tmp_path / "precious")
    ran = newest.run("reclaim", paths=[str(tmp_path / "cache"), str(tmp_path / "door")])
    assert ran.result["removed"] == 2, "the links themselves"
    assert precious[0].exists()


def test_hard_links_give_nothing_back(newest: Agent, tmp_path: Path) -> None:
    one = fill(tmp_path / "cache", 1)[0]
    os.link(one, tmp_path / "other")
    looked = newest.look("reclaim", paths=[str(tmp_path / "cache")])
    assert looked.result["expected_bytes"] == 0


def test_truncate_keeps_the_names(newest: Agent, tmp_path: Path) -> None:
    one = fill(tmp_path, 1)[0]
    ran = newest.run("reclaim", paths=[str(tmp_path)], mode="truncate")
    assert (ran.result["removed"], ran.result["truncated"]) == (0, [str(one)])
    assert one.stat().st_size == 0
    assert not newest.look("reclaim", paths=[str(tmp_path)], mode="truncate").plan


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/etc",
        "/usr/share/doc",
        "/home",
        "/home/somebody",
        "/root",
        "/data",
        "/var",
        "/var/lib",
        "/var/lib/app",
        "/var/lib/mysql/data",
        "/var/spool/cron/crontabs",
        "/root/.ssh/old",
        "/tmp",
        "/var/log",
        "/tmp/../etc/foo",
        "/*",
        "relative/path",
    ],
)
def test_protected_places_are_refused(newest: Agent, path: str) -> None:
    looked = newest.look("reclaim", paths=[path])
    assert (looked.ok, looked.kind) == (False, "refused"), looked


def test_a_link_does_not_lead_into_a_protected_place(newest: Agent, tmp_path: Path) -> None:
    (tmp_path / "etc").symlink_to("/etc")
    looked = newest.look("reclaim", paths=[f"{tmp_path}/etc/*.conf"])
    assert (looked.ok, looked.kind) == (False, "refused")


FULL = """
mkdir -p $R/srv/full $R/srv/inodes
mount -t tmpfs -o size=1m full $R/srv/full
mount -t tmpfs -o size=8m,nr_inodes=64 inodes $R/srv/inodes
mkdir $R/srv/full/cache $R/srv/inodes/cache
dd if=/dev/zero of=$R/srv/full/cache/big bs=64k 2>/dev/null || :
i=0; while touch $R/srv/inodes/cache/$i; do i=$((i+1)); done 2>/dev/null || :
"""


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    needs("unshare", "nsenter", root=True)
    box = Sandbox(tmp_path_factory.mktemp("box"), "sleep 3600", FULL)
    yield box
    box.close()


def test_it_works_with_no_bytes_and_no_inodes_left(full: Sandbox) -> None:
    agent = start(next(iter(INTERPRETERS.values())), full.wrap())
    try:
        disk = agent.probe("disk_usage", path="/srv/full").result
        inodes = agent.probe("disk_usage", path="/srv/inodes").result
        assert (disk["free_bytes"], inodes["free_inodes"]) == (0, 0)
        refused = agent.do("copy", content="x" * 4096, dest="/srv/full/new")
        assert (refused.ok, refused.kind) == (False, "disk-full")
        assert agent.do("copy", content="x", dest="/srv/inodes/new").kind == "no-inodes"
        ran = agent.run("reclaim", paths=["/srv/full/cache", "/srv/inodes/cache"])
        assert ran.ok, ran.msg
        assert ran.result["freed_bytes"] == ran.result["expected_bytes"] == 1 << 20
        assert ran.result["freed_inodes"] == ran.result["expected_inodes"]
        assert agent.do("copy", content="x" * 4096, dest="/srv/full/new").ok
    finally:
        agent.session.close()


def test_deleted_files_are_seen_on_an_overlay(full: Sandbox) -> None:
    """Containers live on overlayfs, where a file and its directory are on different devices (stat(2))."""
    full.run("mkdir -p /srv/log; (exec 3>>/srv/log/a; echo x >&3; rm /srv/log/a; sleep 30) >/dev/null 2>&1 &")
    agent = start(list(INTERPRETERS.values())[-1], full.wrap())
    try:
        ran = agent.run("reclaim", paths=["/srv/log"], truncate_deleted=True)
        assert ran.result["truncated"] == ["/srv/log/a (deleted)"], ran
    finally:
        agent.session.close()
