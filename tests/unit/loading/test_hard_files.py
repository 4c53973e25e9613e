"""Files that are no text, too large, too deep, or that unfold into something huge: refused at once, with a place."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from forked_cli import ForkedCli

HEAD = "name: bad\nsteps: []\n"


def aliases(folder: Path) -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    return "name: bad\nvars:\n" + "".join(f"  {line}\n" for line in lines) + "steps: []\n"


def merges(folder: Path) -> str:
    lines = ["a0: &a0 {x: 1}"]
    lines += [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}" for n in range(1, 12)]
    return "name: bad\nvars:\n" + "".join(f"  {line}\n" for line in lines) + "steps: []\n"


def tree_of_imports(folder: Path) -> str:
    for n in range(18):
        text = f"name: n{n}\nsteps:\n" + f"  - import_runbook: n{n + 1}\n" * 2
        (folder / f"n{n}.yml").write_text(text)
    (folder / "n18.yml").write_text("name: n18\nsteps: []\n")
    return "name: bad\nsteps:\n  - import_runbook: n0\n"


def chain_of_imports(folder: Path) -> str:
    for n in range(60):
        (folder / f"n{n}.yml").write_text(f"name: n{n}\nsteps:\n  - import_runbook: n{n + 1}\n")
    (folder / "n60.yml").write_text("name: n60\nsteps: []\n")
    return "name: bad\nsteps:\n  - import_runbook: n0\n"


Make = Callable[[Path], str | bytes]
CASES: dict[str, tuple[Make, str]] = {
    "ten megabytes": (lambda _: HEAD + "# x\n" * 2_600_000, "bad.yml:1:1: the file is larger than 4 MiB"),
    "deep brackets": (
        lambda _: "name: bad\nvars:\n  x: " + "[" * 100_000 + "\n", "bad.yml:3:64: this is nested more than 60",
    ),
    "deep braces": (
        lambda _: "name: bad\nvars: " + "{a: " * 5000 + "1" + "}" * 5000 + "\n", "bad.yml:2:243: this is nested more",
    ),
    "deep dashes": (lambda _: "name: bad\nvars:\n  x:\n    " + "- " * 50_000 + "1\n", "bad.yml:4:121: this is nested"),
    "deep blocks": (
        lambda _: "name: bad\nvars:\n" + "".join(" " * (n + 1) + "a:\n" for n in range(900)),
        "bad.yml:62:61: this is nested more than 60 levels deep",
    ),
    "aliases that unfold": (aliases, "the document is too large once its aliases are unfolded"),
    "merges that unfold": (merges, "the document is too large once its aliases are unfolded"),
    "an alias of itself": (lambda _: "name: bad\nvars: &v\n  x: *v\nsteps: []\n", "bad.yml:2:7: "),
    "invalid UTF-8": (
        lambda _: b"name: bad\ntitle: \xc3\xa4\xe4\nsteps: []\n", "bad.yml:2:9: the file is not UTF-8: byte 0xe4",
    ),
    "UTF-16": (lambda _: HEAD.encode("utf-16"), "bad.yml:1:1: the file is not UTF-8: byte 0xff"),
    "a NUL byte": (lambda _: b"name: bad\nsteps: []\n\0\n", "bad.yml:3:1: a control character stands here (U+0000)"),
    "an ELF program": (
        lambda _: b"\x7fELF\x02\x01\x01\0\0\0\0\0", "bad.yml:1:1: a control character stands here (U+007F)",
    ),
    "a very long number": (lambda _: f"name: bad\nvars: {{x: {'9' * 5000}}}\nsteps: []\n", "a number of 5000 digits"),
    "a very long template": (
        lambda _: f'name: bad\nsteps:\n  - copy: {{dest: /x, content: "{{{{ {"(" * 3000}1{")" * 3000} }}}}"}}\n',
        "bad.yml:3:31: ",
    ),
    "a very long condition": (
        lambda _: f"name: bad\nsteps:\n  - command: ls\n    changed_when: false\n    when: {'not ' * 20_000}true\n",
        "bad.yml:5:11: ",
    ),
    "a tree of imports": (tree_of_imports, "takes in more than 200 others"),
    "a chain of imports": (chain_of_imports, "imports are nested more than 20 deep"),
}  # fmt: skip


@pytest.fixture(scope="module")
def cli() -> Iterator[ForkedCli]:
    with ForkedCli() as it:
        yield it


@pytest.mark.parametrize("name", CASES)
def test_it_is_refused_at_once(name: str, cli: ForkedCli, tmp_path: Path) -> None:
    make, said = CASES[name]
    text = make(tmp_path)
    (tmp_path / "bad.yml").write_bytes(text if isinstance(text, bytes) else text.encode())
    began = time.monotonic()
    end = cli.run("run", "bad.yml", "h.test", "-i", "h.test,", cwd=tmp_path, env={"RUNBOOK_STATE": str(tmp_path / "s")})
    assert said in end.err, end.err[:500]
    assert end.code == 5
    assert "Traceback" not in end.err
    assert len(end.err) < 20_000
    assert time.monotonic() - began < 60, "it is refused, not chewed on"
    assert not (tmp_path / "s").exists()


def test_what_is_no_file_is_refused(cli: ForkedCli, tmp_path: Path) -> None:
    (tmp_path / "folder.yml").mkdir()
    (tmp_path / "loop.yml").symlink_to("loop.yml")
    (tmp_path / "zero.yml").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "pipe.yml")
    for name in ("folder.yml", "loop.yml", "zero.yml", "pipe.yml", "missing.yml", "", "a" * 5000):
        end = cli.run("lint", "--", name, cwd=tmp_path)
        assert end.code == 5, (name, end)
        assert "there is no runbook" in end.err, (name, end)
        assert "Traceback" not in end.err


def test_windows_files_load_and_their_places_are_right(cli: ForkedCli, tmp_path: Path) -> None:
    (tmp_path / "good.yml").write_bytes(b"\xef\xbb\xbfname: good\r\nsteps:\r\n  - stat: {path: /x}\r\n")
    (tmp_path / "bad.yml").write_bytes(b"\xef\xbb\xbfname: bad\r\nsteps:\r\n  - stat: {pth: /x}\r\n")
    assert cli.run("lint", "good.yml", cwd=tmp_path).out == "good.yml: clean\n"
    end = cli.run("lint", "bad.yml", cwd=tmp_path)
    line = "    3 |   - stat: {pth: /x}\n      |            ^\n"
    assert end.err.startswith(f"bad.yml:3:12: stat has no argument 'pth' [unknown-argument]\n{line}")
