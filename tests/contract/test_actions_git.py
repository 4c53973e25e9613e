"""`git` against real repositories on this machine."""

from __future__ import annotations

import http.server
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from live_agents import Agent, needs

from playbook_engine.agent import proof
from playbook_engine.agent.actions import git

ENV = {
    **os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null",
    **{f"GIT_{who}_{key}": value for who in ("AUTHOR", "COMMITTER")
       for key, value in (("NAME", "T"), ("EMAIL", "t@example.test"))},
}  # fmt: skip


def sh(script: str, where: Path) -> str:
    ran = subprocess.run(["sh", "-ec", script], cwd=where, env=ENV, check=True, capture_output=True, text=True)
    return ran.stdout.strip()


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    needs("git")
    path = tmp_path / "origin"
    sh(
        f"git init -q -b main {path}; cd {path}; echo 1 >f; git add f; git commit -qm 1; git tag v1; git tag -am x v1a;"
        "git checkout -qb dev; echo d >g; git add g; git commit -qm d; git checkout -q main; echo 2 >f;"
        "git commit -qam 2",
        tmp_path,
    )
    return path


@pytest.mark.parametrize(
    ("version", "ref", "branch"),
    [
        ("HEAD", "main", "main"),
        ("dev", "dev", "dev"),
        ("v1", "v1", ""),
        ("v1a", "v1a^{}", ""),
        ("refs/tags/v1", "v1", ""),
    ],
)
def test_a_copy_is_made_at_a_version(
    newest: Agent, origin: Path, tmp_path: Path, version: str, ref: str, branch: str
) -> None:
    dest, commit = tmp_path / "a" / "copy", sh(f"git rev-parse {ref}", origin)
    args = {"repo": str(origin), "dest": str(dest), "version": version}
    looked = newest.look("git", **args)
    assert [c["after"] for c in looked.plan] == [commit]
    told = newest.apply("git", looked.before, **args)
    assert told.ok, told.msg
    assert (told.result["before"], told.result["after"]) == (None, commit)
    assert sh("git branch --show-current", dest) == branch
    assert not newest.look("git", **args).plan


def test_a_commit_by_its_number_and_shallow_copies(newest: Agent, origin: Path, tmp_path: Path) -> None:
    first = sh("git rev-parse v1", origin)
    told = newest.do("git", repo=str(origin), dest=str(tmp_path / "a"), version=first)
    assert told.result["after"] == first
    assert newest.do("git", repo=str(origin), dest=str(tmp_path / "b"), depth=1, version="dev").ok
    assert sh("git rev-list --count HEAD", tmp_path / "b") == "1"
    assert newest.do("git", repo=str(origin), dest=str(tmp_path / "c"), bare=True).ok
    assert sh("git rev-parse --is-bare-repository", tmp_path / "c") == "true"
    assert not newest.look("git", repo=str(origin), dest=str(tmp_path / "c"), bare=True).plan
    sh("echo 3 >f; git commit -qam 3", origin)
    assert newest.do("git", repo=str(origin), dest=str(tmp_path / "c"), bare=True).ok
    assert sh("git rev-parse main", tmp_path / "c") == sh("git rev-parse main", origin)


def test_a_copy_follows_and_goes_back(newest: Agent, origin: Path, tmp_path: Path) -> None:
    dest = tmp_path / "copy"
    args: dict[str, object] = {"repo": str(origin), "dest": str(dest)}
    before = newest.do("git", **args).result["after"]
    sh("echo 3 >f; git commit -qam 3; git tag v3", origin)
    looked = newest.look("git", **args)
    told = newest.apply("git", looked.before, **args)
    assert (told.result["before"], told.result["after"]) == (before, sh("git rev-parse main", origin))
    assert newest.undo("git", looked.before, **args).ok
    assert (sh("git rev-parse HEAD", dest), sh("git tag", dest)) == (before, "v1\nv1a")
    assert not newest.look("git", **args, update=False).plan


def test_a_copy_stays_at_its_branch_where_no_version_is_given(newest: Agent, origin: Path, tmp_path: Path) -> None:
    dest = tmp_path / "copy"
    args: dict[str, object] = {"repo": str(origin), "dest": str(dest)}
    assert newest.do("git", **args, version="dev").ok
    assert not newest.look("git", **args).plan
    sh("git checkout -q dev; echo n >h; git add h; git commit -qm n; git checkout -q main", origin)
    told = newest.do("git", **args)
    assert told.result["after"] == sh("git rev-parse dev", origin)
    assert sh("git branch --show-current", dest) == "dev"
    sh("git checkout -q --detach", dest)
    assert newest.do("git", **args).result["after"] == sh("git rev-parse main", origin)
    sh("git checkout -q -b own", dest)
    refused = newest.look("git", **args)
    assert (refused.ok, refused.kind) == (False, "not-found")
    assert newest.do("git", **args, version="origin/dev").result["after"] == sh("git rev-parse dev", origin)
    assert sh("git branch --show-current", dest) == ""


def test_another_address_is_set_and_put_back(newest: Agent, origin: Path, tmp_path: Path) -> None:
    """As in Ansible, a path becomes a file:// address, which is a change."""
    dest = tmp_path / "copy"
    sh(f"git clone -q {origin} {dest}", tmp_path)
    args: dict[str, object] = {"repo": str(origin), "dest": str(dest)}
    looked = newest.look("git", **args)
    assert looked.result["remote_url_changed"] is True
    assert newest.apply("git", looked.before, **args).result["remote_url_changed"] is True
    assert sh("git remote get-url origin", dest) == f"file://{origin}"
    assert newest.look("git", **args).result["remote_url_changed"] is False
    assert newest.undo("git", looked.before, **args).ok
    assert sh("git remote get-url origin", dest) == str(origin)
    missing = newest.look("git", **args, remote="up")
    assert (missing.ok, missing.kind) == (False, "not-found")
    assert sh("git remote", dest) == "origin"


@pytest.mark.parametrize("old", [None, "old"])
def test_an_archive_of_the_version(newest: Agent, origin: Path, tmp_path: Path, old: str | None) -> None:
    archive = tmp_path / "app.tar.gz"
    if old is not None:
        archive.write_text(old)
    args: dict[str, object] = {"repo": str(origin), "dest": str(tmp_path / "copy"), "archive": str(archive)}
    args.update(archive_prefix="app/", version="v1")
    looked = newest.look("git", **args)
    assert newest.apply("git", looked.before, **args).ok
    assert sh(f"tar tzf {archive}", tmp_path).split() == ["app/", "app/f"]
    assert not newest.look("git", **args).plan
    assert not newest.look("git", **args, update=False).plan
    undone = newest.undo("git", looked.before, **args)
    assert undone.ok, undone.msg
    assert proof.differences(looked.state, undone.state, git.VOLATILE) == []
    assert (archive.read_text() if archive.exists() else None, (tmp_path / "copy").exists()) == (old, False)
    assert not newest.look("git", **{**args, "archive": f"{tmp_path}/app.rar"}).ok


def test_what_nobody_committed_is_kept_or_thrown_away_and_put_back(newest: Agent, origin: Path, tmp_path: Path) -> None:
    dest = tmp_path / "copy"
    args: dict[str, object] = {"repo": str(origin), "dest": str(dest)}
    assert newest.do("git", **args).ok
    (dest / "f").write_bytes(b"mine\x00\xff\n")
    (dest / "untracked").write_text("x")
    refused = newest.look("git", **args)
    assert "force: true" in refused.msg
    looked = newest.look("git", **args, force=True)
    assert newest.apply("git", looked.before, **args, force=True).ok
    assert ((dest / "f").read_text(), (dest / "untracked").exists()) == ("2\n", True)
    assert newest.undo("git", looked.before, **args, force=True).ok
    assert (dest / "f").read_bytes() == b"mine\x00\xff\n"


def test_submodules_come_along(newest: Agent, origin: Path, tmp_path: Path) -> None:
    sh(f"git init -q -b main outer; cd outer; git -c protocol.file.allow=always submodule -q add {origin} sub;"
       "git commit -qm sub", tmp_path)  # fmt: skip
    args = {"repo": str(tmp_path / "outer"), "dest": str(tmp_path / "copy")}
    complete = {**args, "environment": {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "protocol.file.allow",
                                        "GIT_CONFIG_VALUE_0": "always"}}  # fmt: skip
    looked = newest.look("git", **args)
    assert looked.ok, looked.msg
    told = newest.apply("git", looked.before, **complete)
    assert told.ok, told.msg
    assert (tmp_path / "copy/sub/f").read_text() == "2\n"
    sh("rm -r sub; git submodule -q deinit -f sub", tmp_path / "copy")
    assert newest.look("git", **args, force=True).plan


@pytest.mark.parametrize(
    ("args", "kind", "said"),
    [
        ({"version": "none"}, "not-found", "no branch, tag or commit none"),
        ({"repo": "/no/such/repo"}, "not-found", "git ls-remote"),
        ({"dest": "{d}"}, "failed", "no git repository"),
        ({"version": "abc1234"}, "failed", "whole number"),
    ],
)
def test_what_cannot_be(
    newest: Agent, origin: Path, tmp_path: Path, args: dict[str, str], kind: str, said: str
) -> None:
    given = {"repo": str(origin), "dest": str(tmp_path / "copy"), **args}
    reply = newest.look("git", **{key: value.replace("{d}", str(tmp_path)) for key, value in given.items()})
    assert (reply.ok, reply.kind) == (False, kind), reply.msg
    assert said in reply.msg


class Gate(http.server.BaseHTTPRequestHandler):
    """Asks for a password, and remembers what came."""

    heard: list[str]

    def do_GET(self) -> None:
        type(self).heard.append(self.headers.get("Authorization", ""))
        self.send_response(401)
        self.send_header("WWW-Authenticate", 'Basic realm="x"')
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def gate() -> Iterator[tuple[int, list[str]]]:
    Gate.heard = []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Gate)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1], Gate.heard
    server.shutdown()
    server.server_close()


def test_a_password_in_the_address_reaches_the_server_and_nobody_else(
    newest: Agent, tmp_path: Path, gate: tuple[int, list[str]]
) -> None:
    needs("git")
    port, heard = gate
    reply = newest.look("git", repo=f"http://me:s3cr%40t@127.0.0.1:{port}/x.git", dest=str(tmp_path / "c"))
    assert not reply.ok
    assert "Basic bWU6czNjckB0" in heard
    assert "s3cr" not in repr(reply)
