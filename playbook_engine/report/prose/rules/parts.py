"""Wholes against their parts: resolved with something open, green with something red; and what was never a part."""

from __future__ import annotations

import re
from collections.abc import Iterator

from playbook_engine.report.prose.document import Document, Kind, Statement
from playbook_engine.report.prose.marks import Mark, bare, glyphs, leading
from playbook_engine.report.prose.rule import Contradiction, Rule, lines, quote
from playbook_engine.report.prose.topics import ASIDE, CLOSED, FINDINGS, to_do, whole_of
from playbook_engine.report.prose.words import GENERIC, stems, subject

_LEFT = re.compile(
    r"(?:remaining|open|outstanding|unresolved|still open)(?: (?:issues?|problems?|bugs?|items?|work"
    r"|points?))?",
    re.I,
)
_NONE = re.compile(r"^\W*(?:none|no\b|nothing|0\b|n/a|-|—|$)", re.I)
_OVERALL = re.compile(
    r"(?:overall|system|platform|service|general|current)(?: (?:system|service))?(?: (?:status|health|state))?"
    r"|overall",
    re.I,
)
_RESOLVED = re.compile(
    r"^(?P<what>.{3,80}?)\s?(?:issues?|problems?|bugs?|errors?|failures?|outages?)? (?:is |are |was |were "
    r"|has been |have been |now )?(?:resolved|fixed|solved|repaired)\b",
    re.I,
)


def _open_parts(document: Document) -> Iterator[Contradiction]:
    for section in document.sections:
        heading = section.heading
        if heading is None or heading.mark is not Mark.GOOD or ASIDE.search(section.title):
            continue
        if section.level < 2 and not CLOSED.search(section.title):
            continue
        inside = [s for s in whole_of(document, section, ASIDE) if not ASIDE.search(s.pair[0]) and _left_open(s)]
        if inside:
            yield _open(heading, section.title, inside)
    for item in document.of(Kind.ITEM):
        if item.mark is Mark.GOOD and not to_do(document, document.section_of(item)):
            inside = [s for s in document.said_of(item) if _left_open(s) or s.mark in (Mark.BAD, Mark.OPEN)]
            if inside:
                yield _open(item, item.body, inside)
    yield from _overall(document)


def _left_open(statement: Statement) -> bool:
    key, value = statement.pair
    if key and _LEFT.fullmatch(key):
        return bool(value) and not _NONE.match(value) and leading(value) is not Mark.GOOD
    first = glyphs(statement.body.lstrip()[:3])
    return (
        statement.kind is Kind.ITEM and bool(first) and first[0].mark is Mark.BAD and len(glyphs(statement.body)) == 1
    )


def _open(parent: Statement, title: str, inside: list[Statement]) -> Contradiction:
    places = [s.place for s in inside]
    return Contradiction(
        at=parent.place, others=tuple(places),
        says=f"ticks {quote(title)}; on {lines(places)} it is still open: {quote(bare(inside[0].body))}",
    )  # fmt: skip


def _overall(document: Document) -> Iterator[Contradiction]:
    """Everything is green, says the report, and lists what is not."""
    bad = [s for s in document.of(Kind.ITEM, Kind.ROW, Kind.HEADING) if _is_bad(document, s)]
    for statement in document.of(Kind.ITEM, Kind.PROSE, Kind.ROW):
        key, value = statement.pair
        if not _OVERALL.fullmatch(key) or leading(value) is not Mark.GOOD:
            continue
        if re.search(r"\b(?:except|but|apart from|with)\b", value, re.I) or document.evidenced(statement):
            continue
        if bad:
            places = [s.place for s in bad]
            verb = "does" if len(places) == 1 else "do"
            yield Contradiction(
                at=statement.place, others=tuple(places),
                says=f"says {quote(key + ': ' + bare(value))}; {lines(places)} {verb} not",
            )  # fmt: skip
            return


def _is_bad(document: Document, statement: Statement) -> bool:
    if any(ASIDE.search(s.title) for s in document.above(document.section_of(statement))):
        return False
    if statement.kind is Kind.ROW:
        return leading(statement.cell("status|state|health")) is Mark.BAD
    return statement.state is Mark.BAD and not CLOSED.search(statement.said)


def _never_found(document: Document) -> Iterator[Contradiction]:
    """Only in a report that has findings: what is resolved was one of them."""
    if not any(FINDINGS.search(section.title) for section in document.sections):
        return
    where: dict[str, set[int]] = {}
    for statement in document.statements:
        if statement.kind is not Kind.FENCED and not to_do(document, document.section_of(statement)):
            for word in stems(statement.said) - GENERIC:
                lines_ = where.setdefault(word, set())
                if len(lines_) < 3:
                    lines_.add(statement.index)
    for statement in document.of(Kind.ITEM, Kind.PROSE):
        key, value = statement.pair
        if key and not re.fullmatch(r"status|resolution", key, re.I):
            continue
        claim = re.split(r"\s[-–—]\s", bare(value if key else statement.body))[-1]
        found = _RESOLVED.match(claim)
        if not found or document.evidenced(statement) or not _a_problem(claim, found):
            continue
        words = subject(found["what"])
        if words and not any(where.get(word, set()) - {statement.index} for word in words):
            yield Contradiction(
                at=statement.place,
                says=f"{quote(found['what'])} is called resolved, and was never said to be a problem",
            )


def _a_problem(claim: str, found: re.Match[str]) -> bool:
    return bool(re.search(r"\b(?:issues?|problems?|bugs?|errors?|failures?|outages?)\b", claim[: found.end()], re.I))


RULES = (
    Rule(
        id="X6", name="resolved-with-open-parts",
        advice="a whole stands as its worst part does; resolved wants nothing open",
        example="Database ✅ RESOLVED … Remaining issue: response time", find=_open_parts,
    ),
    Rule(
        id="X21", name="resolved-and-never-found",
        advice="resolved wants two records: that it was not met, and that it is",
        example="ES module import issue resolved (and no finding names it)", find=_never_found,
    ),
)  # fmt: skip
