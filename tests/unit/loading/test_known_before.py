"""Keywords of playbooks that are settled before the run: which variables count, and which are nobody's to know."""

from __future__ import annotations

from pathlib import Path

import pytest

from playbook_engine.loading.playbook.known import NOTHING_KNOWN, Known, in_common
from playbook_engine.loading.playbook.playbook import PlaybookLoader
from playbook_engine.model.errors import LoadError
from playbook_engine.model.runbook import Import, Step
from playbook_engine.templating.environment import Templar

PLAY = """
- hosts: all
  gather_facts: false
  roles: [r]
"""


def retries(folder: Path, known: Known) -> int:
    """Those of the task of a role whose defaults say 2."""
    for name, text in (
        ("defaults", "times: 2\n"), ("tasks", "- {command: echo, retries: '{{ times }}', until: false}\n"),
    ):  # fmt: skip
        (folder / "roles" / "r" / name).mkdir(parents=True, exist_ok=True)
        (folder / "roles" / "r" / name / "main.yml").write_text(text)
    (folder / "site.yml").write_text(PLAY)
    _, (play,) = PlaybookLoader(Templar(), [], known).load(folder / "site.yml")
    assert isinstance(play.entry, Import)
    (step,) = (s for s in play.entry.runbook.flat() if isinstance(s, Step) and s.action == "command")
    return step.retries


def test_what_all_hosts_have_in_common_wins_over_the_defaults_of_a_role(tmp_path: Path) -> None:
    assert retries(tmp_path, in_common([{"a": 1}, {"a": 2}], {})) == 2
    assert retries(tmp_path, in_common([{"times": 5}, {"times": 5}], {})) == 5
    assert retries(tmp_path, in_common([{"times": 5}, {"times": 5}], {"times": 7})) == 7


@pytest.mark.parametrize("hosts", [[{"times": 5}, {"times": 6}], [{"times": 5}, {}], [{}, {"times": 5}]])
def test_what_hosts_differ_in_is_not_one_value_whatever_the_defaults_say(
    tmp_path: Path, hosts: list[dict[str, object]]
) -> None:
    with pytest.raises(LoadError, match="has to be known before the run: 'times' is not defined"):
        retries(tmp_path, in_common(hosts, {}))


def test_without_an_inventory_it_is_not_judged(tmp_path: Path) -> None:
    (tmp_path / "site.yml").write_text(PLAY.replace("roles: [r]", "tasks: [{command: echo, retries: '{{ nosuch }}'}]"))
    PlaybookLoader(Templar(), [], NOTHING_KNOWN).load(tmp_path / "site.yml")
    with pytest.raises(LoadError, match="'nosuch' is not defined"):
        PlaybookLoader(Templar(), [], in_common([{}], {})).load(tmp_path / "site.yml")
