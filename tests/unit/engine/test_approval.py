"""Who may agree to what: bound to the plan, its hosts and a time; never by whoever started it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from memory_bench import Bench

from playbook_engine.engine.approval import Approval, Bound, Decision, Wanted
from playbook_engine.journal.approvals import Answer
from playbook_engine.model.events import ApprovalGiven, ApprovalRequested, Event

START = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)


@dataclass(slots=True)
class Ticks:
    """A clock that only sleeping moves."""

    passed: float = 0.0

    def utc(self) -> str:
        return (START + timedelta(seconds=self.passed)).isoformat().replace("+00:00", "Z")

    def monotonic(self) -> float:
        return self.passed

    def sleep(self, seconds: float) -> None:
        self.passed += seconds


@dataclass(slots=True)
class Heard:
    events: list[Event] = field(default_factory=list)

    def emit(self, event: Event) -> None:
        self.events.append(event)


def answer(actor: str, *, yes: bool = True, plan: str = "abc", after: float = 1.0, reason: str = "") -> Answer:
    at = (START + timedelta(seconds=after)).isoformat().replace("+00:00", "Z")
    return Answer(approval="s2", plan=plan, actor=actor, yes=yes, reason=reason, at=at)


def decided(*answers: Answer, stopped: str = "", **more: object) -> tuple[Decision, list[Event]]:
    """What comes of these answers, each heard at its time."""
    clock, heard = Ticks(), Heard()
    bound = Bound(plan="abc", hosts=("db1.test",), owners=frozenset({"alice"}))
    given = {"step": "s2", "name": "go", "message": "go?", "by": (), "count": 1, "timeout": 60.0, **more}

    def there(_approval: str) -> list[Answer]:
        return [a for a in answers if a.at <= clock.utc()]

    approval = Approval(bound, heard, clock, there, lambda: stopped if clock.passed >= 10 else "")
    return approval.ask(Wanted(**given)), heard.events  # type: ignore[arg-type]


def test_somebody_elses_yes_is_one() -> None:
    decision, events = decided(answer("bob@bastion.test", reason="fenced"))
    assert decision == Decision(granted=True, by=("bob@bastion.test",), reason="fenced")
    asked, given = events
    assert isinstance(asked, ApprovalRequested)
    assert (asked.plan_sha256, asked.hosts, asked.expires) == ("abc", ("db1.test",), "2026-11-25T03:01:00Z")
    assert isinstance(given, ApprovalGiven)
    assert (given.answer, given.actor) == ("yes", "bob@bastion.test")


@pytest.mark.parametrize(
    "of", [answer("alice@bastion.test"), answer("bob", plan="other"), answer("bob", after=61)],
    ids=["whoever started it, on another machine", "to another plan", "too late"],
)  # fmt: skip
def test_what_is_no_answer_is_a_no_in_the_end(of: Answer) -> None:
    decision, events = decided(of)
    assert (decision.granted, decision.reason) == (False, "no answer within 60s, which is a no")
    assert [e.answer for e in events if isinstance(e, ApprovalGiven)] == ["none"]


def test_a_no_ends_it_at_once() -> None:
    decision, _ = decided(answer("bob", yes=False, reason="not now"), answer("carol"), count=2)
    assert decision == Decision(by=("bob",), reason="not now")


def test_two_are_two_people() -> None:
    assert not decided(answer("bob@a.test"), answer("bob@b.test"), count=2)[0].granted
    assert decided(answer("bob"), answer("carol", after=30), count=2)[0].granted


def test_only_those_who_are_named() -> None:
    assert not decided(answer("bob"), by=("dba",))[0].granted
    assert decided(answer("bob"), answer("dba@x.test"), by=("dba",))[0].by == ("dba@x.test",)


def test_a_stopped_run_waits_no_longer_and_asks_again_when_it_goes_on() -> None:
    assert decided(stopped="paused by bob")[0] == Decision(stopped="paused by bob")


def test_without_an_answer_the_step_fails_and_what_was_done_is_taken_back(bench: Bench) -> None:
    host = bench.host()
    done = bench.run(
        "name: r\nsteps:\n  - {name: a, copy: {content: x, dest: /a}}\n"
        "  - {name: go, approve: {msg: go?}, timeout: 0}\n"
        "  - {name: b, copy: {content: x, dest: /b}}\n"
    )
    assert (done.statuses, host.files) == ({"h1": "rolled_back"}, {})
    assert "no answer within 0s" in done.view.hosts["h1"].finished.message  # type: ignore[union-attr]
    (asked,) = done.events("ApprovalRequested")
    assert asked.hosts == ("h1",)  # type: ignore[attr-defined]


def test_check_asks_nobody(bench: Bench) -> None:
    bench.host()
    from playbook_engine.model.plan import Options

    done = bench.run("name: r\nsteps: [{name: go, approve: {msg: go?}}]\n", options=Options(check=True))
    assert done.events("ApprovalRequested") == []
