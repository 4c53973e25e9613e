"""Alerts and chat lines from a file: JSON lines, the webhook of Alertmanager, the export of a Slack channel.

A file is taken whole or not at all: every line that is none is named, with its place.

- JSON lines: `{"at": "2025-08-01T17:42:00Z", "source": "slack", "actor": "ada", "text": "…"}`, and `milestone`.
- Alertmanager, https://prometheus.io/docs/alerting/latest/configuration/#webhook_config: an object with `alerts`.
- Slack, https://slack.com/help/articles/220556107: messages with `ts`, seconds since the epoch, and `text`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from playbook_engine.model.errors import LoadError, LoadErrors
from playbook_engine.model.frozen import frozen
from playbook_engine.model.incident import Milestone
from playbook_engine.model.source import SourcePos

LONGEST = 4000  # characters of one line that are kept
KEYS = frozenset({"at", "source", "actor", "text", "milestone"})
FORM = 'a line is {"at": "2025-08-01T17:42:00Z", "source": "slack", "actor": "ada", "text": "…"}'


@frozen
class Line:
    """An alert, which nobody says (`speaker` is empty), or something said in a chat. `at` is UTC, ISO 8601."""

    at: str
    source: str
    speaker: str
    text: str
    milestone: str
    place: str


def read_lines(file: str, text: str) -> tuple[Line, ...]:
    """The lines of a file in the order of their times. Raises LoadErrors with all that is wrong, LoadError."""
    found: list[Line] = []
    wrong: list[LoadError] = []
    for number, shown, value in _values(text):
        where = SourcePos(file=file, line=number, text=shown[:200])
        try:
            found += _lines(value, f"{file}:{number}")
        except ValueError as error:
            wrong.append(LoadError(str(error), advice=FORM, where=where))
    if wrong:
        raise wrong[0] if len(wrong) == 1 else LoadErrors(wrong)
    if not found:
        raise LoadError(f"{file} has no lines", advice=FORM)
    return tuple(sorted(found, key=lambda line: line.at))


def utc(text: object) -> str:
    """A time with its zone as UTC with milliseconds. Raises ValueError."""
    if not isinstance(text, str) or not re.match(r"\d{4}-\d\d-\d\d", text):
        raise ValueError(f"{text!r} is no time: ISO 8601 is wanted, such as 2025-08-01T17:42:00Z")
    try:
        at = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text).replace("Z", "+00:00"))
        if at.tzinfo is None:
            raise ValueError(f"{text!r} names no time zone: end it with Z for UTC, or with +02:00")
        return _stamp(at.astimezone(UTC))
    except (ValueError, OverflowError) as error:
        known = isinstance(error, ValueError) and "time zone" in str(error)
        raise error if known else ValueError(f"{text!r} is no time: ISO 8601 is wanted") from None


def _values(text: str) -> Iterator[tuple[int, str, object]]:
    """(line, its text, value): each element of an array, the one document, or each line. A value that is no JSON is
    None, which is no line of any form."""
    stripped = text.lstrip("\ufeff \t\r\n")
    start = len(text) - len(stripped)
    if stripped.startswith("["):
        yield from _elements(text, start + 1)
        return
    whole = _parsed(text)
    if isinstance(whole, Mapping):
        yield text.count("\n", 0, start) + 1, stripped.partition("\n")[0], whole
        return
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            yield number, line, _parsed(line)


def _elements(text: str, at: int) -> Iterator[tuple[int, str, object]]:
    """Those of an array, one after the other, each with the line on which it begins."""
    decoder = json.JSONDecoder()
    while True:
        at = next((n for n in range(at, len(text)) if text[n] not in " \t\r\n,"), len(text))
        number = text.count("\n", 0, at) + 1
        if text[at : at + 1] == "]":
            return
        shown = text[at:].partition("\n")[0]
        try:
            value, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            yield number, shown, None
            return
        yield number, shown, value


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _lines(value: object, place: str) -> Iterator[Line]:
    """Raises ValueError."""
    if not isinstance(value, Mapping):
        raise ValueError("this is no JSON object")
    if "alerts" in value:
        alerts = value["alerts"]
        if not isinstance(alerts, list):
            raise ValueError("alerts is no list")
        for alert in alerts:
            yield from _alert(alert, place)
    elif "ts" in value:
        yield _message(value, place)
    else:
        yield _own(value, place)


def _own(value: Mapping[str, object], place: str) -> Line:
    unknown = sorted(set(value) - KEYS)
    if unknown:
        raise ValueError(f"unknown: {', '.join(unknown)}")
    milestone = _text(value, "milestone")
    if milestone and milestone not in set(Milestone):
        raise ValueError(f"milestone: {milestone!r} is none of {', '.join(Milestone)}")
    return _line(
        at=utc(value.get("at")), source=_text(value, "source", needed=True), speaker=_text(value, "actor"),
        text=_text(value, "text", needed=True), milestone=milestone, place=place,
    )  # fmt: skip


def _alert(alert: object, place: str) -> Iterator[Line]:
    """One line when it began to fire, and one when it was over."""
    if not isinstance(alert, Mapping):
        raise ValueError("an alert is no object")
    labels, notes = _object(alert.get("labels")), _object(alert.get("annotations"))
    name = labels.get("alertname") or "alert"
    on = f" on {labels['instance']}" if labels.get("instance") else ""
    said = notes.get("summary") or notes.get("description") or ""
    what = f"{name}{on}{': ' + str(said) if said else ''}"
    yield _line(at=utc(alert.get("startsAt")), source="alertmanager", text=f"firing: {what}", place=place)
    if alert.get("status") == "resolved":
        yield _line(at=utc(alert.get("endsAt")), source="alertmanager", text=f"resolved: {what}", place=place)


def _message(value: Mapping[str, object], place: str) -> Line:
    try:
        at = _stamp(datetime.fromtimestamp(float(str(value["ts"])), UTC))
    except (ValueError, OverflowError, OSError):
        raise ValueError(f"ts: {value['ts']!r} is no time in seconds since the epoch") from None
    names = _object(value.get("user_profile"))
    speaker = names.get("real_name") or names.get("name") or value.get("username") or value.get("user") or ""
    return _line(
        at=at, source="slack", speaker=str(speaker) or "somebody", text=_text(value, "text", needed=True), place=place
    )


def _line(*, at: str, source: str, text: str, place: str, speaker: str = "", milestone: str = "") -> Line:
    cut = text if len(text) <= LONGEST else f"{text[:LONGEST]}… ({len(text)} characters)"
    return Line(at=at, source=source, speaker=speaker, text=cut, milestone=milestone, place=place)


def _text(value: Mapping[str, object], key: str, *, needed: bool = False) -> str:
    found = value.get(key)
    if found is None or found == "":
        if needed:
            raise ValueError(f"{key} is missing")
        return ""
    if not isinstance(found, str):
        raise ValueError(f"{key} is no text")
    return found


def _object(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _stamp(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
