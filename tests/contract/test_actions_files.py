"""The file actions where they must not do what was asked: refusals, full and read-only disks, undo limits, diffs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from live_agents import INTERPRETERS, Agent, needs, start
from sandbox import Sandbox
from state_cases import snapshot, tree, write

REFUSED: list[tuple[str, dict[str, object], str, str]] = [
    ("file", {"path": "{d}/none", "state": "file"}, "not-found", "is absent, not a file"),
    ("file", {"path": "{d}/f", "state": "directory"}, "failed", "is there already, as a file"),
    ("file", {"path": "{d}/f", "state": "file", "recurse": True}, "failed", "recurse needs state: directory"),
    ("file", {"path": "{d}/f", "state": "link", "src": "t"}, "failed", "force: true replaces it"),
    ("file", {"path": "{d}/t", "state": "link", "src": "f", "force": True}, "failed", "not empty"),
    ("file", {"path": "{d}/l", "state": "link", "src": "gone"}, "not-found", "force: true makes a link to nothing"),
    ("file", {"path": "{d}/l", "state": "link"}, "failed", "needs src"),
    ("file", {"path": "{d}/h", "state": "hard"}, "failed", "needs src"),
    ("file", {"path": "{d}/h", "state": "hard", "src": "gone"}, "not-found", "is not there"),
    ("file", {"path": "{d}/f", "owner": "nobody-of-that-name"}, "not-found", "there is no user"),
    ("copy", {"content": "x", "dest": "{d}/t"}, "failed", "is a directory"),
    ("copy", {"content": "x", "dest": "{d}/none/f"}, "not-found", "No such file or directory"),
    ("copy", {"content": "x", "dest": "{d}/f", "validate": "true"}, "failed", "validate must contain %s"),
    ("copy", {"content": "x", "dest": "{d}/f", "validate": "false %s"}, "failed", "validation refused"),
    ("copy", {"src": "{d}/none", "dest": "{d}/f", "remote_src": True}, "not-found", "the source, is absent"),
    ("lineinfile", {"path": "{d}/none", "line": "x"}, "not-found", "create: true makes it"),
    ("lineinfile", {"path": "{d}/f", "regexp": "("}, "failed", "state: present needs line"),
    ("lineinfile", {"path": "{d}/f", "regexp": "(", "line": "x"}, "failed", "cannot be used"),
    ("lineinfile", {"path": "{d}/f", "state": "absent"}, "failed", "which line is it"),
    ("lineinfile", {"path": "{d}/f", "line": "x", "insertafter": "a", "insertbefore": "b"}, "failed", "exclude"),
    ("lineinfile", {"path": "{d}/f", "line": r"\2", "regexp": "(x)", "backrefs": True}, "failed", "from the match"),
    ("replace", {"path": "{d}/none", "regexp": "x"}, "not-found", "is not there"),
    ("replace", {"path": "{d}/f", "regexp": "(x)", "replace": r"\2"}, "failed", "group"),
    ("replace", {"path": "{d}/f", "regexp": "x", "encoding": "no-such"}, "failed", "there is no encoding no-such"),
    ("replace", {"path": "{d}/f", "regexp": "x", "encoding": "utf-16"}, "failed", "is not text in utf-16"),
    ("slurp", {"src": "{d}/none"}, "not-found", "is not there"),
    ("slurp", {"src": "{d}/f", "max_bytes": 1}, "over-limit", "max_bytes"),
]


@pytest.mark.parametrize(("action", "args", "kind", "said"), REFUSED, ids=lambda v: v if isinstance(v, str) else "")
def test_refusals_say_why_and_touch_nothing(
    newest: Agent, tmp_path: Path, action: str, args: dict[str, object], kind: str, said: str
) -> None:
    tree(tmp_path)
    write("x text\n")(tmp_path)
    there = snapshot(tmp_path)
    filled = {k: v.replace("{d}", str(tmp_path)) if isinstance(v, str) else v for k, v in args.items()}
    reply = newest.probe(action, **filled) if action == "slurp" else newest.do(action, **filled)
    assert not reply.ok
    assert reply.kind == kind, reply.msg
    assert said in reply.msg
    assert snapshot(tmp_path) == there


@pytest.mark.parametrize(
    ("action", "args"),
    [
        ("copy", {"content": "x", "dest": "{d}/f"}),
        ("lineinfile", {"path": "{d}/f", "line": "x"}),
        ("file", {"path": "{d}/f", "state": "absent"}),
        ("file", {"path": "{d}", "state": "absent"}),
    ],
    ids=["copy", "lineinfile", "file", "tree"],
)
def test_what_is_over_the_undo_limit_is_refused_untouched(
    newest: Agent, tmp_path: Path, action: str, args: dict[str, object]
) -> None:
    write("0123456789")(tmp_path)
    filled = {k: str(v).replace("{d}", str(tmp_path)) for k, v in args.items()}
    reply = newest.look_with(action, filled, undo_limit=9)
    assert (reply.ok, reply.kind) == (False, "over-undo-limit")
    assert newest.look_with(action, filled, undo_limit=10).ok
    assert (tmp_path / "f").read_text() == "0123456789"


def test_only_attributes_change_so_no_content_travels(newest: Agent, tmp_path: Path) -> None:
    write("x" * 100000)(tmp_path)
    looked = newest.look_with("copy", {"content": "x" * 100000, "dest": f"{tmp_path}/f", "mode": "0600"}, undo_limit=0)
    assert looked.ok
    assert [c["aspect"] for c in looked.plan] == ["mode"]
    assert "content" not in (looked.before or {})


def test_the_state_without_changes_does_not_carry_the_content(newest: Agent, tmp_path: Path) -> None:
    write("line\n")(tmp_path)
    looked = newest.look("lineinfile", path=f"{tmp_path}/f", line="line")
    assert not looked.plan
    assert not any(isinstance(value, bytes) for value in (looked.state or {}).values())


def test_a_diff_shows_the_lines(agent: Agent, tmp_path: Path) -> None:
    write("a\nb\nc\n")(tmp_path)
    for action, args in (
        ("lineinfile", {"path": f"{tmp_path}/f", "regexp": "^b", "line": "B"}),
        ("replace", {"path": f"{tmp_path}/f", "regexp": "^b$", "replace": "B"}),
        ("copy", {"dest": f"{tmp_path}/f", "content": "a\nB\nc\n"}),
    ):
        looked = agent.look_with(action, args)
        assert looked.plan[0]["diff"] == "--- before\n+++ after\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n"


def test_a_content_in_any_bytes_survives(agent: Agent, tmp_path: Path) -> None:
    data = bytes(range(256)) * 3 + b"\r\nlast"
    (tmp_path / "f").write_bytes(data)
    assert agent.do("lineinfile", path=f"{tmp_path}/f", line="added").ok
    assert (tmp_path / "f").read_bytes() == data + b"\nadded\n"
    assert agent.do("replace", path=f"{tmp_path}/f", regexp="added", replace="Ω").ok
    assert (tmp_path / "f").read_bytes() == data + "\nΩ\n".encode()


ROUGH = """
mkdir $R/srv/full $R/srv/ro
mount -t tmpfs -o size=64k full $R/srv/full
echo old >$R/srv/full/f; dd if=/dev/zero of=$R/srv/full/rest bs=4k 2>/dev/null || :
mount -t tmpfs ro $R/srv/ro; echo old >$R/srv/ro/f; mount -o remount,ro $R/srv/ro
"""


@pytest.fixture(scope="module")
def rough(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agent]:
    needs("unshare", "nsenter", root=True)
    box = Sandbox(tmp_path_factory.mktemp("box"), "sleep 3600", ROUGH)
    it = start(next(iter(INTERPRETERS.values())), box.wrap())
    yield it
    it.session.close()
    box.close()


def test_a_link_is_the_same_when_what_it_points_to_comes_later(newest: Agent, tmp_path: Path) -> None:
    """A service's `supervise` link points to nothing until its supervisor runs: taking it back is refused by nobody."""
    args = {"path": f"{tmp_path}/l", "src": "later", "state": "link", "force": True}
    made = newest.do("file", **args)
    (tmp_path / "later").mkdir()
    assert newest.probe("file", **args).result == made.state


@pytest.mark.parametrize(("place", "kind"), [("full", "disk-full"), ("ro", "read-only")])
def test_a_full_or_read_only_disk_spares_the_old_file(rough: Agent, place: str, kind: str) -> None:
    path = f"/srv/{place}/f"
    for action, args in (
        ("copy", {"content": "new\n" * 5000, "dest": path}),
        ("lineinfile", {"path": path, "line": "new" * 5000}),
        ("replace", {"path": path, "regexp": "old", "replace": "new" * 5000}),
    ):
        reply = rough.do(action, **args)
        assert (reply.ok, reply.kind) == (False, kind), (action, reply.msg)
    assert rough.probe("slurp", src=path).result["content"] == b"old\n"
    listed = rough.probe("find", paths=f"/srv/{place}", hidden=True, file_type="any").result["files"]
    assert {os.path.basename(f["path"]) for f in listed} <= {"f", "rest"}, "no litter"  # type: ignore[attr-defined]
    removed = rough.do("file", path=path, state="absent")
    assert (removed.ok, removed.kind) == ((True, "") if place == "full" else (False, "read-only"))
