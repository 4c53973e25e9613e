"""The command line as a person meets it: colours, pipes that close, help, lists, a runbook on standard input."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from playbook_engine.cli.commands import COMMANDS
from playbook_engine.cli.group import cli
from playbook_engine.model.errors import UsageError

PROGRAM = str(Path(sys.executable).with_name("runbook"))
RUNBOOK = "name: tune\ntitle: Tune it\nsteps:\n  - {name: a file, copy: {content: 'new\n', dest: DEST}}\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "runbooks"
    folder.mkdir()
    (folder / "tune.yml").write_text(RUNBOOK.replace("'new\n'", '"new\\n"').replace("DEST", str(tmp_path / "conf")))
    (folder / "broken.yml").write_text("name: [\n")
    (tmp_path / "conf").write_text("old\n")
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name in ("NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE") or name.startswith(
            ("RUNBOOK_", "ANSIBLE_")
        ):
            monkeypatch.delenv(name)
    monkeypatch.setenv("RUNBOOK_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("RUNBOOK_ESCALATION", "none")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def on_a_terminal(*words: str, environ: dict[str, str] | None = None) -> str:
    """What a terminal is sent on standard output."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [PROGRAM, *words], stdin=subprocess.DEVNULL, stdout=theirs, stderr=subprocess.DEVNULL,
        env={**os.environ, **(environ or {})},
    ) as program:  # fmt: skip
        os.close(theirs)
        said = b""
        while select.select([ours], [], [], 60)[0]:
            try:
                part = os.read(ours, 65536)
            except OSError:  # EIO: the last one has closed it
                break
            said += part
        assert program.wait(60) == 0, said
    os.close(ours)
    return said.decode().replace("\r\n", "\n")


CHECK = ("run", "tune", "localhost", "-i", "localhost,", "-c", "local", "--check", "--diff")


def test_a_diff_is_red_and_green_on_a_terminal(here: Path) -> None:
    said = on_a_terminal(*CHECK)
    assert "\x1b[31m-old" in said and "\x1b[32m+new" in said


@pytest.mark.parametrize(
    ("words", "environ"),
    [(["--no-color"], {}), ([], {"NO_COLOR": "1"}), ([], {"TERM": "dumb"}), ([], {"RUNBOOK_COLOR": "never"})],
)
def test_a_diff_is_plain_where_that_is_wanted(here: Path, words: list[str], environ: dict[str, str]) -> None:
    said = on_a_terminal(*CHECK, *words, environ=environ)
    assert "-old\n" in said and "+new\n" in said
    assert not re.search(r"\x1b\[[0-9;]*m", said)


def test_a_diff_is_plain_in_a_pipe_unless_colours_are_wanted(here: Path) -> None:
    for more, wanted in (([], False), (["--color"], True)):
        ran = subprocess.run([PROGRAM, *CHECK, *more], capture_output=True, text=True, check=True)
        assert ("\x1b[32m+new" in ran.stdout) is wanted and "+new" in ran.stdout


def test_an_error_is_red_where_colours_are_wanted(here: Path) -> None:
    for words in (["--color"], []):
        ran = subprocess.run([PROGRAM, "show", "nothing", *words], capture_output=True, text=True, check=False)
        assert ran.returncode == 1
        assert ran.stderr.startswith("\x1b[31m" if words else "error: ")


@pytest.mark.parametrize(
    "words",
    [["--help"], ["help", "run"], ["actions", "--markdown"], ["schema"], ["settings"], ["run"], ["completion", "bash"],
     ["inventory", "-i", "localhost,", "--list"], ["history"], ["docs", "tune"], list(CHECK)],
)  # fmt: skip
def test_a_reader_who_has_left_is_no_crash(here: Path, words: list[str]) -> None:
    read, write = os.pipe()
    os.close(read)
    ran = subprocess.run([PROGRAM, *words], stdout=write, stderr=subprocess.PIPE, text=True, check=False)
    os.close(write)
    assert "Traceback" not in ran.stderr and "Exception ignored" not in ran.stderr
    assert ran.returncode in (0, 1)


def test_no_result_is_on_standard_error(here: Path) -> None:
    ran = subprocess.run([PROGRAM, *CHECK], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True)
    assert "+new" in ran.stdout and "exit 0" in ran.stdout


HELPS = """
import json, sys
from click.testing import CliRunner
from playbook_engine.cli.commands import COMMANDS
from playbook_engine.cli.group import cli
for name in COMMANDS:
    words = [[name, "-h"], [name, "--help"], ["help", name]]
    said = [CliRunner().invoke(cli, each, prog_name="runbook") for each in words]
    print(json.dumps([name, [each.exit_code for each in said], [each.output for each in said]]))
"""


def test_every_command_has_its_help() -> None:
    # In a process of its own: click remembers the help option of a command from its first context.
    ran = subprocess.run([sys.executable, "-c", HELPS], capture_output=True, text=True, check=True)
    rows = [json.loads(line) for line in ran.stdout.splitlines()]
    assert [name for name, _, _ in rows] == list(COMMANDS)
    for name, codes, (short, long, helped) in rows:
        assert codes == [0, 0, 0]
        assert short == long == helped
        assert short.startswith(f"Usage: runbook {name} ")


def test_the_help_of_a_command_below_a_command() -> None:
    said = CliRunner().invoke(cli, ["help", "lab", "up"], prog_name="runbook")
    assert said.output.startswith("Usage: runbook lab up ")


@pytest.mark.parametrize(
    ("words", "near"),
    [(["rnu"], "run"), (["run", "--chekc"], "--check"), (["help", "rnu"], "run"), (["lab", "dwn"], "down"),
     (["run", "tune", "--limt", "a"], "--limit")],
)  # fmt: skip
def test_what_is_none_is_answered_with_the_nearest(words: list[str], near: str) -> None:
    said = CliRunner().invoke(cli, words, prog_name="runbook")
    assert said.exit_code != 0 and near in said.output.rpartition("Error:")[2]


def test_a_run_of_nothing_lists_what_there_is(here: Path) -> None:
    said = CliRunner().invoke(cli, ["run"])
    rows = dict(line.split(maxsplit=1) for line in said.output.splitlines())
    assert said.exit_code == 0 and rows["tune"] == "Tune it"
    assert rows["broken"].startswith("does not load: ")
    assert rows["free-disk"]


def test_a_run_with_options_and_no_runbook_is_a_mistake(here: Path) -> None:
    assert isinstance(CliRunner().invoke(cli, ["run", "--check"]).exception, UsageError)


def test_a_runbook_on_standard_input(here: Path) -> None:
    text = (here / "runbooks" / "tune.yml").read_text()
    words = [PROGRAM, "run", "-", "localhost", "-i", "localhost,", "-c", "local", "--wait", "2m"]
    ran = subprocess.run(words, input=text, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert (here / "conf").read_text() == "new\n"
    ran = subprocess.run([PROGRAM, "rollback", "last", "--wait", "2m"], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert (here / "conf").read_text() == "old\n"
    ran = subprocess.run(words, input="name: x\nstpes: []\n", capture_output=True, text=True, check=False)
    assert ran.returncode == 5 and "<stdin>:2:1" in ran.stderr


def test_doc_is_actions() -> None:
    assert CliRunner().invoke(cli, ["doc", "copy"]).output == CliRunner().invoke(cli, ["actions", "copy"]).output != ""


def test_settings_as_text_and_json(here: Path) -> None:
    (here / "runbook.toml").write_text("forks = 7\n")
    here.chmod(0o755)
    said = CliRunner().invoke(cli, ["settings", "--changed"]).stdout.splitlines()
    assert said == [
        f"state       {here}/state  (RUNBOOK_STATE)", f"forks       7  ({here}/runbook.toml:1)",
        "escalation  none  (RUNBOOK_ESCALATION)",
    ]  # fmt: skip
    rows = {row["name"]: row for row in json.loads(CliRunner().invoke(cli, ["settings", "--json"]).stdout)}
    assert rows["forks"]["value"] == 7 and rows["forks"]["source"] == f"{here}/runbook.toml:1"
    assert rows["user"]["value"] == "" and rows["user"]["source"] == "default"


def test_the_flag_wins_over_the_settings(here: Path) -> None:
    (here / "runbook.toml").write_text('forks = 7\nuser = "nobody-here"\ninventory = ["a.test,b.test,"]\n')
    here.chmod(0o755)
    assert CliRunner().invoke(cli, ["hosts"]).stdout.split() == ["a.test", "b.test"]
    assert CliRunner().invoke(cli, ["hosts", "-i", "c.test,"]).stdout.split() == ["c.test"]
