from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from playbook_engine.lab.errors import LabError
from playbook_engine.lab.locks import address_lock, state_lock

_HOLD = "from playbook_engine.lab.locks import address_lock\nwith address_lock(): print(flush=True); input()"


def test_addresses_are_picked_by_one_at_a_time_and_a_killed_holder_lets_go() -> None:
    with subprocess.Popen([sys.executable, "-c", _HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout
        other.stdout.readline()
        with pytest.raises(LabError, match="another lab"), address_lock(timeout=0.1):
            pass
        other.kill()
    with address_lock(timeout=5):
        pass


def test_a_lab_is_changed_by_one_at_a_time(tmp_path: Path) -> None:
    order: list[str] = []

    def second() -> None:
        with state_lock(tmp_path / "lab"):
            order.append("second")

    with state_lock(tmp_path / "lab"):
        thread = threading.Thread(target=second)
        thread.start()
        time.sleep(0.1)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_a_lock_whose_file_was_removed_is_taken_anew(tmp_path: Path) -> None:
    root = tmp_path / "lab"
    with state_lock(root):
        (root / "lock").unlink()
        thread = threading.Thread(target=lambda: state_lock(root).__enter__())
        thread.start()
        thread.join(timeout=5)
        assert not thread.is_alive(), "the file that was removed guards nothing any more"
