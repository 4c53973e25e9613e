"""The ladder: who hears of it in which order, and what stops it. The same moves as at night, on a clock in thought."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from policies import small

from playbook_engine.escalation.ladder import due, messages
from playbook_engine.escalation.policy import Policy
from playbook_engine.escalation.simulation import Moment, Simulation, simulate
from playbook_engine.escalation.view import State, fold
from playbook_engine.journal.codec import Record
from playbook_engine.model.events import (
    EscalationAcknowledged,
    EscalationExhausted,
    EscalationJoined,
    EscalationOpened,
    EscalationProgressed,
    EscalationReopened,
    EscalationResolved,
    Event,
    LevelReached,
    NotificationFailed,
    NotificationIntended,
)

AT = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
OPENING = EscalationOpened(
    host="db1.test", escalation="esc-1", policy="small", key="k", run="r1", seq=7, trigger="step_failed", severity="P1",
    why="it broke", runbook="mend",
)  # fmt: skip


def minutes(span: float) -> timedelta:
    return timedelta(minutes=span)


def told(moments: list[Moment]) -> list[tuple[float, str, str]]:
    """(minute, contact, purpose), in order."""
    return [(m.after.total_seconds() / 60, t.contact.id, t.purpose) for m in moments for t in m.told]


def test_every_level_is_told_in_order_round_by_round_and_then_everybody() -> None:
    found = simulate(small(), OPENING, AT)
    assert told(found) == [
        (0, "ana", "page"), (5, "bo", "page"), (15, "ana", "page"), (20, "bo", "page"), (30, "ana", "exhausted"),
        (30, "bo", "exhausted"),
    ]  # fmt: skip
    assert isinstance(found[-1].event, EscalationExhausted) and found[-1].event.rounds == 2


def test_an_acknowledgement_stops_it_and_without_progress_it_begins_anew() -> None:
    found = simulate(small(), OPENING, AT, acks=[(minutes(3), "ana")], horizon=minutes(35))
    assert told(found) == [(0, "ana", "page"), (33, "ana", "page")]
    assert isinstance(found[2].event, EscalationReopened) and "ana has acknowledged it" in found[2].event.why


def test_progress_puts_that_off() -> None:
    policy = small()
    simulation = Simulation(policy, OPENING, AT)
    list(simulation.until(AT + minutes(1)))
    simulation.happen(EscalationAcknowledged(by="ana"), AT + minutes(3))
    simulation.happen(EscalationProgressed(run="r2", what="run mend"), AT + minutes(20))
    coming = due(policy, simulation.view)
    assert coming is not None and coming.at == AT + minutes(50)


def test_what_is_over_is_told_to_those_who_had_heard_of_it_and_to_nobody_else() -> None:
    found = simulate(small(), OPENING, AT, resolved=minutes(3))
    assert told(found) == [(0, "ana", "page"), (3, "ana", "recovered")]
    assert told(simulate(small(("repeat: 1", "recovered: false")), OPENING, AT, resolved=minutes(3))) == [
        (0, "ana", "page")
    ]


@given(st.floats(0.1, 29.9))
def test_nobody_is_paged_after_an_acknowledgement_until_it_begins_anew(when: float) -> None:
    found = simulate(small(), OPENING, AT, acks=[(minutes(when), "bo")], horizon=minutes(when + 29))
    assert all(minute <= when for minute, _, purpose in told(found) if purpose == "page")
    assert all(purpose != "exhausted" for _, _, purpose in told(found))


@given(st.lists(st.floats(1, 200), max_size=6), st.integers(0, 4))
def test_whatever_people_do_ids_of_messages_are_given_once(acks: list[float], repeat: int) -> None:
    policy = small(("repeat: 1", f"repeat: {repeat}"))
    simulation = Simulation(policy, OPENING, AT)
    for at in sorted(acks):
        list(simulation.until(AT + minutes(at)))
        simulation.happen(EscalationAcknowledged(by="ana"), AT + minutes(at))
    list(simulation.until(AT + minutes(1000)))
    simulation.happen(EscalationResolved(why="x"), AT + minutes(1000))
    seen = [m.id for m in messages(policy, simulation.view)]
    assert len(seen) == len(set(seen)) and set(seen) <= set(simulation.view.sendings)


def view_with(policy: Policy, *events: tuple[float, Event]) -> object:
    """A view after these events, by minutes."""
    records = [(0.0, OPENING), *events]
    stamps = [((AT + minutes(m)).isoformat(timespec="milliseconds").replace("+00:00", "Z"), e) for m, e in records]
    view = fold([Record(seq=n, at=at, event=e) for n, (at, e) in enumerate(stamps, 1)])
    assert view is not None
    return due(policy, view)


def test_a_level_of_whom_nobody_can_be_reached_is_passed_at_once() -> None:
    policy = small()
    reached = LevelReached(level="first", number=1, round=1, contacts=("ana",))
    lost: list[tuple[float, Event]] = [(0, reached)]
    for n, channel in enumerate(("email", "webhook")):
        name = f"0.1.1.ana.{n}"
        lost.append((0, NotificationIntended(notification=name, purpose="page", contact="ana", channel=channel)))
    one = [*lost, (1.0, NotificationFailed(notification="0.1.1.ana.0", reason="refused", retry=-1))]
    coming = view_with(policy, *one)
    assert coming is not None and getattr(coming, "at") == AT + minutes(5)  # noqa: B009  (the other may still arrive)
    both = [*one, (2.0, NotificationFailed(notification="0.1.1.ana.1", reason="400", retry=-1))]
    coming = view_with(policy, *both)
    assert getattr(coming, "at") == AT + minutes(2)  # noqa: B009
    assert "nobody on 'first' could be reached" in str(coming)


def test_another_host_is_news_for_whoever_has_taken_it_and_for_nobody_before() -> None:
    policy = small()
    simulation = Simulation(policy, OPENING, AT)
    list(simulation.until(AT + minutes(6)))
    more = EscalationJoined(host="db2.test", run="r1", seq=9, trigger="step_failed", severity="P0", why="it too")
    assert simulation.happen(more, AT + minutes(6)).told == ()
    simulation.happen(EscalationAcknowledged(by="bo@laptop"), AT + minutes(7))
    again = EscalationJoined(host="db2.test", run="r2", seq=3, trigger="step_failed", severity="P1", why="again")
    assert simulation.happen(again, AT + minutes(8)).told == ()
    third = EscalationJoined(host="db3.test", run="r2", seq=4, trigger="step_failed", severity="P1", why="more")
    assert [(t.contact.id, t.purpose) for t in simulation.happen(third, AT + minutes(9)).told] == [("bo", "update")]
    assert simulation.view.severity == "P0", "the gravest counts"
    assert simulation.view.state is State.ACKNOWLEDGED


def test_an_acknowledgement_counts_also_when_the_clock_has_gone_back() -> None:
    simulation = Simulation(small(), OPENING, AT)
    list(simulation.until(AT + minutes(1)))
    simulation.happen(EscalationAcknowledged(by="ana"), AT - minutes(2))
    assert simulation.view.state is State.ACKNOWLEDGED


def test_at_night_what_can_wait_waits() -> None:
    quiet = 'repeat: 1\nquiet_hours: {from: "22:00", until: "07:00", timezone: UTC, severities: [P3]}'
    mild = EscalationOpened(
        host="h", escalation="e", policy="p", key="k", run="r", trigger="step_failed", severity="P3", why="w"
    )
    assert told(simulate(small(("repeat: 1", quiet)), mild, AT))[:2] == [(240, "ana", "page"), (245, "bo", "page")]
    assert told(simulate(small(("repeat: 1", quiet)), OPENING, AT))[0] == (0, "ana", "page")
