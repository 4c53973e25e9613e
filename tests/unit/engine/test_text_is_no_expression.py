"""What a template gives may come from a host: `assert: that` and `debug: var` do not take it for an expression."""

from __future__ import annotations

from pathlib import Path
from textwrap import indent

import pytest
from memory_bench import Bench, Result

from playbook_engine.engine.context import NAME

TASKS = """\
- {name: the host says, command: whoami, register: said, changed_when: false}
- {name: it is shown, ACTION}
"""


def after(bench: Bench, language: str, text: str, action: str) -> Result:
    """A step of this action where `said.stdout` is text of the host."""
    bench.host(commands={"whoami": (0, f"{text}\n")})
    tasks = TASKS.replace("ACTION", action)
    if language == "runbook":
        return bench.run(f"name: t\nsteps:\n{indent(tasks, '  ')}")
    return bench.run(f"- hosts: all\n  gather_facts: false\n  tasks:\n{indent(tasks, '    ')}")


ATTACKS = [
    ("runbook", 'debug: {var: "{{ said.stdout }}"}'),
    ("playbook", 'debug: {var: "{{ said.stdout }}"}'),
    ("playbook", "debug: {var: \"hostvars['{{ said.stdout }}']\"}"),
    ("playbook", 'assert: {that: "{{ said.stdout }}"}'),
    ("playbook", 'assert: {that: ["{{ said.stdout }}"]}'),
]


@pytest.mark.parametrize(("language", "action"), ATTACKS)
@pytest.mark.parametrize("prefix", ["", "x'] ~ ", "x'] or "])
def test_a_host_runs_no_program_here(bench: Bench, tmp_path: Path, language: str, action: str, prefix: str) -> None:
    there = tmp_path / "evaluated"
    result = after(bench, language, f"{prefix}lookup('pipe', 'touch {there}')", action)
    assert not there.exists()
    assert result.outcomes()["it is shown"] == "failed"


@pytest.mark.parametrize("language", ["runbook", "playbook"])
def test_a_template_says_which_variable_is_meant(bench: Bench, language: str) -> None:
    bench.variables["h1"] = {"ports": [80, 443]}
    result = after(bench, language, "ports", 'debug: {var: "{{ said.stdout }}[1]"}')
    assert result.outcomes()["it is shown"] == "ok"
    (shown,) = [e.shown for e in result.events("StepFinished") if e.name == "it is shown"]  # type: ignore[attr-defined]
    assert shown["result"] == {"ports[1]": 443}


def test_a_condition_in_braces_is_the_expression_in_them(bench: Bench) -> None:
    result = after(bench, "playbook", "x", "assert: {that: \"{{ said.stdout == 'x' }}\"}")
    assert result.outcomes()["it is shown"] == "ok"


@pytest.mark.parametrize("text", ["x", "x.y", "x[0]", "x['a b'].c[-1]", 'hostvars["web1.test"].port'])
def test_names_of_variables(text: str) -> None:
    assert NAME.fullmatch(text)


@pytest.mark.parametrize(
    "text", ["lookup('pipe', 'id')", "x | upper", "x + 1", "x[y]", "x.y()", "x['a' ~ y]", "x\n", "", "[1]", "x if y"]
)
def test_expressions_are_no_names(text: str) -> None:
    assert not NAME.fullmatch(text)
