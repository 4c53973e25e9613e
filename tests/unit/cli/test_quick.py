"""What is answered before click is imported: word for word what click would say."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from playbook_engine.cli import quick
from playbook_engine.cli.commands import COMMANDS
from playbook_engine.cli.group import cli


@pytest.mark.parametrize("argv", [["--version"], ["--help"], ["-h"]])
def test_the_same_as_click_says(argv: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    said = CliRunner().invoke(cli, argv, prog_name="runbook", terminal_width=78)
    assert quick.answer(argv, {}) == said.output


@pytest.mark.parametrize("how", ["bash_complete", "zsh_complete"])
@pytest.mark.parametrize("begun", ["", "a", "audit", "nothing"])
def test_the_same_names_as_click_completes(how: str, begun: str) -> None:
    environment = {"_RUNBOOK_COMPLETE": how, "COMP_WORDS": f"runbook {begun}", "COMP_CWORD": "1"}
    said = CliRunner().invoke(cli, [], prog_name="runbook", env=environment, complete_var="_RUNBOOK_COMPLETE")
    mine = quick.answer([], environment)
    assert mine is not None
    if how == "bash_complete":
        assert mine.split() == said.output.split()
    else:
        assert mine.splitlines()[1::3] == said.output.splitlines()[1::3]


@pytest.mark.parametrize(
    "argv", [[], ["run"], ["run", "--help"], ["--help", "run"], ["--version", "x"], ["-v"], ["nothing"]]
)
def test_all_else_is_clicks(argv: list[str]) -> None:
    assert quick.answer(argv, {}) is None


def test_a_narrow_terminal_is_clicks(monkeypatch: pytest.MonkeyPatch) -> None:
    assert quick.answer(["--help"], {"COLUMNS": "40"}) is None


def test_the_entry_point_says_it_without_click() -> None:
    text = "import sys; sys.argv[1:] = ['--help']\nfrom playbook_engine.cli.main import main\n"
    text += "try:\n    main()\nfinally:\n    assert 'click' not in sys.modules and 're' not in sys.modules"
    ran = subprocess.run([sys.executable, "-S", "-c", text], capture_output=True, text=True, check=False, env={})
    assert (ran.returncode, ran.stderr) == (0, "")
    assert all(name in ran.stdout for name in COMMANDS)


def test_every_command_is_one_of_clicks() -> None:
    with click.Context(cli) as context:
        assert all(cli.get_command(context, name) is not None for name in COMMANDS)
