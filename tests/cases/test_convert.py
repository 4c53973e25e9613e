"""A playbook and the runbooks that are made of it do the same: run side by side in folders of their own."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from forked_cli import ForkedCli

SETS = Path(__file__).parent / "plays" / "files"
SAME = (
    "checks", "conditions", "deleg2", "delegates", "dups", "envs", "forcehandlers", "handlerfail", "handlers",
    "linear2", "loopinclude", "metas", "mixed1", "rescuedeep", "roletags", "runonce", "serials",
    "tags", "untils", "vprec",
)  # fmt: skip
ONLY_THERE = {"conditions": "names that nobody defines are refused before the run", "roletags": "the same"}
pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 and os.environ.get("CI") != "true", reason="the playbooks were recorded as root"
)


@pytest.fixture(scope="module")
def cli() -> Iterator[ForkedCli]:
    with ForkedCli(free=True) as server:
        yield server


def laid(name: str, folder: Path) -> Path:
    shutil.copytree(SETS / name, folder)
    return folder


def outputs(folder: Path) -> dict[str, str]:
    return {str(p.relative_to(folder)): p.read_text() for p in (folder / "out").rglob("*") if p.is_file()}


@pytest.mark.parametrize("name", [n for n in SAME if n not in ONLY_THERE])
def test_what_a_playbook_does_its_runbooks_do(name: str, cli: ForkedCli, tmp_path: Path) -> None:
    env = {"RUNBOOK_STATE": str(tmp_path / "state"), "PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    played, converted = laid(name, tmp_path / "played"), laid(name, tmp_path / "converted")
    play = cli.run("play", "-i", "hosts.ini", "site.yml", "--json", cwd=played, env=env)
    made = cli.run("convert", "site.yml", "--json", cwd=converted, env=env)
    assert made.code == 0, made.err
    good = True
    for runbook in json.loads(made.out)["runbooks"]:
        good = (
            good and cli.run("run", runbook, "-i", "hosts.ini", "-y", "--wait", "5m", cwd=converted, env=env).code == 0
        )
        if not good:
            break
    assert good == (play.code == 0)
    assert outputs(converted) == outputs(played)


@pytest.mark.parametrize("name", list(ONLY_THERE))
def test_what_is_not_defined_in_a_playbook_is_told(name: str, cli: ForkedCli, tmp_path: Path) -> None:
    folder = laid(name, tmp_path / "converted")
    made = cli.run("convert", "site.yml", "--json", cwd=folder, env={"RUNBOOK_STATE": str(tmp_path / "state")})
    assert made.code == 0, made.err
    assert any("is not defined" in note["what"] for note in json.loads(made.out)["look_at"])


def test_comments_quotes_and_what_is_untouched_stay(cli: ForkedCli, tmp_path: Path) -> None:
    (tmp_path / "site.yml").write_text(
        """\
---
# why this is here
- name: Web servers
  hosts: web
  gather_facts: no   # not needed
  vars:
    port: 80         # the usual one
  tasks:
    # the configuration comes first
    - name: 'the configuration'
      copy: {content: "listen {{ port }}\\n", dest: /etc/web.conf, mode: '0644'}
      notify: restart
    - name: old style
      local_action: command echo {{ ansible_distribution }}
    # and a file
    - name: by number
      file:
        path: /srv/web   # where it lives
        state: directory
        mode: 0755
  handlers:
    - name: restart
      service: name=web state=restarted
"""
    )
    made = cli.run("convert", "site.yml", "--json", cwd=tmp_path, env={"RUNBOOK_STATE": str(tmp_path / "state")})
    assert made.code == 0, made.err
    text = (tmp_path / "web-servers.yml").read_text()
    for kept in (
        "# why this is here", "  port: 80         # the usual one", "# the configuration comes first",
        """  - name: 'the configuration'
    copy: {content: "listen {{ port }}\\n", dest: /etc/web.conf, mode: '0644'}
    notify: restart""", "# and a file", "# where it lives", "ansible_facts.distribution", "delegate_to: localhost",
        "irreversible: the playbook does not say how it is taken back",
    ):  # fmt: skip
        assert kept in text
    assert "gather_facts" not in text
    (unsaid,) = json.loads(made.out)["without_rollback"]
    assert unsaid["what"] == "old style (command)"
    assert unsaid["where"].startswith("site.yml:13:")


def test_nothing_is_overwritten_and_nothing_is_written_of_what_cannot_be_converted(
    cli: ForkedCli, tmp_path: Path
) -> None:
    env = {"RUNBOOK_STATE": str(tmp_path / "state")}
    (tmp_path / "site.yml").write_text("- {name: a, hosts: all, tasks: [{debug: {msg: x}}]}\n")
    (tmp_path / "a.yml").write_text("mine\n")
    said = cli.run("convert", "site.yml", cwd=tmp_path, env=env)
    assert said.code == 5 and "a.yml is there already" in said.err
    assert (tmp_path / "a.yml").read_text() == "mine\n"
    assert cli.run("convert", "site.yml", "--force", cwd=tmp_path, env=env).code == 0
    (tmp_path / "bad.yml").write_text("- {name: b, hosts: all, tasks: [{nosuch: {msg: x}}]}\n")
    said = cli.run("convert", "bad.yml", cwd=tmp_path, env=env)
    assert said.code == 5 and "bad.yml:1:" in said.err
    assert not (tmp_path / "b.yml").exists()


def test_what_a_runbook_has_no_place_for_is_told_where_it_stands(cli: ForkedCli, tmp_path: Path) -> None:
    env = {"RUNBOOK_STATE": str(tmp_path / "state"), "PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    made = cli.run("convert", "site.yml", cwd=laid("handl2", tmp_path / "handlers"), env=env)
    assert made.code != 0
    assert "site.yml:35:7: a handler that includes a file cannot be one of a runbook" in made.err
    made = cli.run("convert", "site.yml", cwd=laid("argspec", tmp_path / "roles"), env=env)
    assert made.code == 0
    assert "site.yml:3:11: what the role r is given is not validated in the runbook" in made.out + made.err
