"""Fields whose value is of another kind than the field, and lines with two statuses."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from playbook_engine.report.prose.document import Document, Kind, Place, Statement
from playbook_engine.report.prose.marks import Glyph, Mark, bare, glyphs, only_status
from playbook_engine.report.prose.rule import Contradiction, Rule, lines, quote

_PRIORITY = re.compile(r"(?:priority|severity)(?: level)?", re.I)
_CLAUSE = re.compile(r"[,;|·•]|→|->|=>|\s/\s|\b(?:was|were|before|previously|now|then)\b")
_STATUS_AFTER = re.compile(
    r"^\W*(?:$|(?:needs?|still|not|fail\w*|broken|down|missing|pending|blocked|to ?do|open|unresolved"
    r"|unhealthy|never|requires?|incomplete|in progress|wip|done|complete\w*|resolved|fixed|ok|passed|met"
    r"|working|healthy)\b)",
    re.I,
)
_CROSSED_OUT = re.compile(
    r"[-–—:(]\s{0,3}\W?(not (?:done|started|yet \w+)|to ?do|pending|failed|blocked)\W{0,3}$",
    re.I,
)


def _mixed(document: Document) -> Iterator[Contradiction]:
    for statement in document.of(Kind.HEADING, Kind.ITEM, Kind.PROSE, Kind.ROW):
        if statement.kind is Kind.ROW:
            if not document.evidenced(statement):
                for cell in statement.cells:
                    if _two_marks(cell):
                        yield _both(statement, cell)
        elif _two_marks(statement.body) or (statement.mark is Mark.GOOD and _ticked_and_not(statement)):
            yield _both(statement, statement.body)


def _two_marks(text: str) -> bool:
    """One subject that begins with one status and ends with its opposite."""
    found = glyphs(text)
    if len(found) < 2:
        return False
    first, last = found[0], found[-1]
    between = text[first.at + 1 : last.at]
    return (
        not re.search(r"\w", text[: first.at])
        and {first.mark, last.mark} == {Mark.GOOD, Mark.BAD}
        and not any(each.mark is first.mark for each in found[1:])
        and not _CLAUSE.search(between)
        and bool(re.search(r"[^\W\d]", between))
        and not only_status(between)
        and bool(_STATUS_AFTER.match(text[last.at + 1 :].replace("\ufe0f", "")))
    )


def _ticked_and_not(statement: Statement) -> bool:
    return statement.said.lstrip()[:3].lower() == "[x]" and bool(
        _CROSSED_OUT.search(statement.body) or any(g.mark is Mark.BAD for g in glyphs(statement.body)[-1:])
    )


def _both(statement: Statement, text: str) -> Contradiction:
    found: tuple[Glyph, ...] = glyphs(text)
    ends = text[found[-1].at :] if found else "not done"
    start = text[found[0].at] if len(found) > 1 else "[x]"
    return Contradiction(at=statement.place, says=f"begins with {start} and ends with {quote(ends, 40)}")


def _priority(document: Document) -> Iterator[Contradiction]:
    said: dict[tuple[str, str], list[Place]] = defaultdict(list)
    for statement in document.of(Kind.ITEM, Kind.PROSE, Kind.ROW):
        key, value = statement.pair
        if key and _PRIORITY.fullmatch(key):
            if value and only_status(value):
                said[(key, bare(value))].append(statement.place)
            continue
        cell = statement.cell(r"priority|severity|prio")
        if cell and only_status(cell) and re.search(r"\w", bare(cell)):
            said[("priority", bare(cell))].append(statement.place)
    for (key, value), places in said.items():
        what = quote(value) if value else "a tick"
        yield Contradiction(
            at=places[0], others=tuple(places[1:]),
            says=f"the {key.lower()} is {what}, which is a status"
            + (f", and again on {lines(places[1:])}" if len(places) > 1 else ""),
        )  # fmt: skip


RULES = (
    Rule(
        id="X3", name="two-statuses",
        advice="a criterion has one status, in a field of its own; its text carries no glyph",
        example="✅ Database answers < 100 ms ❌ NEEDS FIX", find=_mixed,
    ),
    Rule(
        id="X20", name="priority-is-a-status",
        advice="a priority is P0 to P4; that something is done is its status",
        example="Priority: ✅ COMPLETE", find=_priority,
    ),
)  # fmt: skip
