"""`plan` and `apply` as they are typed, on this machine over the local connection."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from playbook_engine.cli.commands import COMMANDS
from playbook_engine.cli.group import cli
from playbook_engine.model.errors import EngineError, PlanRefused, UsageError

RUNBOOK = """\
name: tune
params: {token: {type: str, secret: true}}
steps:
  - name: the configuration
    copy: {content: "workers = 8\\ntoken = {{ token }}\\n", dest: "%(here)s/app.conf"}
  - name: kept as it is
    copy: {content: "x", dest: "%(here)s/there"}
  - name: a line
    lineinfile: {path: "%(here)s/list", line: two}
    irreversible: it is only a test
  - name: a mark
    command: {argv: [touch, "%(here)s/mark"], creates: "%(here)s/mark"}
    rollback: [{command: {argv: [rm, "%(here)s/mark"]}}]
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RUNBOOK_STATE", str(tmp_path / "state"))
    (tmp_path / "tune.yml").write_text(RUNBOOK % {"here": tmp_path})
    (tmp_path / "hosts.ini").write_text("here.test ansible_connection=local\n")
    (tmp_path / "there").write_text("x")
    (tmp_path / "list").write_text("one\n")
    return tmp_path


def typed(*words: str) -> Result:
    before, sys.argv = sys.argv, ["runbook", *words]
    try:
        return CliRunner().invoke(cli, [*words], standalone_mode=False)
    finally:
        sys.argv = before


def refused(*words: str) -> EngineError:
    error = typed(*words).exception
    assert isinstance(error, EngineError), error
    return error


def planned(*words: str) -> Result:
    result = typed("plan", "./tune.yml", "here.test", "-i", "hosts.ini", "-e", "token=hunter2!", *words)
    assert (result.exit_code, result.exception) == (0, None), result.output
    return result


def test_the_commands_are_listed() -> None:
    assert {"plan", "apply"} <= set(COMMANDS)


def test_a_plan_is_told_saved_and_done(here: Path) -> None:
    said = planned("-o", "my plan.json").output
    assert "here.test: 2 will change, 1 will not, 1 unknown" in said
    assert re.search(rf"will change · the configuration: {here}/app.conf", said)
    assert "unknown · a mark: a command: what it would do cannot be known" in said
    assert "do it: runbook apply 'my plan.json'" in said
    assert not (here / "app.conf").exists() and not (here / "mark").exists()
    text = (here / "my plan.json").read_text()
    assert "hunter2" not in text + said
    assert "+token = ********" in str(json.loads(text)["hosts"][0]["steps"][0]["changes"])
    (here / "tune.yml").unlink()
    (here / "hosts.ini").unlink()
    result = typed("apply", "my plan.json", "--wait", "60s")
    assert (result.exit_code, result.exception) == (0, None), result.output
    assert (here / "app.conf").read_text() == "workers = 8\ntoken = hunter2!\n"
    assert (here / "list").read_text() == "one\ntwo\n"
    assert (here / "mark").exists()
    assert "applied already" in refused("apply", "my plan.json").message


def test_a_host_that_moved_is_not_touched(here: Path) -> None:
    planned("-o", "p.json")
    (here / "list").write_text("one\nand another\n")
    error = refused("apply", "p.json")
    assert isinstance(error, PlanRefused)
    assert f"here.test: a line: {here}/list sha256: was " in error.message
    assert not (here / "app.conf").exists()


def test_times_alone_are_no_drift(here: Path) -> None:
    planned("-o", "p.json")
    (here / "list").write_text("one\n")
    (here / "there").touch()
    result = typed("apply", "p.json", "--wait", "60s")
    assert (result.exit_code, result.exception) == (0, None), result.output


def test_the_file_has_a_name_of_its_own_by_default(here: Path) -> None:
    planned()
    (path,) = here.glob("plan-*.json")
    assert path.name == f"plan-{json.loads(path.read_text())['run']}.json"


def test_a_plan_of_what_is_protected_is_applied_by_its_number(here: Path) -> None:
    (here / "hosts.ini").write_text("here.test ansible_connection=local runbook_protected=true\n")
    planned("-o", "p.json")
    assert "protected" in refused("apply", "p.json").message
    assert "there are 1 hosts" in refused("apply", "p.json", "--yes-i-mean", "2").message
    result = typed("apply", "p.json", "--wait", "60s", "--yes-i-mean", "1")
    assert (result.exit_code, result.exception) == (0, None), result.output


@pytest.mark.parametrize("valid", ["soon", "0", "-1h", "10000w"])
def test_how_long_it_is_good_for_has_to_make_sense(here: Path, valid: str) -> None:
    error = refused("plan", "./tune.yml", "here.test", "-i", "hosts.ini", f"--valid={valid}")
    assert isinstance(error, UsageError) and "--valid" in error.message
    assert not (here / "state").exists()


def test_more_hosts_than_allowed_are_not_even_looked_at(here: Path) -> None:
    words = ("plan", "./tune.yml", "a.test,b.test", "-i", "a.test,b.test,", "-e", "token=hunter2!", "--max-hosts", "1")
    assert "--max-hosts allows 1" in refused(*words).message


def test_a_file_that_cannot_be_written_is_said(here: Path) -> None:
    words = ("plan", "./tune.yml", "here.test", "-i", "hosts.ini", "-e", "token=hunter2!", "-o", "no/such/p.json")
    assert "the plan cannot be written" in refused(*words).message
