"""`runbook lint`, as a program: what it prints, what it ends with, and that it looks at files only."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from forked_cli import ForkedCli

from playbook_engine.loading.linting.codes import ADVISED, FATAL

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


WARNED = "name: warned\nparams: {idle: {default: 1}}\nsteps:\n  - tcp: {port: 80}\n"
SHELL = "name: shell\nsteps:\n  - {shell: reboot, irreversible: x}\n  - {shell: rm -rf /, irreversible: x}\n"


@pytest.fixture
def more(folder: Path) -> Path:
    (folder / "runbooks" / "warned.yml").write_text(WARNED)
    (folder / "runbooks" / "shell.yml").write_text(SHELL)
    return folder


def test_warnings_alone_are_no_failure_unless_they_are_to_be(cli: ForkedCli, more: Path) -> None:
    end = cli.run("lint", "warned", cwd=more)
    assert (end.code, end.out) == (0, "warned: 1 warning\n")
    assert "runbooks/warned.yml:2:10: warning: the parameter idle is used nowhere" in end.err
    assert "[unused-variable]" in end.err
    end = cli.run("lint", "warned", "--strict", cwd=more)
    assert (end.code, end.out) == (5, "")
    assert "runbooks/warned.yml:2:10: the parameter idle is used nowhere" in end.err
    assert cli.run("lint", "good", "--strict", cwd=more).code == 0


def test_an_error_of_advice_is_a_failure(cli: ForkedCli, more: Path) -> None:
    end = cli.run("lint", "shell", cwd=more)
    assert end.code == 5
    assert "runbooks/shell.yml:4:20: this removes everything: / [dangerous-command]" in end.err
    assert "runbooks/shell.yml:3:13: warning: the host goes away" in end.err


def test_formats_for_programs(cli: ForkedCli, more: Path) -> None:
    end = cli.run("lint", "--format", "json", "warned", "shell", "bad", cwd=more)
    document = json.loads(end.out)
    assert (end.code, end.err, document["errors"], document["warnings"]) == (5, "", 3, 2)
    assert [f["code"] for f in document["findings"]] == [
        "unused-variable", "dangerous-command", "dangerous-command", "unknown-argument", "unknown-key",
    ]  # fmt: skip
    end = cli.run("lint", "--format", "sarif", "warned", cwd=more)
    assert (end.code, end.err) == (0, "")
    assert json.loads(end.out)["runs"][0]["results"][0]["ruleId"] == "unused-variable"
    end = cli.run("lint", "--format", "github", "bad", cwd=more)
    assert end.out.splitlines() == [
        "::error file=runbooks/bad.yml,line=3,col=11,title=unknown-argument::tcp has no argument 'prot' "
        "(did you mean port?)",
        "::error file=runbooks/bad.yml,line=4,col=5,title=unknown-key::unknown key 'wehn' (did you mean when?)",
    ]
    assert (
        cli.run("lint", "--format", "json", "good", cwd=more).out
        == json.dumps({"version": 1, "errors": 0, "warnings": 0, "notes": 0, "findings": []}, indent=2) + "\n"
    )


def test_a_playbook_is_told_what_cannot_be_run(cli: ForkedCli, folder: Path) -> None:
    (folder / "site.yml").write_text(
        "- hosts: all\n  tasks:\n    - nosuch.collection.thing: {a: 1}\n    - debug: {msg: x}\n      become_flags: -E\n"
    )
    end = cli.run("lint", "site.yml", cwd=folder)
    assert end.code == 5
    assert "site.yml:3:7: there is no action for the module nosuch.collection.thing [unknown-action]" in end.err
    assert "site.yml:5:7: become_flags cannot be carried out [not-carried-out]" in end.err
    (folder / "site.yml").write_text("- hosts: all\n  tasks:\n    - shell: rm -rf /\n    - debug: {msg: '{{ x }}'}\n")
    end = cli.run("lint", "site.yml", cwd=folder)
    assert (end.code, end.out) == (0, "site.yml: 1 warning\n"), "it runs with Ansible: what is said of it is advice"
    assert "site.yml:3:21: warning: this removes everything: / [dangerous-command]" in end.err


def test_every_code_is_one_of_those_that_are_documented(cli: ForkedCli, more: Path) -> None:
    document = json.loads(cli.run("lint", "--format", "json", cwd=more).out)
    assert {f["code"] for f in document["findings"]} <= {*FATAL, *ADVISED}
