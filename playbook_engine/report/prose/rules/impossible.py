"""Values that cannot be what they are said to be, and ticks that stand on their source."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime

from playbook_engine.report.prose.document import Document, Kind, Place, Statement
from playbook_engine.report.prose.marks import Mark
from playbook_engine.report.prose.quantity import Quantity, quantities
from playbook_engine.report.prose.rule import Contradiction, Rule, lines, quote
from playbook_engine.report.prose.topics import whole_of
from playbook_engine.report.prose.words import phrase
from playbook_engine.report.status import LONGEST
from playbook_engine.report.text import seconds, stamp

_REJECTED = phrase(
    r"invalid|rejected|discarded|ignored|impossible|implausible|not a duration|no duration|time of day"
    r"|time stamp|timestamp|epoch|since 1970|cannot be (?:true|right|real|what)|can't be (?:true|right|real)"
    r"|nonsense|bogus|not (?:a )?(?:real|valid|plausible)"
)
_ANSWER = phrase(r"response|latency|duration|ping|round[- ]trip|rtt|answer(?:s|ed)?|p\d\d|query time|took")
_UPTIME = phrase(r"uptime|up for|up since|restarted")
_SMALL = frozenset({"ns", "us", "µs", "μs", "ms", "msec", "msecs", "millisecond", "milliseconds", "s", "sec", "secs",
                    "second", "seconds"})  # fmt: skip
_FIRST, _LAST = 946684800.0, 4102444800.0  # 2000-01-01 and 2100-01-01, in seconds since 1970


def _durations(document: Document) -> Iterator[Contradiction]:
    uptime = _uptime(document)
    found: dict[str, tuple[Quantity, list[Place]]] = {}
    quoted: dict[str, list[Place]] = defaultdict(list)
    rejected: set[str] = set()
    for statement in document.statements:
        for quantity in quantities(statement.text):
            if quantity.dimension != "time" or quantity.unit not in _SMALL:
                continue
            key = quantity.text.replace(" ", "")
            if statement.kind in (Kind.FENCED, Kind.QUOTE):
                quoted[key].append(statement.place)
            elif _REJECTED.search(statement.text):
                rejected.add(key)
            elif document.evidenced(statement):
                continue  # a record says what was said; whether it can be is said where its value is given
            elif _impossible(quantity, statement, uptime):
                found.setdefault(key, (quantity, []))[1].append(statement.place_at(quantity.at))
    for key, (quantity, places) in found.items():
        if key in rejected:
            continue
        again = sorted([*places[1:], *quoted[key]], key=lambda p: p.line)
        yield Contradiction(
            at=places[0], others=(*again, *([uptime[1]] if uptime else [])),
            says=_why(quantity, uptime) + (f"; again on {lines(again)}" if again else ""),
        )  # fmt: skip


def _impossible(quantity: Quantity, statement: Statement, uptime: tuple[Quantity, Place] | None) -> bool:
    if quantity.amount > LONGEST:
        return quantity.unit[:1] in ("n", "u", "µ", "μ", "m") or _moment(quantity) is not None
    if not _ANSWER.search(statement.said) or _UPTIME.search(statement.said):
        return False
    return quantity.amount < 0 or bool(uptime and quantity.amount > uptime[0].amount)


def _why(quantity: Quantity, uptime: tuple[Quantity, Place] | None) -> str:
    if quantity.amount < 0:
        return f"{quantity.text} is negative: no duration is"
    says = f"{quantity.text} is no duration"
    if quantity.amount > LONGEST:
        says += f": {quantity.amount / (365.25 * 86400):.1f} years"
        moment = _moment(quantity)
        if moment is not None:
            says += f"; it reads as {stamp(moment)}, a time of day"
    if uptime and quantity.amount > uptime[0].amount:
        says += f"; longer than the uptime of {seconds(uptime[0].amount)} (line {uptime[1].line})"
    return says


def _moment(quantity: Quantity) -> datetime | None:
    """The time that the number is when it counts from 1970, if that lies in this century."""
    return datetime.fromtimestamp(quantity.amount, UTC) if _FIRST <= quantity.amount < _LAST else None


def _uptime(document: Document) -> tuple[Quantity, Place] | None:
    """The one uptime that the report gives; where it gives several, nobody knows whose is meant."""
    found = []
    for statement in document.of(Kind.ITEM, Kind.PROSE, Kind.ROW):
        key, value = statement.pair
        if re.fullmatch(r"(?:\w+ ){0,2}uptime", key, re.I):
            found += [(q, statement.place) for q in quantities(value)[:1] if q.dimension == "time" and q.amount > 0]
    return found[0] if len(found) == 1 else None


def _sources(document: Document) -> Iterator[Contradiction]:
    """A section that is ticked, with a value in it that no source which is in order would give."""
    told: set[int] = set()  # what the innermost ticked heading above it has been held against
    for section in sorted(document.sections, key=lambda each: -each.level):
        if section.heading is None or section.heading.mark is not Mark.GOOD or section.level < 2:
            continue
        statements = list(whole_of(document, section))
        if any(_REJECTED.search(s.text) for s in statements):
            continue
        wrong = [
            (q, s) for s in statements for q in quantities(s.text)
            if s.index not in told and q.unit in _SMALL and q.amount > LONGEST and _moment(q) is not None
        ]  # fmt: skip
        if wrong:
            told |= {s.index for _, s in wrong}
            quantity, statement = wrong[0]
            yield Contradiction(
                at=section.heading.place, others=(statement.place,),
                says=f"ticks {quote(section.title)}; what it measures with says {quantity.text} on line "
                f"{statement.line}, which cannot be",
            )  # fmt: skip


RULES = (
    Rule(
        id="X7", name="impossible-duration",
        advice="a duration is plausible or the value is rejected as invalid, and then says nothing about the service",
        example="Response time: 1754070167750ms", find=_durations,
    ),
    Rule(
        id="X25", name="untrusted-source",
        advice="what has given an impossible value is not believed about anything else until it is repaired",
        example="Database ✅ healthy, whose health check says 1754070167750ms", find=_sources,
    ),
)  # fmt: skip
