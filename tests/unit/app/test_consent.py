"""How many hosts may be touched: --max-hosts, and what is protected wants their number."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from forked_cli import CONNECTED, Ended, ForkedCli
from memory_bench import MemoryApp

from playbook_engine.app.consent import Consent, agreed
from playbook_engine.model.errors import UsageError
from playbook_engine.model.host import Host
from playbook_engine.model.runbook import Import, Runbook

PLAIN = "name: plain\nhosts: web\nsteps: [{name: a, copy: {content: x, dest: /a}}]\n"
INVENTORY = """\
[web]
web[1:3].test
[shop]
shop[1:2].test
[shop:vars]
runbook_protected=true
"""


@pytest.fixture(scope="module")
def cli() -> Iterator[ForkedCli]:
    with ForkedCli() as it:
        yield it


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "plain.yml").write_text(PLAIN)
    (tmp_path / "guarded.yml").write_text(PLAIN.replace("plain", "guarded\nprotected: true"))
    (tmp_path / "outer.yml").write_text("name: outer\nsteps: [{import_runbook: guarded}]\n")
    (tmp_path / "hosts").write_text(INVENTORY)
    return tmp_path


def typed(cli: ForkedCli, folder: Path, *words: str, **env: str) -> Ended:
    return cli.run(*words, "-i", "hosts", cwd=folder, env={"RUNBOOK_STATE": str(folder / "state"), **env})


def refused(end: Ended, folder: Path) -> str:
    assert end.code == 5, end
    assert not (folder / "state" / "runs").exists(), "no run may have begun"
    return end.err


@pytest.mark.parametrize(
    "words",
    [
        ("run", "./plain.yml", "web", "--max-hosts", "2"),
        ("run", "./plain.yml", "web", "--max-hosts", "2", "--check"),
        ("exec", "web", "-a", "true", "--max-hosts", "2"),
    ],
)
def test_more_hosts_than_allowed_are_refused_and_named(cli: ForkedCli, folder: Path, words: tuple[str, ...]) -> None:
    said = refused(typed(cli, folder, *words), folder)
    assert "these are 3 hosts, and --max-hosts allows 2: web1.test, web2.test, web3.test" in said


def test_the_setting_does_the_same_and_the_option_wins(cli: ForkedCli, folder: Path) -> None:
    said = refused(typed(cli, folder, "exec", "web", "-a", "true", RUNBOOK_MAX_HOSTS="2"), folder)
    assert "RUNBOOK_MAX_HOSTS allows 2" in said
    assert typed(cli, folder, "exec", "web", "-a", "true", "--max-hosts", "3", RUNBOOK_MAX_HOSTS="2").code == CONNECTED


@pytest.mark.parametrize("value", ["many", "0", "-1", "1.5"])
def test_a_setting_that_is_no_number_is_refused(cli: ForkedCli, folder: Path, value: str) -> None:
    said = refused(typed(cli, folder, "exec", "web", "-a", "true", RUNBOOK_MAX_HOSTS=value), folder)
    assert "has to be a whole number from 1" in said


@pytest.mark.parametrize(
    ("words", "why", "count"),
    [
        (("run", "./guarded.yml", "web"), "the runbook guarded is protected", 3),
        (("run", "./guarded.yml", "web1.test"), "the runbook guarded is protected", 1),
        (("run", "./outer.yml", "web1.test"), "the runbook outer is protected", 1),
        (("run", "./plain.yml", "shop,web1.test"), "protected (runbook_protected): shop1.test, shop2.test", 3),
        (("exec", "shop1.test", "-a", "true"), "protected (runbook_protected): shop1.test", 1),
    ],
)
def test_what_is_protected_wants_the_number(
    cli: ForkedCli, folder: Path, words: tuple[str, ...], why: str, count: int
) -> None:
    for more in ((), ("--yes",)):
        said = refused(typed(cli, folder, *words, *more), folder)
        assert why in said
        assert f"--yes-i-mean {count}; --yes is not enough" in said
    assert f"there are {count} host" in refused(typed(cli, folder, *words, "--yes-i-mean", "9"), folder)
    assert typed(cli, folder, *words, "--yes-i-mean", str(count)).code == CONNECTED
    assert typed(cli, folder, *words, "--check").code == CONNECTED


def test_an_audit_of_what_is_protected_only_looks(cli: ForkedCli, folder: Path) -> None:
    (folder / "checks.yml").write_text("name: checks\nprotected: true\nchecks: [{name: a, command: look}]\n")
    assert typed(cli, folder, "audit", "./checks.yml", "web").code == CONNECTED


def test_a_protection_that_is_neither_true_nor_false_is_an_error(cli: ForkedCli, folder: Path) -> None:
    (folder / "hosts").write_text("a.test runbook_protected=perhaps\n")
    said = refused(typed(cli, folder, "exec", "a.test", "-a", "true"), folder)
    assert "runbook_protected of a.test is neither true nor false" in said


def test_status_says_that_the_switch_is_on(cli: ForkedCli, folder: Path) -> None:
    (folder / "state").mkdir()
    (folder / "state" / "STOP").write_text("the migration\n")
    said = cli.run("status", cwd=folder, env={"RUNBOOK_STATE": str(folder / "state")}).out
    assert f"the kill switch is on ({folder / 'state' / 'STOP'}): the migration" in said
    assert f"rm {folder / 'state' / 'STOP'}" in said
    assert "rm " in refused(typed(cli, folder, "exec", "web1.test", "-a", "true"), folder)


@pytest.mark.parametrize(("answer", "goes_on"), [("2", True), (" 2 ", True), ("y", False), ("", False), ("3", False)])
def test_on_a_terminal_the_number_is_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str, goes_on: bool
) -> None:
    monkeypatch.setattr(click, "prompt", lambda *_a, **_k: answer)
    app = MemoryApp(tmp_path, [])
    inner = Runbook(name="inner", file="", protected=True)
    runbook = Runbook(name="r", file="", steps=(Import(id="s1", name="i", runbook=inner),))
    hosts = [Host(name="a.test"), Host(name="b.test")]
    consent = Consent(yes=True, terminal=True)
    if goes_on:
        agreed(app, runbook, hosts, consent, named=True)
    else:
        with pytest.raises(UsageError, match="nothing was done"):
            agreed(app, runbook, hosts, consent, named=True)
