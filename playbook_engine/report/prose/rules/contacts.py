"""Escalation: who is told, when, and how."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from playbook_engine.report.contacts import PLACEHOLDER
from playbook_engine.report.prose.document import Document, Kind, Place, Statement
from playbook_engine.report.prose.marks import bare
from playbook_engine.report.prose.rule import Contradiction, Rule, lines, quote
from playbook_engine.report.prose.topics import CONTACTS, ESCALATION, about
from playbook_engine.report.prose.words import phrase

_ROLE = phrase(
    r"contacts?|admin\w*|on[- ]?call|owner|escalation|pager|phone|e-?mail|hotline|incident commander|commander"
)
_WHO = phrase(r"contacts?|on[- ]?call|owner|incident commander")
_PLACE = re.compile(
    r"^\W*(?:tb[acd]|todo|fixme|x{2,}|\?+|to be (?:determined|defined|announced)|not yet assigned|unassigned"
    r"|fill in\w*|<[^<>]{1,40}>|(?:your|insert)[ -]\w+(?: \w+)?)\W*$",
    re.I,
)
_PERSON = re.compile(
    r"@|\b(?:on[- ]?call|lead|manager|engineer|team|admin\w*|dba|director|commander|officer|owner|vp|cto|ciso|head of"
    r"|duty|primary|secondary|vendor|support|sre|noc)\b|[A-Z][a-z]+ [A-Z][a-z]+",
)
_CHANNEL = re.compile(
    r"\b(?:call|phone|page|pager\w*|sms|text|e-?mail|mail|slack|teams|chat|channel|ticket|bridge|notif\w+"
    r"|inform|hotline|tel)\b|#[a-z][\w-]+|[\w.+-]+@[\w.-]+|\+?\d[\d /-]{6,}",
    re.I,
)


def _placeholders(document: Document) -> Iterator[Contradiction]:
    found: dict[int, list[tuple[Place, str, str]]] = defaultdict(list)
    for statement in document.of(Kind.ITEM, Kind.PROSE, Kind.ROW):
        if document.evidenced(statement):
            continue
        for role, name in _named(document, statement):
            if name and _is_placeholder(role, name):
                found[statement.section].append((statement.place, role, name))
    for entries in found.values():
        places = [place for place, _, _ in entries]
        roles = ", ".join(dict.fromkeys(role for _, role, _ in entries))
        place, _, name = entries[0]
        yield Contradiction(
            at=place, others=tuple(p for p in places if p.line != place.line),
            says=f"{quote(roles, 80)}: {quote(name)} is nobody" + (f" ({lines(places)})" if len(places) > 1 else ""),
        )  # fmt: skip


def _named(document: Document, statement: Statement) -> Iterator[tuple[str, str]]:
    """Who is named for which role: in a field, or in the columns of a table of contacts."""
    inside = about(document, document.section_of(statement), CONTACTS) is not None
    key, value = statement.pair
    if key and (inside or _ROLE.search(key)):
        yield key, value
    elif statement.kind is Kind.ROW and len(statement.cells) > 2:
        for name, cell in zip(statement.header, statement.cells, strict=False):
            if inside or _ROLE.search(name):
                yield bare(statement.cells[0]), cell.strip()


def _is_placeholder(role: str, name: str) -> bool:
    if re.search(r"\bexample\.(?:com|org|net)\b", name, re.I):
        return True
    # `none` and `n/a` are nobody where a person is asked for, and may be true elsewhere.
    return bool(_PLACE.match(name)) or bool(_WHO.search(role) and PLACEHOLDER.match(name))


def _steps(document: Document) -> Iterator[Contradiction]:
    """Entries of an escalation plan that say neither whom to tell nor how; whoever is named may be told any time."""
    for section in document.sections:
        if section.heading is None or not _in_plan(document, section.index):
            continue
        empty = [s for s in document.own[section.index] if s.kind is Kind.ITEM and s.level == 0 and not _step(s)]
        if empty:
            places = [s.place for s in empty]
            yield Contradiction(
                at=places[0], others=tuple(places[1:]),
                says=f"{quote(bare(empty[0].body))} says neither whom to tell nor how"
                + (f"; so on {lines(places[1:])}" if len(places) > 1 else ""),
            )  # fmt: skip


def _in_plan(document: Document, index: int) -> bool:
    here = document.sections[index]
    if CONTACTS.search(here.title) and not ESCALATION.match(here.title):
        return False
    plan = about(document, here, ESCALATION)
    return plan is not None and bool(
        re.search(r"plan|policy|path|procedure|matrix|chain|level|step|^\W*escalation\W*$", plan.title, re.I)
    )


def _step(item: Statement) -> bool:
    told = item.pair[1] or item.said
    return bool(_CHANNEL.search(told) or _PERSON.search(told))


def _nobody(document: Document) -> Iterator[Contradiction]:
    yield from _placeholders(document)
    yield from _steps(document)


RULES = (
    Rule(
        id="X22", name="nobody-to-call",
        advice="an escalation says whom to tell, after which time, and how; a placeholder is shown as missing",
        example="Database admin: [TBD]; Escalation plan: 1. Disk space: immediate cleanup required", find=_nobody,
    ),
)  # fmt: skip
