"""Text from a host in a shell, and secrets that everybody can read."""

from __future__ import annotations

from pathlib import Path

import pytest
from linted import Desk

HEAD = """\
name: r
params: {mine: {default: x}, token: {secret: true}}
vars: {from_mine: "{{ mine }}", from_host: "{{ listed.stdout_lines[0] }}", again: "{{ from_host | upper }}"}
steps:
  - {command: ls, changed_when: false, register: listed}
  - {set_fact: {kept: "{{ listed.stdout }}", number: "{{ listed.stdout | int }}", plain: 5}}
"""


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.mark.parametrize(
    "expression",
    ["listed.stdout", "listed['stdout']", "listed.stdout | trim", "ansible_facts.hostname",
     "kept", "from_host", "again",
     "listed.stdout if mine else 'x'", "mine ~ listed.stdout",
     "listed.stdout | default('x')", "[listed.stdout, 'b'] | join(' ')",
     "hostvars['web1.test'].name", "listed.stdout_lines | map('trim') | join(' ')"],
)  # fmt: skip
@pytest.mark.parametrize("action", ["shell", "raw"])
def test_a_hosts_text_without_quote(expression: str, action: str, desk: Desk) -> None:
    text = f"{HEAD}  - {action}: \"echo '{{{{ {expression} }}}}'\"\n    irreversible: x\n"
    (found,) = desk.said(text, "unquoted-host-text")
    assert found.startswith("r.yml:7:")
    assert f"error unquoted-host-text: {expression} is text from a host" in found


@pytest.mark.parametrize(
    "expression",
    ["listed.stdout | quote", "listed.rc", "listed['rc']", "listed.stdout | int", "listed.stdout | length",
     "mine",
     "from_mine", "number", "plain", "listed.stdout == 'x'", "'a' if listed.stdout else 'b'",
     "listed.stdout_lines | map('quote') | join(' ')",
     "listed is changed", "not listed.stdout"],
)  # fmt: skip
def test_what_a_shell_cannot_take_for_its_own(expression: str, desk: Desk) -> None:
    text = f'{HEAD}  - shell: "echo {{{{ {expression} }}}}"\n    irreversible: x\n'
    assert desk.said(text, "unquoted-host-text") == []


def test_items_of_a_loop_are_what_the_loop_is(desk: Desk) -> None:
    step = '  - shell: "echo {{{{ item }}}}"\n    loop: {}\n    irreversible: x\n'
    assert len(desk.said(HEAD + step.format('"{{ listed.stdout_lines }}"'), "unquoted-host-text")) == 1
    assert desk.said(HEAD + step.format("[a, b]"), "unquoted-host-text") == []


@pytest.mark.parametrize(("statement", "number"), [
    ("{% for x in listed.stdout_lines %}echo {{ x }};{% endfor %}", 1),
    ("{% for a, b in listed.stdout | from_json | items %}echo {{ b }};{% endfor %}", 1),
    ("{% set x = listed.stdout %}echo {{ x }}", 1),
    ("{% set x = listed.stdout | quote %}echo {{ x }}", 0),
    ("{% for x in [1, 2] %}echo {{ x }};{% endfor %}", 0),
])  # fmt: skip
def test_names_that_a_template_gives_a_value(statement: str, number: int, desk: Desk) -> None:
    text = f'{HEAD}  - shell: "{statement}"\n    irreversible: x\n'
    assert len(desk.said(text, "unquoted-host-text")) == number


def test_a_job_of_cron_is_a_shells_text(desk: Desk) -> None:
    text = f'{HEAD}  - cron: {{name: x, minute: "5", job: "echo {{{{ listed.stdout }}}}"}}\n'
    assert len(desk.said(text, "unquoted-host-text")) == 1


def test_a_command_has_no_shell(desk: Desk) -> None:
    text = f'{HEAD}  - command: "echo {{{{ listed.stdout }}}}"\n    irreversible: x\n'
    assert desk.said(text, "unquoted-host-text") == []


@pytest.mark.parametrize("action", ['shell: "login {{ token }}"', 'command: {argv: [login, "{{ token }}"]}',
                                    'raw: "login {{ token | quote }}"', 'command: "login {{ token }}"'])  # fmt: skip
def test_a_secret_in_a_command(action: str, desk: Desk) -> None:
    (found,) = desk.said(f"{HEAD}  - {action}\n    irreversible: x\n", "secret-in-shell")
    assert found.startswith("r.yml:7:")
    assert "error secret-in-shell: token is a secret" in found


def test_where_a_secret_belongs(desk: Desk) -> None:
    text = f'{HEAD}  - shell: "login"\n    environment: {{TOKEN: "{{{{ token }}}}"}}\n    irreversible: x\n'
    assert desk.said(text, "secret-in-shell") == []
