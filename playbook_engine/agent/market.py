"""When a market is open: silence outside its hours is expected, inside them it is not."""

import os

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Unknown(Exception):
    """The hours cannot be told; the text says why."""


def is_open(market: object, now: float) -> "tuple[bool, str]":
    """Whether a market is open at `now` (seconds since 1970), and why.

    `market` is `always`, or {open, close: "HH:MM", tz, days: [mon..], holidays: [YYYY-MM-DD], calendar: path, name}.
    The calendar file holds `YYYY-MM-DD` for a closed day and `YYYY-MM-DD HH:MM HH:MM` for other hours; or it is JSON,
    {timezone, markets: {NAME: {sessions: [{days: [0..6, 0 is Sunday], from, to}]}}}, of which `name` says the market.
    Raises Unknown.
    """
    if market in (None, "always"):
        return True, "it trades around the clock"
    if not isinstance(market, dict):
        raise Unknown("market is neither `always` nor a mapping: %r" % (market,))
    unknown = set(market) - {"open", "close", "tz", "days", "holidays", "calendar", "name"}
    if unknown:
        raise Unknown("market does not know %s" % ", ".join(sorted(unknown)))
    if market.get("name"):
        return _by_sessions(market, now)
    date, weekday, clock = local(now, str(market.get("tz") or "UTC"))
    hours = [str(market.get("open", "00:00")), str(market.get("close", "24:00"))]
    closed = [str(day) for day in market.get("holidays") or ()]
    for words in _calendar(market.get("calendar")):
        if words[0] == date and len(words) >= 3:
            hours = words[1:3]
        elif words[0] == date:
            closed.append(date)
    if date in closed:
        return False, "%s is a holiday" % date
    days = [str(day).lower()[:3] for day in market.get("days") or DAYS]
    if weekday not in days:
        return False, "no trading on %s" % weekday
    begin, end = (minutes(text) for text in hours)
    here = minutes(clock)
    inside = begin <= here < end if begin <= end else here >= begin or here < end  # hours that go over midnight
    return inside, "%s is %s %s-%s %s" % (
        clock,
        "within" if inside else "outside",
        hours[0],
        hours[1],
        market.get("tz") or "UTC",
    )


def _by_sessions(market: "dict", now: float) -> "tuple[bool, str]":
    """The answer of a JSON calendar for one market."""
    import json

    name, path = str(market["name"]), str(market.get("calendar"))
    try:
        with open(path) as handle:
            calendar = json.load(handle)
        sessions = calendar["markets"][name]["sessions"]
        zone = str(calendar.get("timezone") or "UTC")
    except OSError as error:
        raise Unknown("the calendar %s cannot be read: %s" % (path, error.strerror))
    except (ValueError, KeyError, TypeError):
        raise Unknown("the calendar %s says nothing of the sessions of %s" % (path, name))
    _, weekday, clock = local(now, zone)
    day = (DAYS.index(weekday) + 1) % 7
    for session in sessions:
        if day in session["days"] and minutes(session["from"]) <= minutes(clock) < minutes(session["to"]):
            return True, "%s is within %s-%s %s" % (clock, session["from"], session["to"], zone)
    return False, "%s on %s is within no session of %s (%s)" % (clock, weekday, name, zone)


def minutes(text: str) -> int:
    """`09:30` as minutes after midnight. Raises Unknown."""
    hour, colon, minute = text.partition(":")
    if not colon or not (hour + minute).isdigit():
        raise Unknown("%r is no time of day: write HH:MM, quoted" % text)
    return int(hour) * 60 + int(minute)


def local(now: float, zone: str) -> "tuple[str, str, str]":
    """(YYYY-MM-DD, weekday, HH:MM) in a time zone of this host's database. Raises Unknown.

    zoneinfo came with Python 3.9; tzset(3) is everywhere, but takes an unknown zone for UTC, so the file is looked for.
    """
    import time

    if zone != "UTC" and not os.path.isfile(os.path.join("/usr/share/zoneinfo", zone)):
        raise Unknown("this host has no time zone %s (package tzdata)" % zone)
    before = os.environ.get("TZ")
    os.environ["TZ"] = zone
    time.tzset()
    try:
        here = time.localtime(now)
    finally:
        if before is None:
            del os.environ["TZ"]
        else:
            os.environ["TZ"] = before
        time.tzset()
    return time.strftime("%Y-%m-%d", here), DAYS[here.tm_wday], time.strftime("%H:%M", here)


def _calendar(path: object) -> "list[list[str]]":
    if not path:
        return []
    try:
        with open(str(path)) as handle:
            return [line.split() for line in handle if line.strip() and not line.startswith("#")]
    except OSError as error:
        raise Unknown("the calendar %s cannot be read: %s" % (path, error.strerror))
