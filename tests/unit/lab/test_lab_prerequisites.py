from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from playbook_engine.lab import enter, wheelhouse
from playbook_engine.lab.apt import no_service_starts
from playbook_engine.lab.errors import LabError
from playbook_engine.lab.prerequisites import Requirement, missing, require

GONE = Requirement(package="no-such-package", shows="no-such-program-at-all", purpose="this test")
THERE = Requirement(package="dash", shows="sh", purpose="this test")


def test_what_is_missing_is_named_with_what_it_is_for() -> None:
    assert missing((GONE, THERE)) == [GONE]


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user is told about root first")
def test_the_refusal_says_what_to_install() -> None:
    with pytest.raises(LabError, match="no-such-package \\(this test\\)") as error:
        require((GONE, THERE))
    assert "apt-get install no-such-package" in str(error.value.advice)


def test_an_ordinary_user_is_told_of_both_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(LabError, match="needs root") as error:
        require((THERE,))
    assert "runbook lab enter" in str(error.value.advice)


def test_no_service_may_start_while_packages_are_installed(tmp_path: Path) -> None:
    policy = tmp_path / "policy-rc.d"
    with no_service_starts(policy):
        assert "exit 101" in policy.read_text()
        assert policy.stat().st_mode & 0o111
    assert list(tmp_path.iterdir()) == []


def test_a_policy_that_was_there_is_put_back(tmp_path: Path) -> None:
    policy = tmp_path / "policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 0\n")
    with pytest.raises(KeyboardInterrupt), no_service_starts(policy):
        raise KeyboardInterrupt
    assert policy.read_text() == "#!/bin/sh\nexit 0\n"
    assert list(tmp_path.iterdir()) == [policy]


def test_a_cache_is_filled_once_and_again_when_it_is_damaged(tmp_path: Path) -> None:
    folder = tmp_path / "wheels"
    filled = 0
    for _ in range(2):
        with wheelhouse._filling(folder) as complete:
            if not complete:
                filled += 1
                (folder / "a.whl").write_bytes(b"whole")
    assert filled == 1
    assert json.loads((folder / "complete.json").read_text()) == {"a.whl": 5}
    (folder / "a.whl").write_bytes(b"hal")
    assert not wheelhouse.is_complete(folder)
    assert not (folder / "a.whl").exists()


def test_a_cache_whose_filling_failed_is_not_complete(tmp_path: Path) -> None:
    with pytest.raises(LabError), wheelhouse._filling(tmp_path / "wheels"):
        raise LabError("no network")
    assert not wheelhouse.is_complete(tmp_path / "wheels")


def test_a_python_that_does_not_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="no-python does not run"):
        wheelhouse.wheels(tmp_path / "no-python")


def test_entering_needs_subordinate_ids_and_says_how_to_get_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for tool in ("newuidmap", "newgidmap"):
        (tmp_path / tool).write_text("#!/bin/sh\n")
        (tmp_path / tool).chmod(0o755)
    monkeypatch.setattr(enter, "SEARCH_PATH", str(tmp_path))
    monkeypatch.setattr("os.geteuid", lambda: 1)
    monkeypatch.setattr("os.getuid", lambda: 1)  # daemon: a system account, which gets no range
    with pytest.raises(LabError, match="has no subordinate ids in /etc/subuid") as error:
        enter.enter(["true"])
    assert "usermod --add-subuids" in str(error.value.advice)
