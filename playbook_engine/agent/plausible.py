"""Whether a duration that a program claims can be true.

A program that reports 1754070167750 ms has not been slow for 55 years: it has published a time of day as a duration.
Such a value is invalid, which is not the same as bad, and says nothing about how fast the program is.
"""

UNITS = {"s": 1000.0, "ms": 1.0, "us": 0.001, "ns": 0.000001}  # in milliseconds
EPOCH = (("s", "seconds", 1), ("ms", "milliseconds", 1000), ("us", "microseconds", 10**6), ("ns", "nanoseconds", 10**9))
DAY = 86400.0


def duration(value: object, unit: str, now: float, uptime: "float | None" = None) -> "dict":
    """What to make of a claimed duration: {raw, valid, ms, why}.

    `now` is seconds since 1970; `uptime` for how many seconds the program that claims it has lived, if that is known.
    """
    why = _wrong(value, unit, now, uptime)
    return {"raw": value, "valid": why is None, "ms": None if why else float(value) * UNITS[unit], "why": why}  # type: ignore[arg-type]


def _wrong(value: object, unit: str, now: float, uptime: "float | None") -> "str | None":
    if value is None:
        return "there is no number: a NaN becomes null in JSON, as when the start was never taken"
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return "%r is no number" % (value,)
    if value != value or value in (float("inf"), float("-inf")):
        return "%r is no measurement" % value
    if value < 0:
        return "%r is negative: the clock went back, or start and end are exchanged" % value
    for _, name, scale in EPOCH:
        if abs(value / scale - now) <= DAY:
            return "%r is %s in %s since 1970: a time of day, not a duration" % (value, _moment(value / scale), name)
    if uptime is not None and value * UNITS[unit] > uptime * 1000.0:
        return "%r %s is longer than the process has lived (%.0f s)" % (value, unit, uptime)
    return None


def _moment(seconds: float) -> str:
    import time

    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def at(document: object, path: str) -> object:
    """The value at a dotted path (`db.latency`, `checks.0.ms`) of parsed JSON. Raises KeyError with the whole path."""
    here = document
    for part in path.split("."):
        if isinstance(here, dict) and part in here:
            here = here[part]
        elif isinstance(here, list) and part.isdigit() and int(part) < len(here):
            here = here[int(part)]
        else:
            raise KeyError(path)
    return here
