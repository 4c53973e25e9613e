"""Completion: what may stand where the cursor is, and that real shells put it there."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest

from playbook_engine.cli import flag_table, quick
from playbook_engine.cli.commands import COMMANDS
from playbook_engine.cli.completion import SCRIPTS
from playbook_engine.cli.flags import TABLE
from playbook_engine.cli.group import cli
from playbook_engine.cli.shell_words import split

RUNBOOK = """
name: tune
title: Tune it
steps:
  - {name: the first step, command: "true", irreversible: x, tags: [web, slow]}
  - name: around
    block:
      - {name: "it's inside", command: "true", irreversible: x, tags: inner}
  - include_steps: more.yml
"""
HOSTS = "[web]\nweb1.test\nweb2.test\n[db]\ndb1.test\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "runbooks").mkdir()
    (tmp_path / "runbooks" / "tune.yml").write_text(RUNBOOK)
    (tmp_path / "runbooks" / "more.yml").write_text("- {name: from a file, command: x, tags: more}\n")
    (tmp_path / "hosts").write_text(HOSTS)
    (tmp_path / "site.yml").write_text(
        "- hosts: all\n  tags: play\n  tasks:\n  - {name: ping it, ping: , tags: quick}\n"
    )
    for run in ("20260101-000000-a", "20260102-000000-b"):
        (tmp_path / "state" / "runs" / run).mkdir(parents=True)
    (tmp_path / "inventory").mkdir()
    (tmp_path / "inventory" / "hosts").write_text(HOSTS)
    script = tmp_path / "inventory" / "script.sh"
    script.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\necho '{{}}'\n")
    script.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith(("RUNBOOK_", "ANSIBLE_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("RUNBOOK_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def words(*typed: str) -> list[str]:
    said = quick.answer(["--", *typed], {"_RUNBOOK_COMPLETE": "fish"})
    assert said is not None
    return [line.split("\t")[0] for line in said.splitlines()]


def test_the_table_is_that_of_the_commands() -> None:
    assert dict(TABLE) == flag_table.table(), "run `make docs`"
    file = Path(quick.__file__).with_name("flags.py")
    assert file.read_text() == flag_table.source(), "run `make docs`"


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_flag_of_a_command_is_completed(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    shown = [o for p in command.params if isinstance(p, click.Option) and not p.hidden for o in p.opts]
    assert set(shown) <= set(words(name, "-"))


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (["roll"], ["rollback"]),
        (["lab", "u"], ["up"]),
        (["--co"], ["--color"]),
        (["run", "--start-at"], ["--start-at-step", "--start-at-task"]),
        (["run", "tu"], ["tune"]),
        (["run", "si"], ["site.yml"]),
        (["run", "./si"], [":files"]),
        (["play", ""], [":files"]),
        (["run", "tune", "we"], ["web1.test", "web2.test", "web"]),
        (["run", "tune", "web:!d"], ["web:!db1.test", "web:!db"]),
        (["run", "tune", "-l", "db1"], ["db1.test"]),
        (["run", "tune", "-i", "x1.test,x2.test,", "-l", "x"], ["x1.test", "x2.test"]),
        (["run", "tune", "--tags", "s"], ["slow"]),
        (["run", "tune", "--tags", "web,i"], ["web,inner"]),
        (["run", "tune", "--tags=mo"], ["--tags=more"]),
        (["run", "tune", "--start-at-step", "the"], ["the first step"]),
        (["run", "tune", "--start-at-step", "from"], ["from a file"]),
        (["play", "site.yml", "--start-at-task", ""], ["ping it"]),
        (["play", "site.yml", "--skip-tags", "qu"], ["quick"]),
        (["show", ""], ["last", "20260102-000000-b", "20260101-000000-a"]),
        (["rollback", "20260101"], ["20260101-000000-a"]),
        (["exec", "web", "-m", "cop"], ["copy"]),
        (["doc", "cop"], ["copy"]),
        (["inventory", "--graph", "w"], ["web"]),
        (["inventory", "--explain", "db1"], ["db1.test"]),
        (["lab", "up", "s"], ["sick"]),
        (["completion", ""], ["bash", "zsh", "fish"]),
        (["help", "lab", "u"], ["up"]),
        (["run", "tune", "--forks", ""], []),
        (["run", "nothing", "--tags", "x"], []),
        (["nothing", ""], []),
    ],
)
def test_what_may_stand_there(here: Path, typed: list[str], expected: list[str]) -> None:
    assert words(*typed) == expected


def test_no_program_of_an_inventory_is_run(here: Path) -> None:
    assert "web1.test" in words("hosts", "")
    assert not (here / "ran").exists()


def test_vault_ids_are_those_of_the_settings(here: Path) -> None:
    (here / "runbook.toml").write_text('vault_identity_list = ["dev@pw"]\n')
    here.chmod(0o755)
    assert words("vault", "view", "--vault-id", "d") == [f"dev@{here}/pw", "dev@prompt"]


def test_what_does_not_load_has_no_names(here: Path) -> None:
    (here / "inventory" / "hosts").write_text("[broken\n= :\n[a:nothing]\n")
    assert words("hosts", "") == []


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("a b", ["a", "b"]),
        ("a ", ["a", ""]),
        ("a 'b c", ["a", "b c"]),
        (r"a b\ c", ["a", "b c"]),
        ('a "b"d', ["a", "bd"]),
    ],
)
def test_a_line_is_split_as_a_shell_does(line: str, expected: list[str]) -> None:
    assert split(line) == expected


@pytest.mark.parametrize("words_", [["au"], ["run", "--ta"], ["lab", "up", "--"]])
def test_commands_and_flags_cost_no_click(words_: list[str]) -> None:
    text = f"import sys; sys.argv[1:] = ['--', *{words_!r}]\nfrom playbook_engine.cli.main import main\n"
    text += "try:\n    main()\nfinally:\n    assert 'click' not in sys.modules and 're' not in sys.modules"
    ran = subprocess.run(
        [sys.executable, "-S", "-c", text], capture_output=True, text=True, check=False,
        env={"_RUNBOOK_COMPLETE": "zsh"},
    )  # fmt: skip
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout


# ------------------------------------------------------------------------- real shells

SHELLS = {
    "bash": ["bash", "--norc", "--noprofile", "-i"],
    "zsh": ["zsh", "-f", "-i"],
    "fish": ["fish", "--no-config", "-i"],
}
ENTER = {"zsh": "autoload -U compinit; compinit -u -D\n"}


def shell_or_skip(shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed: apt-get install {shell}")


def pressed(shell: str, line: str, until: str) -> str:
    """What a terminal shows after `line` and the tab key, once `until` is there (or after 15 s)."""
    script = Path(f"completion.{shell}")
    script.write_text(SCRIPTS[shell])
    child, terminal = pty.fork()
    if child == 0:
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        env = {**os.environ, "PATH": path, "TERM": "dumb" if shell != "fish" else "xterm", "PS1": "READY> "}
        os.execvpe(SHELLS[shell][0], SHELLS[shell], env)
    try:
        os.write(terminal, f"{ENTER.get(shell, '')}source {script}; echo so''urced\n".encode())
        seen = _read(terminal, "sourced\r\n")
        assert "sourced" in seen, seen
        os.write(terminal, f"{line}\t".encode())
        return _read(terminal, until)
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)
        os.close(terminal)


def _read(terminal: int, until: str) -> str:
    seen, end = "", time.monotonic() + 15
    while until not in seen and time.monotonic() < end:
        if select.select([terminal], [], [], 0.2)[0]:
            try:
                seen += os.read(terminal, 65536).decode(errors="replace")
            except OSError:
                break
    return seen


@pytest.mark.parametrize("shell", ["bash", "zsh"])
@pytest.mark.parametrize(
    ("line", "until"),
    [
        ("runbook rollb", "runbook rollback "),
        ("runbook run tune --start-at-st", "--start-at-step "),
        ("runbook run tune db1", "runbook run tune db1.test "),
        ("runbook run tune --tags=inn", "--tags=inner "),
        ("runbook run tune --start-at-step from", r"from\ a\ file"),
        ("runbook play sit", "runbook play site.yml "),
    ],
)
def test_a_real_shell_puts_it_there(here: Path, shell: str, line: str, until: str) -> None:
    shell_or_skip(shell)
    assert until in pressed(shell, line, until)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("runbook rollb", ["rollback\tTake back what a run changed"]),
        ("runbook run tune --start-at-step from", ["from a file"]),
        ("runbook run tune --tags=inn", ["--tags=inner"]),
        ("runbook play sit", ["site.yml"]),
        ("runbook run tune ", ["web1.test", "web2.test", "db1.test", "all\tgroup of 3", "ungrouped\tgroup of 0",
                               "web\tgroup of 2", "db\tgroup of 1"]),
    ],
)  # fmt: skip
def test_fish_says_it(here: Path, line: str, expected: list[str]) -> None:
    shell_or_skip("fish")
    (here / "completion.fish").write_text(SCRIPTS["fish"])
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "LINE": line}
    ran = subprocess.run(
        ["fish", "--no-config", "-c", "source completion.fish; complete -C \"$LINE\""], env=env, capture_output=True,
        text=True, check=False, timeout=60,
    )  # fmt: skip
    assert ran.stdout.splitlines() == expected, ran.stderr
