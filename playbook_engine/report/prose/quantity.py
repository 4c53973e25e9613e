"""Numbers with units, and thresholds, as people write them: `1,133 ms`, `< 200ms`, `at least 99.9 %`."""

from __future__ import annotations

import re
from collections.abc import Mapping

from playbook_engine.model.frozen import frozen
from playbook_engine.report.status import OPERATORS

UNITS: Mapping[str, tuple[str, float]] = {
    "ns": ("time", 1e-9), "us": ("time", 1e-6), "µs": ("time", 1e-6), "μs": ("time", 1e-6), "ms": ("time", 1e-3),
    **dict.fromkeys(("msec", "msecs", "millisecond", "milliseconds"), ("time", 1e-3)),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), ("time", 1.0)),
    **dict.fromkeys(("min", "mins", "minute", "minutes"), ("time", 60.0)),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), ("time", 3600.0)),
    **dict.fromkeys(("d", "day", "days"), ("time", 86400.0)),
    **dict.fromkeys(("week", "weeks"), ("time", 604800.0)),
    **dict.fromkeys(("%", "percent"), ("ratio", 1.0)),
    **dict.fromkeys(("b", "byte", "bytes"), ("bytes", 1.0)),
    "kb": ("bytes", 1e3), "mb": ("bytes", 1e6), "gb": ("bytes", 1e9), "tb": ("bytes", 1e12),
    "kib": ("bytes", 2.0**10), "mib": ("bytes", 2.0**20), "gib": ("bytes", 2.0**30), "tib": ("bytes", 2.0**40),
    **dict.fromkeys(("req/s", "rps", "qps"), ("rate", 1.0)),
}  # fmt: skip
"""What each unit measures, and how many seconds, bytes, percent it is. Single letters that mean more are left out."""

_NUMBER = r"\d{1,3}(?:,\d{3}){1,6}(?:\.\d{1,12})?|\d{1,24}(?:\.\d{1,12})?"
_UNIT = f"(?a:{'|'.join(sorted((re.escape(u) for u in UNITS), key=len, reverse=True))})"  # no ſ for s
QUANTITY = re.compile(rf"(?<![\w.,/-])(?P<minus>[-−])?(?P<number>{_NUMBER})[ -]?(?P<unit>{_UNIT})(?![\w/])", re.I)
_PLAIN = re.compile(rf"^\W*(?P<minus>[-−])?(?P<number>{_NUMBER})\W*$")
_WORDS: Mapping[str, str] = {
    "≤": "<=", "=<": "<=", "≥": ">=", "less than": "<", "fewer than": "<", "under": "<", "below": "<",
    "at most": "<=", "no more than": "<=", "not more than": "<=", "up to": "<=", "within": "<=", "at least": ">=",
    "no less than": ">=", "not less than": ">=", "max": "<=", "max.": "<=", "maximum": "<=", "min.": ">=",
}  # fmt: skip
_OPERATOR = f"(?a:{'|'.join(sorted((re.escape(w) for w in (*OPERATORS, *_WORDS)), key=len, reverse=True))})"
LIMIT = re.compile(
    rf"(?<![\w<>=!-])(?P<op>{_OPERATOR})\s{{0,3}}(?P<number>{_NUMBER})(?:[ -]?(?P<unit>{_UNIT})(?![\w/])|(?![\w.,]))",
    re.I,
)
_NUMERALS = "zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
COUNT = rf"(?a:\d{{1,3}}|{_NUMERALS})"


@frozen
class Quantity:
    """A number with its unit. `amount` is in the base of its dimension: seconds, bytes, percent; `""` has no unit."""

    at: int
    end: int
    text: str
    number: float
    unit: str
    dimension: str
    amount: float


@frozen
class Limit:
    """A threshold: `< 200 ms`."""

    at: int
    end: int
    text: str
    operator: str
    dimension: str
    amount: float

    def holds(self, value: Quantity) -> bool | None:
        """None where the value measures something else."""
        return OPERATORS[self.operator](value.amount, self.amount) if value.dimension == self.dimension else None


def quantities(text: str) -> tuple[Quantity, ...]:
    """Every number with a unit that is not itself part of a threshold."""
    taken = [(limit.at, limit.end) for limit in limits(text)]
    return tuple(q for q in _quantities(text) if not any(at <= q.at < end for at, end in taken))


def _quantities(text: str) -> list[Quantity]:
    return [_quantity(found, found["unit"]) for found in QUANTITY.finditer(text)]


def limits(text: str) -> tuple[Limit, ...]:
    found = []
    for match in LIMIT.finditer(text):
        dimension, scale = UNITS[match["unit"].lower()] if match["unit"] else ("", 1.0)
        operator = match["op"].lower()
        found.append(
            Limit(
                at=match.start(), end=match.end(), text=match[0], operator=_WORDS.get(operator, operator),
                dimension=dimension, amount=_float(match["number"]) * scale,
            )
        )  # fmt: skip
    return tuple(found)


def only_quantity(text: str) -> Quantity | None:
    """The quantity that a table's cell or a pair of brackets is, with or without a unit; None for anything else."""
    found = _quantities(text)
    if not found:
        plain = _PLAIN.match(text)
        return _quantity(plain, "") if plain else None
    return found[0] if len(found) == 1 and not re.search(r"\w", text[: found[0].at] + text[found[0].end :]) else None


def number_of(word: str) -> int:
    """`3` or `three`."""
    return int(word) if word.isdigit() else _NUMERALS.split("|").index(word.lower())


def _quantity(match: re.Match[str], unit: str) -> Quantity:
    dimension, scale = UNITS[unit.lower()] if unit else ("", 1.0)
    number = _float(match["number"]) * (-1 if match["minus"] else 1)
    text = match[0].strip()
    return Quantity(
        at=match.start(), end=match.end(), text=text, number=number, unit=unit.lower(), dimension=dimension,
        amount=number * scale,
    )  # fmt: skip


def _float(text: str) -> float:
    return float(text.replace(",", ""))
