"""The lookup `sequence`: `1-3`, `4-16/4:host%02d`, `start=0 end=6 stride=2 format=x%02x`."""

from __future__ import annotations

from collections.abc import Mapping

from playbook_engine.templating import limits

OPTIONS = ("start", "end", "count", "stride", "format")


def expand(text: str, given: Mapping[str, object]) -> list[str]:
    """The texts that a term stands for; `given` are options beside it. Raises ValueError."""
    asked: dict[str, object] = {key: value for key, value in given.items() if value is not None}
    text = text.strip()
    if "=" in text:
        asked.update((key, value) for key, _, value in (pair.partition("=") for pair in text.split()))
    elif text:
        asked.update(_short(text))
    for key in asked:
        if key not in OPTIONS:
            raise ValueError(f"a sequence has no {key!r}; it has {', '.join(OPTIONS)}")
    return _texts(asked)


def _short(text: str) -> dict[str, object]:
    """`[start-]end[/stride][:format]`."""
    head, _, shape = text.partition(":")
    span, _, stride = head.partition("/")
    start, dash, end = span.partition("-")
    found: dict[str, object] = {"start": start, "end": end} if dash else {"end": start}
    return found | ({"stride": stride} if stride else {}) | ({"format": shape} if shape else {})


def _texts(asked: Mapping[str, object]) -> list[str]:
    start = _number(asked.get("start", 1))
    stride = _number(asked.get("stride", 1))
    if "count" in asked and "end" in asked:
        raise ValueError("a sequence has an end or a count, not both")
    if "count" in asked:
        end = start + (_number(asked["count"]) - 1) * stride
        if _number(asked["count"]) == 0:
            return []
    elif "end" in asked:
        end = _number(asked["end"])
    else:
        raise ValueError("a sequence needs an end or a count")
    if stride and (end < start if stride > 0 else end > start):
        raise ValueError("a sequence that counts down needs a negative stride, and one that counts up a positive one")
    if stride == 0:
        return []
    shape = str(asked.get("format", "%d"))
    limits.check_percent(shape, ())
    numbers = range(start, end + (1 if stride > 0 else -1), stride)
    limits.budget().spend(len(numbers))
    return [shape % number for number in numbers]


def _number(value: object) -> int:
    return int(str(value), 0)
