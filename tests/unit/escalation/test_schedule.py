"""Who is on call when: turns, summer time, overrides, absences, quiet hours."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from policies import small

from playbook_engine.escalation.policy import Override, QuietHours, Schedule
from playbook_engine.escalation.schedule import after_quiet, handovers, on_call, people

BERLIN = ZoneInfo("Europe/Berlin")
WEEKLY = Schedule(
    id="s", timezone=BERLIN, members=("ana", "bo", "cy"), begin=datetime(2026, 1, 5, 9, tzinfo=BERLIN),
    every=timedelta(days=7),
)  # fmt: skip


def local(month: int, day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=BERLIN).astimezone(UTC)


def test_the_handover_stays_at_nine_when_the_clocks_change() -> None:
    # 2026-03-29 is the day; the Mondays around it are the 23rd and the 30th.
    assert on_call(WEEKLY, local(3, 23, 8, 59)) != on_call(WEEKLY, local(3, 23, 9))
    assert on_call(WEEKLY, local(3, 30, 8, 59)) == on_call(WEEKLY, local(3, 23, 9))
    assert on_call(WEEKLY, local(3, 30, 9)) != on_call(WEEKLY, local(3, 23, 9))


def test_before_it_begins_nobody_is_on_call() -> None:
    assert on_call(WEEKLY, local(1, 5, 8, 59)) == ""
    assert on_call(WEEKLY, local(1, 5, 9)) == "ana"


def test_an_override_wins_and_the_later_one_over_the_earlier() -> None:
    begin, end = local(1, 6, 0), local(1, 8, 0)
    first = Override(contact="cy", begin=begin, end=end)
    second = Override(contact="bo", begin=begin + timedelta(hours=1), end=end)
    schedule = Schedule(
        id="s", timezone=BERLIN, members=WEEKLY.members, begin=WEEKLY.begin, every=WEEKLY.every,
        overrides=(first, second),
    )  # fmt: skip
    found = [on_call(schedule, begin + timedelta(hours=h)) for h in (-1, 0, 1, 47, 48)]
    assert found == [
        "ana",
        "cy",
        "bo",
        "bo",
        "ana",
    ]


@given(st.datetimes(datetime(2026, 1, 5, 9), datetime(2027, 12, 1)), st.integers(1, 400))
def test_nobody_changes_between_two_handovers(at: datetime, hours: int) -> None:
    begin = at.replace(tzinfo=UTC)
    end = begin + timedelta(hours=hours)
    edges = [begin, *handovers(WEEKLY, begin, end), end]
    for left, right in pairwise(edges):
        middle = left + (right - left) / 2
        just = right - timedelta(microseconds=1)
        assert on_call(WEEKLY, middle) == on_call(WEEKLY, just) == on_call(WEEKLY, max(left, begin))


def test_whoever_is_away_is_replaced_by_their_backup() -> None:
    text = "roles: [sre]\n    backup: bo\n    away: [{from: 2026-02-01T00:00Z, until: 2026-02-02T00:00Z}]"
    policy = small(
        ("roles: [sre]", text), ("notify: [{contact: bo}]", "notify: [{contact: cy}]"), ("levels:", CY + "levels:")
    )
    told = [people(policy, policy.levels[0], datetime(2026, 2, d, 12, tzinfo=UTC)) for d in (1, 2)]
    assert [[c.id for c in row] for row in told] == [["bo"], ["ana"]]


CY = """\
  - id: cy
    name: Cy Heath
    channels: [{email: cy@ops.test}, {email: cy@home.test}]
"""


@pytest.mark.parametrize(
    ("at", "then"),
    [
        (local(7, 1, 21, 59), local(7, 1, 21, 59)),
        (local(7, 1, 22, 0), local(7, 2, 7, 0)),
        (local(7, 2, 3, 0), local(7, 2, 7, 0)),
        (local(7, 2, 7, 0), local(7, 2, 7, 0)),
        (local(3, 28, 23, 0), local(3, 29, 7, 0)),
    ],
)
def test_quiet_hours_end_in_the_morning(at: datetime, then: datetime) -> None:
    quiet = QuietHours(begin=time(22), end=time(7), timezone=BERLIN, severities=("P3",))
    assert after_quiet(quiet, "P3", at) == then
    assert after_quiet(quiet, "P1", at) == at
    assert after_quiet(None, "P3", at) == at
