from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from playbook_engine.cli.lab import lab


@pytest.fixture(autouse=True)
def state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RUNBOOK_STATE", str(tmp_path))


def run(*argv: str) -> Result:
    return CliRunner().invoke(lab, argv)


def test_without_hosts_it_says_how_to_make_one() -> None:
    assert "`runbook lab up` makes one" in run("list").output
    assert run("list", "--json").output.endswith('"hosts": []\n}\n')
    assert run("down").output == "there was nothing to take down\n"


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["up", "--market", "closed"], "--market is for `lab up sick`"),
        (["up", "sick", "--size", "1g"], "--size is for plain hosts"),
        (["up", "sick", "-n", "2"], "-n is for plain hosts"),
        (["up", "--init", "systemd"], "Invalid value for '--init'"),
        (["up", "well"], "'well' is not one of"),
    ],
)
def test_an_option_that_would_be_ignored_is_an_error(argv: list[str], said: str) -> None:
    done = run(*argv)
    assert done.exit_code == 2
    assert said in done.output


def test_help_names_the_faults() -> None:
    assert "fill-inodes" in run("break", "--help").output
