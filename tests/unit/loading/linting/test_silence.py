"""`# runbook: ignore=CODE reason`."""

from __future__ import annotations

from pathlib import Path

import pytest
from linted import Desk

STEP = "    irreversible: x\n"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_silences_one_line(desk: Desk) -> None:
    text = (
        "name: r\nsteps:\n"
        f"  - command: reboot  # runbook: ignore=dangerous-command the last step, agreed with the owner\n{STEP}"
        f"  # runbook: ignore=dangerous-command the same\n  # for this one too\n  - command: reboot\n{STEP}"
        f"  - command: reboot\n{STEP}"
    )
    assert [f.split(": ")[0] for f in desk.said(text)] == ["r.yml:9:14"]


def test_inside_a_shell_text(desk: Desk) -> None:
    text = "name: r\nsteps:\n  - shell: |\n      reboot # runbook: ignore=dangerous-command it is meant\n"
    text += f"      halt\n{STEP}"
    assert [f.split(": ")[0] for f in desk.said(text)] == ["r.yml:5:7"]


@pytest.mark.parametrize(
    ("comment", "message"),
    [
        ("ignore=dangerous-command", "the reason is missing"),
        ("ignore=dangerous-comand because", "there is no code 'dangerous-comand' to ignore"),
        ("ignore=missing-rollback because", "missing-rollback cannot be ignored: it keeps the runbook from running"),
    ],
)
def test_what_silences_nothing_says_so(comment: str, message: str, desk: Desk) -> None:
    found = desk.said(f"name: r\nsteps:\n  - command: reboot  # runbook: {comment}\n{STEP}")
    assert len(found) == 2, "what it was to silence is told all the same"
    assert found[1].endswith(f"ignore-without-reason: {message}")


def test_what_has_nothing_to_silence_says_so(desk: Desk) -> None:
    (found,) = desk.said(f"name: r\nsteps:\n  - command: start  # runbook: ignore=placeholder it is none\n{STEP}")
    assert found == "r.yml:3:21: note useless-ignore: nothing to ignore here: placeholder is not found"
