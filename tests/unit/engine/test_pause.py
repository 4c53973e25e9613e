"""`pause`: for a time, for a person at the terminal, and where there is none."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from memory_bench import Bench

from playbook_engine.engine.coordinator import Coordinator
from playbook_engine.engine.limits import Limits
from playbook_engine.model.plan import Options

ASKED = """
name: t
steps:
  - pause: {prompt: "is {{ inventory_hostname }} out?", echo: false}
    register: said
  - assert: {that: said.user_input == 'hunter2' and said.rc == 0 and not said.echo}
"""


@dataclass(slots=True)
class Somebody:
    """Answers every question with the same, and remembers them."""

    answer: str = "hunter2"
    asked: list[tuple[str, bool]] = field(default_factory=list)

    def __call__(self, text: str, hidden: bool) -> str:
        self.asked.append((text, hidden))
        return self.answer


def test_a_person_is_asked_once_for_all_hosts(bench: Bench) -> None:
    for name in ("h1", "h2", "h3"):
        bench.host(name)
    somebody = Somebody()
    ran = bench.run(ASKED, operator=somebody)
    assert set(ran.statuses.values()) == {"ok"}
    assert len(somebody.asked) == 1
    text, hidden = somebody.asked[0]
    assert hidden and text.startswith("[pause") and text.endswith("out?")


def test_what_is_typed_hidden_is_a_secret(bench: Bench) -> None:
    bench.host()
    ran = bench.run(ASKED, operator=Somebody())
    journal = (ran.app.store.folder(ran.end.run) / "journal").read_text()
    assert "hunter2" not in journal
    assert ran.app.redactor.text("hunter2") != "hunter2"


def test_without_a_terminal_it_fails_and_says_what_to_do(bench: Bench) -> None:
    bench.host()
    ran = bench.run("name: t\nsteps: [{name: wait, pause: {}}]\n")
    assert ran.statuses == {"h1": "failed"}
    (finished,) = ran.events("StepFinished")
    assert finished.kind == "no-terminal" and "--yes" in finished.advice  # type: ignore[attr-defined]


def test_nobody_waits_for_a_preview(bench: Bench) -> None:
    bench.host()
    somebody = Somebody()
    steps = "name: t\nsteps: [{pause: {}}, {pause: {minutes: 600}}]\n"
    assert bench.run(steps, options=Options(check=True), operator=somebody).statuses == {"h1": "ok"}
    assert somebody.asked == []


def test_a_time_is_waited_for_and_told(bench: Bench) -> None:
    bench.host()
    text = """
    name: t
    steps:
      - pause: {seconds: 1}
        register: said
      - assert: {that: said.delta >= 1 and said.stdout is match('Paused for 1') and said.start < said.stop}
    """
    assert bench.run(text).statuses == {"h1": "ok"}


def test_two_times_are_one_too_many(bench: Bench) -> None:
    bench.host()
    assert bench.run("name: t\nsteps: [{pause: {seconds: 1, minutes: 1}}]\n").statuses == {"h1": "failed"}


@dataclass(slots=True)
class Ticks:
    """A clock that only sleeping moves; after `most` seconds it stops the run."""

    most: float
    passed: float = 0.0
    coordinator: Coordinator | None = None

    def utc(self) -> str:
        return "2026-11-25T03:00:00Z"

    def monotonic(self) -> float:
        return self.passed

    def sleep(self, seconds: float) -> None:
        self.passed += seconds
        if self.passed >= self.most and self.coordinator is not None:
            self.coordinator.stop("interrupted by the operator")


@pytest.mark.parametrize(("most", "lasted"), [(5.0, 5.0), (5000.0, 600.0)])
def test_a_run_that_is_stopped_ends_a_pause(most: float, lasted: float) -> None:
    clock = Ticks(most=most)
    clock.coordinator = Coordinator([["h1"]], Limits(), clock)
    clock.coordinator.rest("h1", 600)
    assert clock.passed == lasted


@pytest.mark.parametrize(("verbosity", "outcome"), [(0, "skipped"), (1, "skipped"), (2, "ok"), (3, "ok")])
def test_a_debug_for_those_who_ask_for_more(bench: Bench, verbosity: int, outcome: str) -> None:
    bench.host()
    ran = bench.run(
        "name: t\nsteps: [{name: said, debug: {msg: x, verbosity: 2}}]\n", options=Options(verbosity=verbosity)
    )
    assert ran.outcomes() == {"said": outcome}
