"""Work: what is ticked and still to do, what is to be done twice, and in which order."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

from playbook_engine.report.prose.document import Document, Kind, Section, Statement
from playbook_engine.report.prose.marks import Mark, bare
from playbook_engine.report.prose.quantity import quantities
from playbook_engine.report.prose.rule import Contradiction, Rule, quote
from playbook_engine.report.prose.topics import CRITERIA, TIME_BOX, WORK, about, tasks, to_do
from playbook_engine.report.prose.words import GENERIC, ordered_stems, phrase, stems

_CHECKING = stems("verify check test validate confirm")
_AGAIN = phrase(
    r"again|repeat\w*|re-?run|daily|weekly|monthly|quarterly|continue|keep|each|every|second|another"
    r"|follow[- ]?up"
)
_CLAIMED = re.compile(
    r"^\W*(?:active|healthy|verified|compliant|operational|ok|okay|passed|enabled|complete|met|secure)\W*$",
    re.I,
)
_MEASURED = re.compile(r"\d|https?:|\[\w+\]|\bsee\b", re.I)
_AFTER = phrase(r"after|once|when|depends?|needs|requires|blocked|until|then")
_PRIORITY = re.compile(r"(?<![\w-])P(?P<p>[0-4])(?!\w)")
_NUMBERED = re.compile(r"^\W*(?P<word>[A-Za-z]+ )?(?P<n>\d{1,2})[.:)]?(?:\s|$)")
_PHASES = re.compile(
    r"\b(?P<kind>phase|stage|gate|milestone)s? (?P<a>\d+(?:\.\d+)?)\b(?P<between>[^.]{0,60}?)\b(?:before"
    r"|proceed\w*|move|moving|go|going|continue|on) [^.]{0,30}?\b(?P=kind) (?P<b>\d+(?:\.\d+)?)\b",
    re.I,
)
_NAMED_PHASE = re.compile(r"\b(?P<kind>phase|stage|gate|milestone) (?P<n>\d+(?:\.\d+)?)\b", re.I)
_OVER = phrase(r"done|complete|completed|skipped|dropped|cancelled|canceled|passed|met|merged|closed")


def _ticked(document: Document) -> Iterator[Contradiction]:
    work = [(task, ordered_stems(_title(task))) for task in tasks(document)]
    criteria = list(_criteria(document, work))
    yield from criteria
    told = {found.at for found in criteria}
    by_stem: dict[str, list[tuple[Statement, frozenset[str]]]] = defaultdict(list)
    for task, words in work:
        if len(words) >= 2 and not _AGAIN.search(task.said):
            by_stem[min(words)].append((task, frozenset(words)))
    for tick in _ticks(document):
        named = stems(_title(tick))
        if len(named) < 2 or _AGAIN.search(tick.said) or tick.place in told or _measured(document, tick):
            continue
        for candidates in (by_stem[word] for word in named if word in by_stem):
            fitting = next((t for t, w in candidates[:200] if w <= named and len(named - w) <= 1), None)
            if fitting is not None and fitting is not tick:
                yield _still_to_do(tick, fitting)
                break


def _criteria(document: Document, work: Sequence[tuple[Statement, Sequence[str]]]) -> Iterator[Contradiction]:
    """Criteria that are all ticked, none of them measured, while at least half of them are still worked on."""
    sections: dict[int, list[Statement]] = defaultdict(list)
    for tick in _ticks(document):
        if about(document, document.section_of(tick), CRITERIA) is not None:
            sections[tick.section].append(tick)
    by_stem: dict[str, Statement] = {}
    for task, words in work:
        for word in words:
            by_stem.setdefault(word, task)
    for index, ticks in sections.items():
        items = [s for s in document.own[index] if s.kind is Kind.ITEM]
        if len(ticks) < 2 or len(ticks) < len(items) or any(_MEASURED.search(t.body) for t in ticks):
            continue
        found = [
            (tick, by_stem[first]) for tick in ticks
            if (first := next((w for w in ordered_stems(_title(tick)) if w not in GENERIC), "")) in by_stem
        ]  # fmt: skip
        if 2 * len(found) >= len(ticks):
            yield from (_still_to_do(tick, task, measured=False) for tick, task in found)


def _measured(document: Document, tick: Statement) -> bool:
    """A criterion with a value on its line is compared by X2."""
    return bool(quantities(tick.said)) and about(document, document.section_of(tick), CRITERIA) is not None


def _ticks(document: Document) -> Iterator[Statement]:
    for item in document.of(Kind.ITEM):
        if item.mark is Mark.GOOD and not document.evidenced(item) and not to_do(document, document.section_of(item)):
            yield item


def _still_to_do(tick: Statement, task: Statement, *, measured: bool = True) -> Contradiction:
    without = "" if measured else " without a measurement"
    return Contradiction(
        at=tick.place, others=(task.place,),
        says=f"is ticked{without}; {quote(_title(task))} on line {task.line} is still to do",
    )  # fmt: skip


def _title(item: Statement) -> str:
    """What an item is about: without its status, and up to a dash or bracket."""
    return re.split(r"\s[-–—]\s|\s\(|: ", bare(item.body), maxsplit=1)[0]


def _unverified(document: Document) -> Iterator[Contradiction]:
    """`Compliance: Active`, while its verification is a task."""
    checks: dict[frozenset[str], Statement] = {}
    for task in tasks(document):
        words = stems(_title(task))
        if words & _CHECKING and len(words - _CHECKING) in (1, 2, 3):
            checks.setdefault(words - _CHECKING, task)
    for statement in document.of(Kind.ITEM, Kind.PROSE, Kind.ROW):
        key, value = statement.pair
        if key and _CLAIMED.match(value) and not document.evidenced(statement):
            named = stems(key) - {"statu"}
            check = checks.get(named)
            if check is not None and check is not statement:
                yield Contradiction(
                    at=statement.place, others=(check.place,),
                    says=f"is called {quote(value)}; {quote(_title(check))} on line {check.line} is still to do",
                )  # fmt: skip


# ------------------------------------------------------------------ twice, and in which order


def _duplicates(document: Document) -> Iterator[Contradiction]:
    boxes: dict[int, Section | None] = {}
    groups: dict[str, list[tuple[Statement, frozenset[str], Section]]] = defaultdict(list)
    for item in document.of(Kind.ITEM):
        if item.section not in boxes:
            boxes[item.section] = about(document, document.section_of(item), TIME_BOX)
        box = boxes[item.section]
        words = ordered_stems(bare(item.body))
        if box is None or len(words) < 2 or _AGAIN.search(item.said) or item.mark is Mark.GOOD:
            continue
        near = [groups[word] for word in sorted(words)[:2]]  # all but the same words share one of these
        first = next((t for g in near for t, w, b in g if b is not box and _same(w, frozenset(words))), None)
        if first is not None:
            yield Contradiction(
                at=item.place, others=(first.place,),
                says=f"is to be done in {quote(box.title)}, and {quote(bare(first.body))} on line {first.line} in "
                f"{quote(document.section_of(first).title)}",
            )  # fmt: skip
        for group in near:
            if first is None and len(group) < 50:
                group.append((item, frozenset(words), box))


def _same(a: frozenset[str], b: frozenset[str]) -> bool:
    return 4 * len(a & b) >= 3 * len(a | b)


def _order(document: Document) -> Iterator[Contradiction]:
    for sequence in _sequences(document):
        if any(_AFTER.search(s.said) for s, _ in sequence):
            continue  # what needs what may come before how bad it is
        milder: tuple[Statement, int] | None = None
        for statement, priority in sequence:
            if milder and priority == 0:
                first, its = milder
                yield Contradiction(
                    at=statement.place, others=(first.place,),
                    says=f"is P{priority} and comes after {quote(bare(first.said))} (line {first.line}): P{its}",
                )  # fmt: skip
                break
            if milder is None and priority > 0:
                milder = statement, priority


def _sequences(document: Document) -> Iterator[list[tuple[Statement, int]]]:
    """Numbered work with priorities: `Fix 1: … (P1)` as headings, or the items of a numbered list."""
    for section in document.sections:
        if section.heading is None or about(document, section, WORK) is None:
            continue
        headings = [h for c in document.children[section.index] if (h := document.sections[c].heading)]
        items = [s for s in document.own[section.index] if s.kind is Kind.ITEM and s.number is not None]
        for group in (headings, items):
            found = []
            for statement in group:
                priority = _PRIORITY.search(statement.said)
                if priority and (statement.number is not None or _NUMBERED.match(bare(statement.said))):
                    found.append((statement, int(priority["p"])))
            if len(found) > 1:
                yield found


def _phases(document: Document) -> Iterator[Contradiction]:
    named: dict[tuple[str, float], Statement] = {}
    over: set[tuple[str, float]] = set()
    for statement in document.of(Kind.HEADING, Kind.ITEM, Kind.PROSE, Kind.ROW):
        for found in _NAMED_PHASE.finditer(statement.said[:400]):
            phase = (found["kind"].lower(), float(found["n"]))
            if statement.kind is Kind.HEADING and len(named) < 50:
                named.setdefault(phase, statement)
            rest = statement.said[found.end() : found.end() + 40]
            if _OVER.search(rest) and not re.search(r"\b(?:when|if|once|not)\b", rest, re.I):
                over.add(phase)
    for statement in document.of(Kind.ITEM, Kind.PROSE):
        for found in _PHASES.finditer(statement.said[:400]):
            kind, first, last = found["kind"].lower(), float(found["a"]), float(found["b"])
            for (other, n), heading in sorted(named.items(), key=lambda entry: entry[0]):
                if other == kind and first < n < last and (other, n) not in over:
                    yield Contradiction(
                        at=statement.place, others=(heading.place,),
                        says=f"goes from {kind} {found['a']} to {found['b']}; between them lies {kind} {n:g} "
                        f"(line {heading.line})",
                    )  # fmt: skip


RULES = (
    Rule(
        id="X4", name="ticked-and-to-do",
        advice="a tick wants a record of a measurement; without one the status is unknown",
        example="✅ Compliance requirements verified … Next 8 hours: Compliance verification", find=_ticked,
    ),
    Rule(
        id="X16", name="claimed-and-unverified",
        advice="what nobody has verified is unknown",
        example="Compliance: Active … Next steps: Compliance verification", find=_unverified,
    ),
    Rule(
        id="X17", name="out-of-order",
        advice="what is to be done stands in the order of what needs what, then of severity",
        example="Fix 1: … (P1) before Fix 2: … (P0)", find=_order,
    ),
    Rule(
        id="X18", name="same-task-twice",
        advice="a task stands in one time box",
        example="Next 30 minutes: install MLflow … Next 2 hours: install MLflow", find=_duplicates,
    ),
    Rule(
        id="X23", name="skipped-phase",
        advice="phases are gates in an order, and the next one is computed",
        example="Finish phase 0.1 before proceeding to phase 1 (and there is a phase 0.5)", find=_phases,
    ),
)  # fmt: skip
