"""Words for a plain sh, and scripts through it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from playbook_engine.agent.failure import Failed
from playbook_engine.model.errors import LinkLost
from playbook_engine.transport.local import ProcessPipe
from playbook_engine.transport.posix_shell import Shell, word


@pytest.fixture(scope="module")
def shell() -> Iterator[Shell]:
    it = Shell(ProcessPipe("exec sh"))
    yield it
    it.close()


def printed(shell: Shell, text: str, *, glob: bool = False) -> str:
    shell.begin(10)
    return shell.run(f"for w in {word(text, glob=glob)}; do printf '%s|' \"$w\"; done").stdout


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(text=st.text(st.characters(exclude_characters="\0$~", exclude_categories=["Cs"]), min_size=1))
def test_a_word_is_its_text(shell: Shell, text: str) -> None:
    assert printed(shell, text) == f"{text}|"


HOMES = ["~/x", "~", "~root/x", "~+/x", "~no such/x", "a~b"]
VARIABLES = ["$HOME/x", "${HOME}x", "$RUNBOOK_NONE/x", "${RUNBOOK_NONE}/x", "$HOME$HOME", "'$HOME'", "$1", "$"]


@pytest.mark.parametrize("text", [*HOMES, *VARIABLES, "`id`", "$(id)"])
def test_expansion_is_the_agent_s(shell: Shell, text: str) -> None:
    assert printed(shell, text) == os.path.expandvars(os.path.expanduser(text)) + "|"


def test_a_variable_s_value_is_one_word(shell: Shell) -> None:
    shell.begin(10)
    ran = shell.run(f"V='a  b*'; for w in {word('/tmp/$V')}; do printf '%s|' \"$w\"; done")
    assert ran.stdout == "/tmp/a  b*|"


def test_globs(shell: Shell, tmp_path: Path) -> None:
    for name in ("a1", "a2", "b 1", "c$x", "[z]"):
        (tmp_path / name).touch()
    for glob, names in (
        ("a*", ["a1", "a2"]), ("? 1", ["b 1"]), ("[ab]*", ["a1", "a2", "b 1"]), ("[!a]*1", ["b 1"]), ("c$*", ["c$x"]),
        ("[a-b]?1", ["b 1"]), ("nothing*", ["nothing*"]),
    ):  # fmt: skip
        assert printed(shell, f"{tmp_path}/{glob}", glob=True) == "".join(f"{tmp_path}/{n}|" for n in names), glob


def test_status_and_both_streams(shell: Shell) -> None:
    shell.begin(10)
    ran = shell.run("printf out; printf err >&2; exit 7")
    assert (ran.rc, ran.stdout, ran.stderr, ran.stdout_bytes, ran.stderr_bytes) == (7, "out", "err", 3, 3)
    assert shell.run("true").stdout == ""


def test_a_script_cannot_eat_the_next(shell: Shell) -> None:
    shell.begin(10)
    assert shell.run("cat; echo done").stdout == "done\n"
    assert shell.run("exec 2>&1 >/dev/null; echo gone").rc == 0
    assert shell.run("echo here").stdout == "here\n"


def test_late_output_belongs_to_nobody(shell: Shell) -> None:
    import time

    shell.begin(10)
    shell.run("(sleep 0.1; echo late) &")
    time.sleep(0.3)
    assert shell.run("echo next").stdout == "next\n"


def test_no_time_left(shell: Shell) -> None:
    shell.begin(0)
    with pytest.raises(Failed, match="timed out"):
        shell.run("true")


def test_a_shell_that_ends() -> None:
    shell = Shell(ProcessPipe("echo last words >&2; exec sh -c 'read -r line; exit 3'"))
    shell.begin(5)
    with pytest.raises(LinkLost, match="last words"):
        shell.run("true")
    shell.close()
