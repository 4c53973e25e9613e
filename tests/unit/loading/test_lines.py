"""Files of alerts and chat lines: three forms, and every line that is none named with its place."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playbook_engine.loading.lines import Line, read_lines, utc
from playbook_engine.model.errors import LoadError, LoadErrors

WEBHOOK = {
    "receiver": "team", "status": "resolved",
    "alerts": [
        {
            "status": "resolved", "labels": {"alertname": "DiskFull", "instance": "db1.test:9100"},
            "annotations": {"summary": "no room"}, "startsAt": "2025-08-01T17:42:00.123456789Z",
            "endsAt": "2025-08-01T18:00:00+02:00",
        },
        {"status": "firing", "labels": {"alertname": "Down"}, "startsAt": "2025-08-01T17:43:00Z",
         "endsAt": "0001-01-01T00:00:00Z"},
    ],
}  # fmt: skip
SLACK = [
    {"type": "message", "user": "U1", "ts": "1754070167.000200", "text": "on it",
     "user_profile": {"real_name": "Grace", "name": "grace"}},
    {"type": "message", "username": "bot", "ts": "1754070168.5", "text": "deploy began"},
]  # fmt: skip


def texts(lines: tuple[Line, ...]) -> list[tuple[str, str, str, str]]:
    return [(line.at, line.source, line.speaker, line.text) for line in lines]


def test_json_lines() -> None:
    text = (
        '{"at": "2025-08-01T19:42:00+02:00", "source": "slack", "actor": "ada", "text": "second"}\n\n'
        '{"at": "2025-08-01T17:41:00Z", "source": "pager", "text": "first", "milestone": "acknowledged"}\n'
    )
    found = read_lines("c.jsonl", text)
    assert texts(found) == [
        ("2025-08-01T17:41:00.000Z", "pager", "", "first"), ("2025-08-01T17:42:00.000Z", "slack", "ada", "second"),
    ]  # fmt: skip
    assert [(line.milestone, line.place) for line in found] == [("acknowledged", "c.jsonl:3"), ("", "c.jsonl:1")]


@pytest.mark.parametrize("text", [json.dumps(WEBHOOK), json.dumps(WEBHOOK, indent=2)])
def test_alertmanager(text: str) -> None:
    assert texts(read_lines("a.json", text)) == [
        ("2025-08-01T16:00:00.000Z", "alertmanager", "", "resolved: DiskFull on db1.test:9100: no room"),
        ("2025-08-01T17:42:00.123Z", "alertmanager", "", "firing: DiskFull on db1.test:9100: no room"),
        ("2025-08-01T17:43:00.000Z", "alertmanager", "", "firing: Down"),
    ]


@pytest.mark.parametrize("indent", [None, 2])
def test_slack(indent: int | None) -> None:
    found = read_lines("day.json", json.dumps(SLACK, indent=indent))
    assert texts(found) == [
        ("2025-08-01T17:42:47.000Z", "slack", "Grace", "on it"),
        ("2025-08-01T17:42:48.500Z", "slack", "bot", "deploy began"),
    ]


GOOD = '{"at": "2025-08-01T17:41:00Z", "source": "x", "text": "y"}'


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("hello", "no JSON object"),
        ("[1]", "no JSON object"),
        ('{"source": "x", "text": "y"}', "None is no time"),
        ('{"at": "2025-08-01T17:41:00", "source": "x", "text": "y"}', "names no time zone"),
        ('{"at": "2025-13-01T17:41:00Z", "source": "x", "text": "y"}', "is no time"),
        ('{"at": "2025-08-01T17:41:00Z", "text": "y"}', "source is missing"),
        ('{"at": "2025-08-01T17:41:00Z", "source": "x"}', "text is missing"),
        ('{"at": "2025-08-01T17:41:00Z", "source": "x", "text": 5}', "text is no text"),
        ('{"at": "2025-08-01T17:41:00Z", "source": "x", "text": "y", "who": "z"}', "unknown: who"),
        ('{"at": "2025-08-01T17:41:00Z", "source": "x", "text": "y", "milestone": "soon"}', "none of started"),
        ('{"ts": "soon", "text": "y"}', "seconds since the epoch"),
        ('{"alerts": 5}', "alerts is no list"),
        ('{"alerts": [{"labels": {}}]}', "None is no time"),
    ],
)
def test_a_bad_line_is_named(line: str, why: str) -> None:
    with pytest.raises(LoadError, match=why) as caught:
        read_lines("c.jsonl", f"{GOOD}\n{line}\n{GOOD}\n")
    assert str(caught.value.where) == "c.jsonl:2:1"


def test_all_bad_lines_are_named_together() -> None:
    with pytest.raises(LoadErrors) as caught:
        read_lines("c.jsonl", f"x\n{GOOD}\n{{}}\n")
    assert [str(e.where) for e in caught.value.errors] == ["c.jsonl:1:1", "c.jsonl:3:1"]
    with pytest.raises(LoadErrors) as caught:
        read_lines("c.json", '[\n {"ts": 1, "text": "a"},\n {"ts": "x", "text": "b"},\n {"ts": 2}\n]')
    assert [str(e.where) for e in caught.value.errors] == ["c.json:3:1", "c.json:4:1"]


@pytest.mark.parametrize("text", ["", "\n \n", "[]", '{"alerts": []}'])
def test_a_file_without_lines_is_an_error(text: str) -> None:
    with pytest.raises(LoadError, match="has no lines"):
        read_lines("c.jsonl", text)


def test_an_array_that_is_cut_off_is_no_file_of_lines() -> None:
    with pytest.raises(LoadError, match="no JSON object"):
        read_lines("c.json", '[{"ts": 1, "text": "a"}, {"ts"')


@given(st.text(max_size=200))
def test_any_text_gives_lines_or_a_load_error(text: str) -> None:
    with contextlib.suppress(LoadError):
        assert read_lines("x", text)


@given(st.datetimes(timezones=st.timezones()))
def test_times_are_utc(at: object) -> None:
    from datetime import UTC, datetime

    assert isinstance(at, datetime)
    try:
        wanted = at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    except OverflowError:
        return
    if at.utcoffset() is not None and at.utcoffset().seconds % 60 == 0:  # type: ignore[union-attr]
        assert utc(at.isoformat()) == wanted
