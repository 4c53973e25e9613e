"""`audit`, `report`, `show`, `history` and `status` as they are typed, on this machine over the local connection."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from playbook_engine.cli.commands import COMMANDS
from playbook_engine.cli.group import cli

AUDIT = """
name: audit
title: This machine
services:
  disk: {tier: critical}
on_failure: continue
params:
  least: {type: int, default: 1}
preconditions:
  - {name: never, command: "false", otherwise: skip}
steps:
  - name: what would change something is left out
    copy: {dest: "{{ '%s/changed' }}", content: x}
checks:
  - name: there is room
    disk_usage: {path: /}
    expect: result.free_bytes >= least
    service: disk
    remedy: free-disk
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RUNBOOK_STATE", str(tmp_path / "state"))
    (tmp_path / "runbooks").mkdir()
    (tmp_path / "runbooks" / "audit.yml").write_text(AUDIT % tmp_path)
    (tmp_path / "hosts.ini").write_text("here.test ansible_connection=local\n")
    return tmp_path


def typed(*words: str) -> Result:
    before, sys.argv = sys.argv, ["runbook", *words]
    try:
        result = CliRunner().invoke(cli, [*words], standalone_mode=False)
    finally:
        sys.argv = before
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def code(result: Result) -> int:
    return result.exception.code if isinstance(result.exception, SystemExit) else result.exit_code  # type: ignore[return-value]


def test_an_audit_changes_nothing_and_is_met(here: Path) -> None:
    result = typed("audit", "-i", "hosts.ini", "here.test")
    assert code(result) == 0
    assert "met     disk: there is room" in result.output
    assert "met · risk none open" in result.output
    assert not (here / "changed").exists()
    paths = [Path(line) for line in result.output.splitlines() if line.startswith("reports/")]
    assert [p.suffix for p in paths] == [".md", ".html", ".json"]
    assert all(p.stat().st_mode & 0o777 == 0o600 for p in paths)


def test_what_is_not_met_ends_with_2_and_is_compared_with_the_audit_before(here: Path) -> None:
    assert code(typed("audit", "here.test", "-i", "hosts.ini")) == 0
    result = typed("audit", "audit", "here.test", "-i", "hosts.ini", "-e", "least=1000000000000000000", "-o", "out")
    assert code(result) == 2
    assert "not met" in result.output
    assert "1 opened" in result.output
    assert "1. P0 disk: runbook run free-disk here.test -i hosts.ini" in result.output
    report = json.loads((here / "out" / "audit.json").read_text())
    assert [p["change"] for p in report["pairs"]] == ["opened"]
    assert (report["overall"], report["risk"]) == ("not met", "P0")


def test_a_host_that_cannot_be_reached_ends_with_4(here: Path) -> None:
    (here / "hosts.ini").write_text("nowhere.test ansible_host=nowhere.invalid\n")
    result = typed("audit", "nowhere.test", "-i", "hosts.ini")
    assert code(result) == 4
    assert "unknown" in result.output
    assert "no record" in result.output


def test_a_runbook_without_checks_cannot_be_audited(here: Path) -> None:
    from playbook_engine.model.errors import UsageError

    (here / "runbooks" / "empty.yml").write_text("name: empty\nsteps:\n  - {name: look, stat: {path: /}}\n")
    with pytest.raises(UsageError, match="has no checks"):
        typed("audit", "empty", "here.test", "-i", "hosts.ini")


def test_report_show_history_and_status(here: Path) -> None:
    typed("audit", "here.test", "-i", "hosts.ini")
    (run,) = [p.name for p in (here / "state" / "runs").iterdir()]
    paths = typed("report", "last", "--kind", "run", "--kind", "escalation", "--format", "md,html", "-o", "out").output
    assert paths.split() == ["out/run.md", "out/run.html", "out/escalation.md", "out/escalation.html"]
    shown = typed("show", run[-4:]).output
    assert run in shown
    assert "there is room" in shown
    events = [json.loads(line) for line in typed("show", run, "--events").output.splitlines()]
    assert [e["seq"] for e in events] == list(range(1, len(events) + 1))
    assert not {"plan", "variables"} & {key for e in events for key in e}
    assert json.loads(typed("show", run, "--json").output)["meta"]["run"] == run
    assert "exit 0" in typed("history", "--host", "here.test").output
    assert "no run is going on" in typed("status").output


def test_damage_is_shown_by_all_of_them(here: Path) -> None:
    typed("audit", "here.test", "-i", "hosts.ini")
    (folder,) = (here / "state" / "runs").iterdir()
    journal = folder / "journal"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:3]) + b"9" + lines[3])
    for words in (("show",), ("history",), ("status",), ("report", "-o", "out")):
        assert "the journal is damaged" in typed(*words).output, words
    assert "died" in typed("status").output
    assert f"runbook rollback --check {folder.name}" in typed("status").output


def test_a_journal_that_cannot_be_read_is_listed_with_the_reason(here: Path) -> None:
    typed("audit", "here.test", "-i", "hosts.ini")
    (folder,) = (here / "state" / "runs").iterdir()
    (folder / "key").unlink()
    (here / "state" / "index.sqlite").unlink()
    assert "unreadable" in typed("history").output
    assert "cannot be read" in typed("status").output


def test_every_command_that_a_report_advises_exists(here: Path) -> None:
    """The commands of an escalation report are parsed by the command line itself."""
    import shlex

    from playbook_engine.cli.group import LazyGroup

    result = typed("audit", "here.test", "-i", "hosts.ini", "-e", "least=1000000000000000000")
    assert code(result) == 2
    typed("report", "last", "--kind", "escalation", "--kind", "audit", "-o", "out")
    escalation = json.loads((here / "out" / "escalation.json").read_text())
    audit = json.loads((here / "out" / "audit.json").read_text())
    advised = [a["command"] for part in ("safe", "changing", "unsafe") for a in escalation[part] if a["command"]]
    advised += [t["command"] for t in audit["tasks"] if t["command"]]
    assert len(advised) >= 3
    for command in advised:
        program, name, *words = shlex.split(command)
        assert (program, name in COMMANDS) == ("runbook", True)
        assert isinstance(cli, LazyGroup)
        found = cli.get_command(None, name)  # type: ignore[arg-type]
        assert found is not None
        found.make_context(name, list(words))  # raises UsageError for what it does not know


def test_diff_says_what_two_audits_differ_in_and_exits_by_it(here: Path) -> None:
    for least in ("1", "1", str(1 << 62)):
        typed("audit", "here.test", "-i", "hosts.ini", "-e", f"least={least}")
    one, two, three = sorted(p.name for p in (here / "state" / "runs").iterdir())
    same = typed("diff", one, two)
    assert (code(same), same.output.splitlines()[0]) == (0, f"{one} and {two}: no differences")
    other = typed("diff", one, "last")
    assert code(other) == 2
    assert "there is room" in other.output
    assert "opened" in other.output
    told = json.loads(typed("diff", one, three, "--json").output)
    assert [p["change"] for p in told["criteria"]] == ["opened"]
    assert typed("diff", one, three, "--format", "md").output.startswith("# This machine: ")
