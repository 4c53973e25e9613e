"""How the whole is said to stand and to go: two scales for it, or a trend of one sample."""

from __future__ import annotations

import re
from collections.abc import Iterator

from playbook_engine.report.prose.document import Document, Kind, Place, Statement
from playbook_engine.report.prose.marks import bare
from playbook_engine.report.prose.quantity import QUANTITY
from playbook_engine.report.prose.rule import Contradiction, Rule, lines, quote
from playbook_engine.report.prose.topics import to_do
from playbook_engine.report.prose.words import phrase, subject

_WHOLE = re.compile(r"(?:overall|system|platform|report)(?: system)? (?:status|health|state)", re.I)
_TREND = re.compile(
    r"\b(?:improving|worsening|deteriorating|degrading|stabili[sz]ing|recovering|trending (?:up|down|better"
    r"|worse)|getting (?:better|worse)|rising|declining|increasing|decreasing)\b(?=\W{0,3}(?:$|but\b|and\b|,|;"
    r"|\.|\())",
    re.I,
)  # a gerund with an object (`improving the docs`) is work, and no trend
_OF_SOMETHING = re.compile(r"\b(?:is|are|was|were|still|now|keeps?|slowly|steadily|system|service|stability) $", re.I)
_SPAN = re.compile(
    r"\b(?:from|since|over the (?:last|past)|in the (?:last|past)|compared|versus|vs|week over week|month)\b|→"
    r"|->",
    re.I,
)
_SCALES = {
    "colour": phrase(r"red|amber|yellow|orange|green"),
    "health": phrase(r"healthy|unhealthy|degraded|operational|down|up|impaired|outage"),
    "progress": phrase(r"(?:partially )?(?:resolved|completed?|done|fixed)|in progress|on track|delayed|blocked"),
    "level": phrase(r"low|medium|high"),
    "score": re.compile(r"\b\d{1,3}\s?(?:/|out of)\s?\d{1,3}\b|\b\d{1,3} ?%"),
}


def _trends(document: Document) -> Iterator[Contradiction]:
    sampled = _sampled(document)
    places: list[Place] = []
    word = ""
    for statement in document.of(Kind.ITEM, Kind.PROSE, Kind.ROW):
        if document.evidenced(statement) or to_do(document, document.section_of(statement)):
            continue
        found = _TREND.search(statement.said)
        if not found or len(QUANTITY.findall(statement.said)) >= 2 or _SPAN.search(statement.said):
            continue
        before = statement.said[: found.start()]
        if not statement.pair[1].startswith(found[0]) and not _OF_SOMETHING.search(before):
            continue
        about_ = subject(statement.pair[0] or before[-60:])
        if 2 * len(sampled & about_) >= max(1, len(about_)) or len(re.findall(r"\d", statement.said)) >= 4:
            continue
        word = word or found[0]
        places.append(statement.place_at(found.start()))
    if places:
        yield Contradiction(
            at=places[0], others=tuple(places[1:]),
            says=f"says {quote(word)}, and gives no two samples"
            + (f"; so again on {lines(places[1:])}" if len(places) > 1 else ""),
        )  # fmt: skip


def _sampled(document: Document) -> frozenset[str]:
    """The stems of what the report has several values of: tables with times, and lines with two values."""
    found: set[str] = set()
    for statement in document.of(Kind.ITEM, Kind.PROSE, Kind.ROW):
        if statement.kind is Kind.ROW and any(
            re.search(r"\b(?:time|date|day|week|hour|when|before)\b", h, re.I) for h in statement.header
        ):
            for title in (*statement.header, document.section_of(statement).title):
                found |= subject(title)
        if len(QUANTITY.findall(statement.said)) >= 2:
            found |= subject(statement.said)
    return frozenset(found)


def _two_scales(document: Document) -> Iterator[Contradiction]:
    stated: list[tuple[Statement, str, set[str]]] = []
    linked: list[set[str]] = []
    for statement in document.of(Kind.ITEM, Kind.PROSE, Kind.ROW):
        key, value = statement.pair
        scales = {name for name, pattern in _SCALES.items() if pattern.search(value if key else statement.said)}
        if key and _WHOLE.fullmatch(key):
            if scales:
                stated.append((statement, f"{key}: {bare(value)}", scales))
        elif len(scales) > 1 and re.search(r"\bmeans?\b|=|legend", statement.said, re.I):
            linked.append(scales)
    for statement, said, scales in stated[1:]:
        first, its, other = stated[0]
        if scales & other or any(scales & both and other & both for both in linked):
            continue
        yield Contradiction(
            at=statement.place, others=(first.place,),
            says=f"says {quote(said)}; line {first.line} says {quote(its)}: two scales, and no legend for them",
        )  # fmt: skip
        return


RULES = (
    Rule(
        id="X13", name="trend-without-samples",
        advice="two samples are a difference, and a trend wants more, with their times",
        example="System stability: Improving", find=_trends,
    ),
    Rule(
        id="X24", name="two-scales",
        advice="there is one scale, with a legend, and every status is on it",
        example="System status: partially resolved … Overall status: Yellow", find=_two_scales,
    ),
)  # fmt: skip
