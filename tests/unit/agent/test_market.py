"""Trading hours: days, holidays, half days, time zones and hours over midnight."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from playbook_engine.agent import market

NYSE: dict[str, object] = {
    "open": "09:30",
    "close": "16:00",
    "tz": "America/New_York",
    "days": ["mon", "tue", "wed", "thu", "fri"],
}


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("when", "is_open"),
    [
        ("2025-08-01T13:29:00", False),  # 09:29 in New York, daylight saving time
        ("2025-08-01T13:30:00", True),
        ("2025-08-01T19:59:00", True),
        ("2025-08-01T20:00:00", False),
        ("2025-08-02T15:00:00", False),  # a Saturday
        ("2025-12-01T14:29:00", False),  # standard time
        ("2025-12-01T14:30:00", True),
    ],
)
def test_an_exchange_is_open_in_its_own_time_zone(when: str, is_open: bool) -> None:
    assert market.is_open(NYSE, at(when))[0] is is_open


def test_around_the_clock() -> None:
    assert market.is_open("always", at("2025-08-02T03:00:00"))[0] is True


def test_holidays_and_half_days(tmp_path: Path) -> None:
    calendar = tmp_path / "nyse"
    calendar.write_text("# holidays\n2025-12-25\n2025-11-28 09:30 13:00\n")
    hours = {**NYSE, "calendar": str(calendar), "holidays": ["2025-07-04"]}
    assert market.is_open(hours, at("2025-12-25T16:00:00")) == (False, "2025-12-25 is a holiday")
    assert market.is_open(hours, at("2025-07-04T16:00:00"))[0] is False
    assert market.is_open(hours, at("2025-11-28T17:59:00"))[0] is True
    assert market.is_open(hours, at("2025-11-28T18:00:00"))[0] is False


def test_hours_over_midnight() -> None:
    hours = {"open": "22:00", "close": "06:00", "tz": "UTC"}
    assert [market.is_open(hours, at(f"2025-08-01T{h}:00:00"))[0] for h in ("21", "22", "03", "06")] == [
        False,
        True,
        True,
        False,
    ]


@pytest.mark.parametrize(
    "wrong", [{"tz": "Mars/Base"}, {"open": "9h30"}, {"opens": "09:30"}, "weekdays", {"calendar": "/no/such/file"}]
)
def test_what_cannot_be_told_is_said(wrong: object) -> None:
    with pytest.raises(market.Unknown):
        market.is_open(wrong, at("2025-08-01T13:29:00"))
