"""Values of a playbook's tasks: YAML 1.1, and numbers and booleans where text is wanted; a runbook refuses them."""

from __future__ import annotations

import json
import os
from pathlib import Path

from forked_cli import ForkedCli

PLAYBOOK = """
- hosts: localhost
  gather_facts: no
  vars: {mode_of_it: 0640, flag: yes}
  tasks:
    - copy: {content: x, dest: "{{ d }}/f", mode: 0604}
    - file: {path: "{{ d }}/g", state: touch, mode: "{{ mode_of_it }}"}
    - command: {argv: [echo, 5, yes, 1.5, "{{ flag }}"]}
      register: said
    - fail: {msg: no}
      ignore_errors: yes
      register: failed
    - assert: {that: [said.stdout == "5 True 1.5 True", failed.msg == "False"]}
"""
RUNBOOK = """
name: t
steps:
  - copy: {content: x, dest: /tmp/f, mode: 604}
  - fail: {msg: true}
"""


def test_a_playbook_means_what_ansible_means(tmp_path: Path) -> None:
    (tmp_path / "site.yml").write_text(PLAYBOOK)
    env = {"RUNBOOK_STATE": str(tmp_path / "state"), "PATH": os.environ["PATH"]}
    with ForkedCli(free=True) as product:
        words = ("play", "--json", "-i", "localhost,", "-c", "local", "-e", f"d={tmp_path}", "site.yml")
        ended = product.run(*words, cwd=tmp_path, env=env)
    assert ended.code == 0, ended.out + ended.err
    assert json.loads(ended.out)["stats"]["localhost"]["failed"] == 0
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in ("f", "g")] == [0o604, 0o640]


def test_a_runbook_wants_what_it_means(tmp_path: Path) -> None:
    (tmp_path / "t.yml").write_text(RUNBOOK)
    with ForkedCli() as product:
        ended = product.run("lint", "t.yml", cwd=tmp_path, env={"RUNBOOK_STATE": str(tmp_path / "state")})
    assert ended.code != 0
    assert "a mode is text" in ended.out + ended.err and "text is expected" in ended.out + ended.err
