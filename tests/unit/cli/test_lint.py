"""`runbook lint`, as a program: what it prints, what it ends with, and that it looks at files only."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from forked_cli import ForkedCli

GOOD = "name: good\nparams: {port: {type: int, default: 80}}\nsteps:\n  - tcp: {port: '{{ port }}'}\n"
BAD = "name: bad\nsteps:\n  - tcp: {prot: 80}\n    wehn: true\n"
UNDEFINED = "name: undefined\nsteps:\n  - tcp: {port: '{{ prot }}'}\n"


@pytest.fixture(scope="module")
def cli() -> Iterator[ForkedCli]:
    with ForkedCli() as it:
        yield it


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "runbooks").mkdir()
    for text in (GOOD, BAD, UNDEFINED):
        (tmp_path / "runbooks" / f"{text.split()[1]}.yml").write_text(text)
    return tmp_path


def test_all_that_are_found_are_looked_at(cli: ForkedCli, folder: Path) -> None:
    end = cli.run("lint", cwd=folder)
    assert end.code == 5
    assert "good: clean" in end.out.splitlines()
    assert "phase-0: clean" in end.out.splitlines(), "the shipped ones too"
    assert "runbooks/bad.yml:3:11: tcp has no argument 'prot'" in end.err
    assert "runbooks/bad.yml:4:5: unknown key 'wehn'" in end.err
    assert "runbooks/undefined.yml:3:21: 'prot' is not defined" in end.err


def test_one_by_name_or_file(cli: ForkedCli, folder: Path) -> None:
    assert cli.run("lint", "good", cwd=folder).code == 0
    assert cli.run("lint", "runbooks/good.yml", cwd=folder).out == "runbooks/good.yml: clean\n"
    end = cli.run("lint", "godo", cwd=folder)
    assert (end.code, end.out) == (5, "")
    assert end.err.startswith("there is no runbook 'godo'\n  help: did you mean good?")


def test_variables_of_the_inventory_count(cli: ForkedCli, folder: Path) -> None:
    (folder / "hosts.ini").write_text("[web]\nweb1.test prot=80\n")
    assert cli.run("lint", "undefined", cwd=folder).code == 5
    assert cli.run("lint", "undefined", "-i", "hosts.ini", cwd=folder).code == 0


def test_a_mistake_in_a_shared_import_is_told_once(cli: ForkedCli, folder: Path) -> None:
    for name in ("one", "two"):
        (folder / "runbooks" / f"{name}.yml").write_text(f"name: {name}\nsteps:\n  - import_runbook: bad\n")
    assert cli.run("lint", "one", "two", cwd=folder).err.count("unknown key 'wehn'") == 1


def test_the_program_itself(folder: Path) -> None:
    """The same once more without any shortcut: the interpreter, the command, a shell's environment."""
    env = {k: v for k, v in os.environ.items() if k in ("PATH", "PYTHONPATH")} | {"HOME": str(folder)}
    program = [sys.executable, "-m", "playbook_engine.cli.main"]
    for words, code in ((["lint", "good"], 0), (["lint", "bad"], 5), (["run", "bad", "h.test", "-i", "h.test,"], 5)):
        end = subprocess.run([*program, *words], cwd=folder, env=env, capture_output=True, text=True, check=False)
        assert end.returncode == code, end.stderr
        assert "Traceback" not in end.stderr
        shell = subprocess.run(
            ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *program, *words], cwd=folder, env=env, check=False
        )
        assert shell.returncode == code, "as a daemon without streams"
    assert not (folder / ".local").exists(), "nothing was journaled"
