"""Modes as chmod(1) reads them, states put back, writes that spare the old file."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from playbook_engine.agent import atomic, failure, filestate

SPECS = [
    "0640",
    "4755",
    "u+x",
    "go-w",
    "a=r",
    "u=rwx,g=rx,o=",
    "u+s,g+s",
    "+t",
    "o=u",
    "g=u-w",
    "ug=o",
    "a+X",
    "+w",
    "=rw",
    "-x",
    "u-s,o+r,g+w",
    "u=rwX,g=rX,o=",
]


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("start", [0o644, 0o4755, 0o1777, 0o000, 0o640])
def test_symbolic_modes_are_those_of_chmod(tmp_path: Path, spec: str, start: int) -> None:
    path = tmp_path / "f"
    path.touch()
    path.chmod(start)
    state = filestate.observe(str(path), digest=False)
    subprocess.run(["chmod", "--", spec, path], check=False, capture_output=True)  # it says when the umask held back
    assert filestate.mode_of(spec, state) == f"{stat.S_IMODE(path.stat().st_mode):04o}"


@pytest.mark.parametrize("spec", ["0899", "u+z", "x+r", "rw"])
def test_what_is_no_mode_is_refused(spec: str) -> None:
    with pytest.raises(failure.Failed, match="no mode"):
        filestate.mode_of(spec, {"type": "file", "mode": "0644"})


def test_a_state_is_put_back_whatever_took_its_place(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text("old")
    path.chmod(0o4640)
    os.utime(path, (1e9, 1e9))
    before = filestate.keep(filestate.observe(str(path)), None)
    for spoil in (
        "rm F",
        "echo other >F",
        "chmod 777 F",
        "rm F; mkdir -p F/in",
        "rm F; ln -s elsewhere F",
        "rm F; mkfifo F",
    ):
        subprocess.run(["sh", "-c", spoil.replace("F", str(path))], check=True)
        filestate.put_back(before)
        assert filestate.same(filestate.observe(str(path)), before)
        assert path.read_text() == "old"


def test_a_file_that_changed_while_it_was_read_is_told(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text("one")
    state = filestate.observe(str(path))
    path.write_text("two")
    with pytest.raises(failure.Failed) as caught:
        filestate.keep(state, None)
    assert caught.value.kind == "moved"


def test_a_refused_write_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text("old")

    def refuse(_: str) -> None:
        raise failure.Failed("no")

    with pytest.raises(failure.Failed):
        atomic.write(str(path), b"new", 0o644, accept=refuse)
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("f", "old")]


def test_a_write_in_pieces(tmp_path: Path) -> None:
    path = tmp_path / "f"

    def fill(pour: Callable[[bytes], None]) -> None:
        pour(b"a")
        pour(b"b" * 100000)

    atomic.write(str(path), fill, 0o600)
    assert path.stat().st_size == 100001
    assert path.stat().st_mode & 0o777 == 0o600


def test_extended_attributes_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text("x")
    try:
        os.setxattr(path, "user.note", b"\x00\xff")
    except OSError:
        pytest.skip("this file system has no extended attributes")
    before = filestate.keep(filestate.observe(str(path)), None)
    os.removexattr(path, "user.note")
    os.setxattr(path, "user.other", b"1")
    assert not filestate.same(filestate.observe(str(path)), before)
    filestate.put_back(before)
    assert filestate.xattr_of(str(path)) == {"user.note": b"\x00\xff"}


def test_missing_parents_are_named_from_the_top(tmp_path: Path) -> None:
    top = str(tmp_path)
    assert filestate.missing_parents(f"{top}/a/b/c") == [f"{top}/a", f"{top}/a/b"]
    assert filestate.missing_parents(f"{top}/a") == []


def test_two_backups_within_a_second_are_two_files(tmp_path: Path) -> None:
    for _ in range(3):
        Path(filestate.backup_of(str(tmp_path / "f"))).write_text("x")
    assert len(list(tmp_path.iterdir())) == 3
