"""Values against thresholds: what is called met and misses, and what is judged without any threshold."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from playbook_engine.report.prose.document import Document, Kind, Place, Statement
from playbook_engine.report.prose.marks import Mark, bare, glyphs, leading
from playbook_engine.report.prose.quantity import Limit, Quantity, limits, only_quantity, quantities
from playbook_engine.report.prose.rule import Contradiction, Rule, lines, quote
from playbook_engine.report.prose.topics import to_do
from playbook_engine.report.prose.words import phrase, stems, subject

_VALUE = r"value|measured|measurement|actual|current|now|result|observed|reading|p\d\d"
_LIMIT = (
    r"threshold|target|limit|slo|sla|goal|objective|expected|wanted|required|max(?:imum)?|min(?:imum)?|budget|criterion"
)
_BEFORE = phrase(
    r"was|were|before|previous(?:ly)?|formerly|down from|up from|baseline|old|peak(?:ed)?|at worst"
    r"|last (?:week|month)"
)
_DONE = phrase(r"done|met|passed|pass|ok|achieved|reached|holds|satisfied|complete|completed")
_NOT = phrase(r"not|un\w+|isn't|aren't|missed|misses|fail\w*")

_JUDGEMENT = (
    "acceptable|unacceptable|concerning|worrying|worrisome|alarming|tolerable|reasonable|excellent|poor|good|great|bad"
    "|fine|normal|abnormal|high|low|too high|too low|elevated|slow|fast|quick|okay|ok|healthy|unhealthy|critical"
    "|moderate|decent|satisfactory|terrible|impressive|solid|nominal|excessive"
)
_CLEAR = re.compile(
    r"^\W*(?:very |quite |rather |a bit |pretty |still )?(?:acceptable|unacceptable|concerning|worrying"
    r"|worrisome|alarming|tolerable|reasonable|excellent|poor|good|great|bad|fine|slow|fast|decent"
    r"|satisfactory|terrible|impressive|nominal|excessive)\W*$",
    re.I,
)
_AFTER = re.compile(
    rf"^\s{{0,3}}(?:[(\[–—,-]|[-–—]|\bis\b|which is|was|looks|seems)\s{{0,3}}(?:which (?:is|was|looks) |is |was )?"
    rf"(?:very |quite |rather |a bit |pretty |still )?(?P<word>{_JUDGEMENT})(?![\w-])",
    re.I,
)
_BRACKETS = re.compile(
    rf"^\W{{0,3}}(?:very |quite |rather |a bit |still )?(?P<word>{_JUDGEMENT})\s?\((?P<inside>[^()]{{1,40}})\)", re.I
)
_REFERENCE = re.compile(
    r"\b(?:threshold|limit|target|slo|sla|budget|baseline|objective|alert(?:s|ing)? (?:at|above|below|over)"
    r"|warn\w* at|allowed|max(?:imum)?|min(?:imum)?|expected|usual(?:ly)?|typical(?:ly)?|average|median"
    r"|compared|versus|vs|than|above|below|under|over|exceed\w*|within|between|range|normal(?:ly)? \d)\b"
    r"|[<>≤≥]",
    re.I,
)


def _thresholds(document: Document) -> Iterator[Contradiction]:
    measured: dict[frozenset[str], list[tuple[Quantity, Statement]]] = defaultdict(list)
    for statement in document.of(Kind.ITEM, Kind.PROSE, Kind.ROW):
        key, value = statement.pair
        found = quantities(value[:80]) if key else ()
        if found:
            measured[stems(key)].append((found[0], statement))
    for statement in document.of(Kind.ITEM, Kind.PROSE, Kind.ROW, Kind.HEADING):
        if statement.header and statement.kind is Kind.ROW:
            yield from _row(statement)
            continue
        found_limits = limits(statement.text)
        if len(found_limits) != 1 or not _called_met(statement, limit := found_limits[0]):
            continue
        values = [q for q in quantities(statement.said) if q.dimension == limit.dimension]
        if not values and limit.dimension == "":
            values = [q for q in [_bracketed(statement.said)] if q]
        if values:
            yield from _missed(statement, limit, values)
            continue
        elsewhere = measured.get(stems(bare(statement.text[: limit.at])), [])
        told = [(q, s) for q, s in elsewhere if limit.holds(q) is not None and s is not statement]
        if told and not any(limit.holds(q) for q, _ in told):
            places = tuple(s.place for _, s in told)
            yield Contradiction(
                at=statement.place, others=places,
                says=f"is called met at {limit.text}; {lines(places)} measured {told[0][0].text}",
            )  # fmt: skip


def _called_met(statement: Statement, limit: Limit) -> bool:
    """A tick, or a word for it, and nothing against it behind the threshold."""
    marks = {g.mark for g in glyphs(statement.body)} | {statement.mark}
    if marks & {Mark.BAD, Mark.OPEN} or _NOT.search(statement.said, limit.end):
        return False
    return statement.mark is Mark.GOOD or bool(_DONE.search(statement.said))


def _bracketed(said: str) -> Quantity | None:
    found = re.search(r"\(([^()]{1,20})\)", said)
    return only_quantity(found[1]) if found else None


def _missed(statement: Statement, limit: Limit, values: Sequence[Quantity]) -> Iterator[Contradiction]:
    if any(limit.holds(value) for value in values):
        return
    value = values[0]
    around = statement.said[max(0, value.at - 14) : value.end + 14]
    if len(values) == 1 and _BEFORE.search(around):
        return
    yield Contradiction(
        at=statement.place_at(limit.at), says=f"is called met, and {value.text} is not {limit.text}",
    )  # fmt: skip


def _row(statement: Statement) -> Iterator[Contradiction]:
    """Value, threshold and status in columns of their own."""
    if leading(statement.cell(r"status|state|result|verdict|met\??|ok\??|passed\??|done\??")) is not Mark.GOOD:
        return
    value = only_quantity(_first_value(statement.cell(_VALUE)))
    threshold = _named_limit(statement)
    if value is None or threshold is None:
        return
    if threshold.dimension and not value.dimension:
        return
    if threshold.holds(value) is False:
        yield Contradiction(
            at=statement.place, says=f"is called met, and {value.text} is not {threshold.text.strip('`')}"
        )


def _first_value(cell: str) -> str:
    """`71.5 % of the blocks` measures 71.5 %."""
    return re.split(r"\bof\b|\(", cell, maxsplit=1)[0]


def _named_limit(statement: Statement) -> Limit | None:
    for name, cell in zip(statement.header, statement.cells, strict=False):
        if not re.fullmatch(_LIMIT, bare(name), re.I):
            continue
        words = cell.strip("` ")
        found = limits(words)
        if len(found) == 1 and not re.search(r"[^\W\d_]{2}", words[: found[0].at]):
            return found[0]
        side = "<=" if re.match("max|limit|budget", name, re.I) else ">=" if re.match("min", name, re.I) else ""
        plain = only_quantity(words)
        if side and plain is not None:
            return Limit(
                at=0, end=0, text=f"{side} {plain.text}", operator=side, dimension=plain.dimension, amount=plain.amount
            )
    return None


# ------------------------------------------------------------------ judgements


def _ratios(document: Document) -> Iterator[Contradiction]:
    return _judgements(document, ratios=True)


def _others(document: Document) -> Iterator[Contradiction]:
    return _judgements(document, ratios=False)


def _judgements(document: Document, *, ratios: bool) -> Iterator[Contradiction]:
    bounded = _bounded(document)
    said: dict[tuple[str, frozenset[str]], list[tuple[Place, str, Quantity]]] = {}
    quoted: dict[str, list[Place]] = defaultdict(list)
    for statement in document.statements:
        if statement.kind is Kind.FENCED:
            for value, _ in _judged(statement.text):
                quoted[value.text.replace(" ", "")].append(statement.place)
            continue
        if document.evidenced(statement) or to_do(document, document.section_of(statement)):
            continue
        for quantity, word in _judged_row(statement) if statement.kind is Kind.ROW else _judged(statement.said):
            if (quantity.dimension == "ratio") is not ratios or (ratios and quantity.amount in (0.0, 100.0)):
                continue  # empty and full need no threshold
            about = subject(_named(statement, quantity))
            if _REFERENCE.search(statement.said) or _limited(about, bounded):
                continue
            said.setdefault((quantity.text.replace(" ", ""), about), []).append(
                (statement.place_at(quantity.at), word, quantity)
            )
    for (shown, _), found in said.items():
        place, word, quantity = found[0]
        again = [p for p, _, _ in found[1:]] + quoted.get(shown, [])
        yield Contradiction(
            at=place, others=tuple(again),
            says=f"{quantity.text} is called {quote(word)}, and no threshold for it is given"
            + (f"; judged again on {lines(again)}" if again else ""),
        )  # fmt: skip


def _judged(text: str) -> Iterator[tuple[Quantity, str]]:
    """`969 ms (acceptable)`, `96 % - concerning`, `which is fine`, `High (96 %)`."""
    found = quantities(text)
    for quantity in found:
        word = _AFTER.match(text[quantity.end : quantity.end + 60])
        if word:
            yield quantity, word["word"]
    value = re.match(r"^[^:]{1,60}:(?=\s)", text)
    if value and found and (judged := _BRACKETS.match(text[value.end() :].lstrip())):
        inside = only_quantity(judged["inside"])
        if inside and inside.dimension:
            yield next((q for q in found if q.text == inside.text), inside), judged["word"]


def _judged_row(statement: Statement) -> Iterator[tuple[Quantity, str]]:
    """A cell that is a value and another that is a judgement, and no column that a threshold could stand in."""
    if any(re.search(_LIMIT, name, re.I) for name in statement.header):
        return
    words = [c for c in statement.cells if _CLEAR.match(c)]
    values = [q for c in statement.cells if (q := only_quantity(c)) and q.dimension]
    if len(words) == 1 and len(values) == 1:
        yield values[0], bare(words[0])
    elif not words:
        for cell in statement.cells[1:]:
            for quantity, word in _judged(cell):
                if _CLEAR.match(word):
                    yield quantity, word


def _named(statement: Statement, quantity: Quantity) -> str:
    if statement.kind is Kind.ROW:
        return statement.cells[0]
    return statement.pair[0] or statement.said[max(0, quantity.at - 60) : quantity.at]


def _limited(about: frozenset[str], bounded: Mapping[str, Sequence[frozenset[str]]]) -> bool:
    """Whether a threshold is given for the same thing, or for the kind of thing that it is."""
    return any(about <= other or other <= about for word in about for other in bounded.get(word, ()))


def _bounded(document: Document) -> Mapping[str, Sequence[frozenset[str]]]:
    """By stem, what the document gives a threshold for, anywhere."""
    found: dict[str, list[frozenset[str]]] = defaultdict(list)
    for statement in document.statements:
        if statement.kind is Kind.FENCED:
            continue
        named = [re.split(r"[,;.:(]\s", statement.text[: limit.at])[-1] for limit in limits(statement.text)[:3]]
        if statement.kind is Kind.ROW and (
            named or any(re.fullmatch(_LIMIT, bare(name), re.I) for name in statement.header)
        ):
            named.append(statement.cells[0])
        for words in {subject(name) for name in named}:
            for word in words:
                if len(found[word]) < 40:
                    found[word].append(words)
    return found


RULES = (
    Rule(
        id="X2", name="status-against-threshold",
        advice="a status is computed: value compared with threshold",
        example="API response < 200 ms ✅ DONE (1133 ms)", find=_thresholds,
    ),
    Rule(
        id="X14", name="ratio-without-limit",
        advice="a ratio names what it is a part of, and the limit that it is held against",
        example="Memory usage: 68MB/71MB (96% - concerning)", find=_ratios,
    ),
    Rule(
        id="X15", name="judgement-without-threshold",
        advice="without a threshold there is no judgement: name the limit that the value is held against",
        example="Bybit response: 969ms (acceptable)", find=_others,
    ),
)  # fmt: skip
