"""What a message says, and that it is said whatever goes wrong with saying it well. UPDATE_GOLDEN=1 writes anew."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from policies import small
from report_recorder import Recorder
from report_samples import failed_run

from playbook_engine.escalation.channels.channel import Letter
from playbook_engine.escalation.ladder import messages
from playbook_engine.escalation.letters import Letters
from playbook_engine.escalation.simulation import Simulation
from playbook_engine.model.events import EscalationAcknowledged, EscalationOpened, EscalationResolved
from playbook_engine.report.escalation import EscalationReport, escalation

TEMPLATES = Path(__file__).parents[3] / "templates"
AT = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
GOLDEN = Path(__file__).parents[2] / "golden" / "escalation"


def letters(*folders: Path, secret: str = "") -> Letters:
    return Letters([*folders, TEMPLATES], lambda text: text.replace(secret, "***") if secret else text)


def simulation(drill: str = "", why: str = "failed: it did not start") -> Simulation:
    opening = EscalationOpened(
        host="db1.test", escalation="esc-1", policy="small", key="k", run="r1", seq=7, trigger="step_failed",
        severity="P1", why=why, runbook="mend", drill=drill,
    )  # fmt: skip
    return Simulation(small(), opening, AT)


def page(made: Letters, play: Simulation, report: EscalationReport | None = None, purpose: str = "page") -> Letter:
    """The last message of this kind that the view calls for."""
    found = [m for m in messages(play.policy, play.view) if m.purpose == purpose]
    return made.letter(play.policy, play.view, found[-1], report, "https://console.ops.test/ack/esc-1?sig=0", AT)


def told(play: Simulation, minutes: float) -> Simulation:
    list(play.until(AT + timedelta(minutes=minutes)))
    return play


@pytest.fixture
def report(tmp_path: Path) -> EscalationReport:
    recorder = Recorder(tmp_path)
    return escalation(recorder.subject(failed_run(recorder)), AT)


@pytest.mark.parametrize("name", ["page", "drill"])
def test_the_page_word_for_word(name: str, report: EscalationReport) -> None:
    play = told(simulation(drill="drill-1" if name == "drill" else ""), 5.1)
    letter = page(letters(), play, report)
    text = f"Subject: {letter.subject}\n\n{letter.text}"
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_the_page_is_one_screen(report: EscalationReport) -> None:
    text = page(letters(), told(simulation(), 5.1), report).text
    assert len(text.splitlines()) <= 50


def test_a_message_of_a_drill_says_so_first_and_last(report: EscalationReport) -> None:
    play = told(simulation(drill="drill-1"), 1)
    play.happen(EscalationAcknowledged(by="ana"), AT + timedelta(minutes=2))
    play.happen(EscalationResolved(why="over"), AT + timedelta(minutes=3))
    for purpose in ("page", "recovered"):
        letter = page(letters(), play, report, purpose)
        lines = letter.text.splitlines()
        assert letter.subject.startswith("[DRILL] ") and "DRILL" in lines[0] and "DRILL" in lines[-1]
        assert letter.drill == "drill-1"


def test_a_secret_is_in_no_part_of_a_message(report: EscalationReport) -> None:
    play = told(simulation(why="failed: password hunter2 refused"), 1)
    letter = page(letters(secret="hunter2"), play)
    assert "hunter2" not in f"{letter.subject}{letter.text}{letter.html}{letter.data}"
    assert "***" in letter.text


def test_what_a_host_says_makes_no_line_of_a_subject(report: EscalationReport) -> None:
    play = told(simulation(why="failed: x\r\nBcc: everybody@ops.test\n\n{{ 7*7 }}\x1b[2J"), 1)
    letter = page(letters(), play)
    assert "\n" not in letter.subject and "\r" not in letter.subject and "\x1b" not in letter.text
    assert "{{ 7*7 }}" in letter.text


def test_a_team_has_templates_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "escalation").mkdir()
    (tmp_path / "escalation" / "page.txt.j2").write_text("ours: {{ e.severity }} {{ e.why }}")
    assert page(letters(tmp_path), told(simulation(), 1)).text == "ours: P1 failed: it did not start\n"


def test_a_broken_template_keeps_nobody_from_hearing_of_it(tmp_path: Path) -> None:
    (tmp_path / "escalation").mkdir()
    (tmp_path / "escalation" / "page.txt.j2").write_text("{{ e.no_such_thing }}")
    text = page(letters(tmp_path), told(simulation(), 1)).text
    assert "runbook ack esc-1" in text and "failed: it did not start" in text and "page.txt.j2" in text


def test_the_text_for_those_outside_names_nobody(report: EscalationReport) -> None:
    play = told(simulation(why="failed: db1.test at 192.0.2.1"), 1)
    text = letters().status(play.policy, play.view, ["orders"], "not measured", AT)
    assert text.startswith("Being looked into: orders\n")
    for name in ("db1.test", "192.0.2.1", "Ana", "esc-1", "runbook", "mend"):
        assert name not in text
    assert "Impact: not measured" in text and "Next update: 2026-03-02 04:00:00Z" in text
