"""Ids of runs: what keeps two controllers apart on a host is that theirs differ."""

from __future__ import annotations

from pathlib import Path

from playbook_engine.app.settings import Settings
from playbook_engine.app.wiring import App


def test_controllers_that_begin_at_the_same_instant_have_ids_of_their_own(tmp_path: Path) -> None:
    app = App(Settings.of({"RUNBOOK_STATE": str(tmp_path)}))
    ids = [app.new_run() for _ in range(5000)]  # some hundred in each millisecond
    assert len(set(ids)) == len(ids)
    assert [i[:19] for i in ids] == sorted(i[:19] for i in ids)
