"""Risk and impact, against what is open and what is unknown."""

from __future__ import annotations

import re
from collections.abc import Iterator

from playbook_engine.model.frozen import frozen
from playbook_engine.report.prose.document import Document, Kind, Place, Statement
from playbook_engine.report.prose.marks import Mark, leading
from playbook_engine.report.prose.rule import Contradiction, Rule, lines, quote
from playbook_engine.report.prose.topics import CLOSED
from playbook_engine.report.prose.words import phrase, subject

_RISK = re.compile(r"(?:current |overall |residual )?risk(?: (?:level|rating))?", re.I)
_RANKS = {"none": 0, "minimal": 0, "low": 0, "medium": 1, "moderate": 1, "high": 2, "critical": 3, "severe": 3}
_WORST = re.compile(r"(?<![\w-])(?:P(?P<p>[01])|SEV-?(?P<sev>[01])|(?P<word>critical|blocker))(?!\w)", re.I)
_IMPACT = re.compile(r"(?:business |user |customer )?impact", re.I)
_HEDGED = phrase(
    r"unknown|not measured|not known|unclear|may|might|could|possibl[ey]|potential\w*|if|none|no (?:known"
    r"|measured|user|customer)|not yet|assum\w+|suspect\w*|probabl[ey]|likely|to be (?:determined|confirmed)"
    r"|tbd|not determined"
)
_UNKNOWN = re.compile(
    r"^\W*(?:[\w ]{1,30}: )?(?:unknown|undetermined|not (?:known|measured|verified|checked)|unclear)\b",
    re.I,
)


@frozen
class _Open:
    """Something open and how bad it is said to be."""

    place: Place
    rank: int
    said: str


def _risk(document: Document) -> Iterator[Contradiction]:
    stated = []
    for statement in document.of(Kind.ITEM, Kind.PROSE, Kind.HEADING, Kind.ROW):
        key, value = statement.pair
        word = re.match(r"\W*(\w+)", value)
        if _RISK.fullmatch(key) and word and word[1].lower() in _RANKS and not document.evidenced(statement):
            stated.append((statement, _RANKS[word[1].lower()], word[1]))
    if not stated:
        return
    worst = max(_open_work(document), key=lambda each: each.rank, default=None)
    low = [(s, word) for s, rank, word in stated if worst is not None and worst.rank - rank >= 2]
    if worst is not None and low:
        statement, called = low[0]
        again = [s.place for s, _ in low[1:]]
        yield Contradiction(
            at=statement.place, others=(worst.place, *again),
            says=f"the risk is called {called}; {worst.said} is open on line {worst.place.line}"
            + (f"; says so again on {lines(again)}" if again else ""),
        )  # fmt: skip


def _open_work(document: Document) -> Iterator[_Open]:
    """What has a priority and no sign that it is over."""
    for statement in document.of(Kind.ITEM, Kind.PROSE, Kind.HEADING, Kind.ROW):
        key, value = statement.pair
        if re.fullmatch(r"(?:priority|severity)(?: level)?", key, re.I):
            said, owner = value, document.owner(statement)
        elif statement.kind is Kind.ROW:
            said, owner = statement.cell(r"priority|severity|prio|sev"), statement
        elif statement.kind is Kind.HEADING:
            tag = re.search(r"\(([^()]{1,20})\)\W*$", statement.said)
            said, owner = (tag[1] if tag else ""), statement
        else:
            continue
        found = _WORST.match(said.strip(" *`"))
        if not found or owner is None or document.evidenced(statement) or _is_over(document, owner):
            continue
        level = found["p"] or found["sev"]
        yield _Open(place=statement.place, rank=3 if level in (None, "0") else 2, said=found[0].upper())


def _is_over(document: Document, owner: Statement) -> bool:
    if owner.kind is Kind.ROW:
        state = owner.cell(r"status|state|result|outcome")
        return not state or leading(state) is Mark.GOOD or bool(CLOSED.search(state))
    if owner.mark is Mark.GOOD or CLOSED.search(owner.said):
        return True
    own = [s.pair for s in document.said_of(owner)]
    return any(re.fullmatch(r"status|state", k, re.I) and (leading(v) is Mark.GOOD or CLOSED.search(v)) for k, v in own)


def _unknown_impact(document: Document) -> Iterator[Contradiction]:
    unknown: list[tuple[frozenset[str], Statement]] = []
    for statement in document.of(Kind.ITEM, Kind.PROSE):
        key, value = statement.pair
        if key and _UNKNOWN.match(value) and subject(key):
            unknown.append((subject(key), statement))
    for statement in document.of(Kind.ITEM, Kind.PROSE):
        key, value = statement.pair
        if not _IMPACT.fullmatch(key) or not re.search(r"\w", value) or _HEDGED.search(value):
            continue
        owner = document.owner(statement)
        own = [s for s in document.said_of(owner) if _is_unknown(s)] if owner else []
        named = subject(re.sub(r"^\W*\d+[.)]?", "", owner.said)) if owner else frozenset()
        elsewhere = [s for words, s in unknown if words and (words <= named or (named and named <= words))]
        found = sorted({s.place.line: s.place for s in (*own, *elsewhere)}.values(), key=lambda p: p.line)
        if found:
            yield Contradiction(
                at=statement.place, others=tuple(found),
                says=f"states the impact {quote(value)}; what it is about is unknown on {lines(found)}",
            )  # fmt: skip


def _is_unknown(statement: Statement) -> bool:
    """`Status: unknown`, also in what is quoted there."""
    if statement.kind is Kind.FENCED:
        return bool(re.match(r"^\s{0,8}(?:status|state)\s?: ?(?:\w+: )?unknown\b", statement.text, re.I))
    key, value = statement.pair
    return bool(re.fullmatch(r"(?:current )?(?:status|state)", key, re.I) and _UNKNOWN.match(value))


RULES = (
    Rule(
        id="X10", name="risk-below-what-is-open",
        advice="the risk is that of the worst that is open; unsure counts as the higher",
        example="Risk level: MEDIUM … Priority: P0", find=_risk,
    ),
    Rule(
        id="X11", name="impact-of-the-unknown",
        advice="what is unknown has an impact that was not measured",
        example="Status: unknown … Impact: core functionality compromised", find=_unknown_impact,
    ),
)  # fmt: skip
