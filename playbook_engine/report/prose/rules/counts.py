"""Numbers that are typed, against what they count."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from playbook_engine.model.frozen import frozen
from playbook_engine.report.prose.document import Document, Kind, Place, Section, Statement
from playbook_engine.report.prose.marks import Mark, leading
from playbook_engine.report.prose.quantity import COUNT, UNITS, number_of
from playbook_engine.report.prose.rule import Contradiction, Rule, lines, quote
from playbook_engine.report.prose.topics import CRITERIA, about, to_do
from playbook_engine.report.prose.words import ordered_stems, stems

_COUNTED = re.compile(rf"(?<![\w.,/:#-])(?P<n>{COUNT})\s{{1,3}}(?P<words>[^\W\d_][^\d.;:()\n]{{1,80}})", re.I)
_NOT_ALL = re.compile(
    r"(?:\bof|\bof the|another|least|most|than|over|under|about|around|top|first|last|further|up to|other"
    r"|additional|more|nearly|almost|these|those|to|phase|step|level|tier|version)\s{1,3}$",
    re.I,
)
_FOUND = re.compile(r"^\W*(?:were |was |are |have been )?(?:found|identified|listed|in total|below)\b", re.I)
_LEAD = re.compile(
    rf"^\W*(?:the following |these |there (?:are|were) |we (?:found|have|see) |found )?(?P<n>{COUNT}) "
    r"(?P<what>(?:[a-z-]+ ){0,2}[a-z-]+s)(?: (?:(?:were|are|have|still) )?(?:failed|remain|remaining|open|affected"
    r"|found|left|resolved|fixed|pending|down|up|completed|need attention))?\s?:?\W*$",
    re.I,
)
_HEADED = re.compile(r"^(?P<what>.{2,60}?s) ?\((?P<n>\d{1,3})\)\W*$")
_MORE = re.compile(
    r"\b(?:more|others|etc|and so on|among others|e\.g|for example|such as|including)\b|…|\.\.\.",
    re.I,
)
_OF = re.compile(
    rf"(?<![\w.,/-])(?P<n>{COUNT})\s?(?:/|of|out of)\s?(?:the )?(?P<m>{COUNT})(?![\w/]|[.,]\d)"
    r"(?P<words>[^\d.;:()|]{0,60})",
    re.I,
)
_STATE = re.compile(
    r"\b(healthy|unhealthy|up|down|operational|working|ok|green|red|online|offline|available|ready|passed"
    r"|passing|failed|failing|met|not met|resolved|open|closed|done|complete|completed|fixed|active)\b",
    re.I,
)
_ALL = re.compile(
    r"\ball (?:of the |the |our )?(?P<what>[a-z][a-z -]{2,50}?)\s?(?:\([^()]{0,80}\)\s?)?(?:(?:are|is"
    r"|were) (?:now )?)?(?P<state>healthy|operational|up|running|working|ok|green|online|available|ready"
    r"|passed|passing|met|resolved|closed|done|completed?|fixed|active)\b",
    re.I,
)
_PERCENT = re.compile(
    r"(?<![\w.,/])(?P<a>\d{1,9}(?:\.\d{1,6})?) ?(?P<u>[A-Za-z]{0,3}) ?(?:/|of"
    r"|out of) ?(?P<b>\d{1,9}(?:\.\d{1,6})?) ?(?P<v>[A-Za-z]{0,3})[^\d%()"
    r"|]{0,40}\(\W{0,2}(?P<p>\d{1,3}(?:\.\d{1,4})?) ?%\W*(?P<after>[^)]{0,40})",
    re.I,
)


@frozen
class _Listing:
    """The one list or table directly under a heading, or at the start of the report."""

    heading: Statement | None
    section: Section
    entries: Sequence[Statement]
    named: frozenset[str]

    @property
    def open_ended(self) -> bool:
        return any(_MORE.search(e.said) for e in self.entries) or bool(self.heading and _MORE.search(self.heading.said))


def _listings(document: Document) -> Iterator[_Listing]:
    for section in document.sections:
        own = document.own[section.index]
        items = [s for s in own if s.kind is Kind.ITEM]
        rows = [s for s in own if s.kind is Kind.ROW]
        if bool(items) == bool(rows):
            continue
        least = min((s.level for s in items), default=0)
        entries = [s for s in items if s.level == least] if items else rows
        first, last = entries[0].index, entries[-1].index
        broken = any(s.kind is Kind.PROSE and s.level == 0 and first < s.index < last for s in own)
        if len({s.table for s in entries}) == 1 and not broken and not _two_lists(entries):
            yield _Listing(heading=section.heading, section=section, entries=entries, named=stems(section.title))


def _two_lists(entries: Sequence[Statement]) -> bool:
    """A number that starts again belongs to another list."""
    return any(b.number == 1 for b in entries[1:])


def _counts(document: Document) -> Iterator[Contradiction]:
    listings = list(_listings(document))
    yield from _in_headings(listings)
    named: dict[frozenset[str], list[_Listing]] = {}
    for listing in listings:
        named.setdefault(listing.named, []).append(listing)
    wrong: dict[tuple[int, int], tuple[_Listing, str, list[Place]]] = {}
    repeats: list[tuple[Place, int, list[str], Statement]] = []
    for statement in document.of(Kind.PROSE, Kind.ITEM, Kind.HEADING):
        if document.evidenced(statement):
            continue
        for found in _COUNTED.finditer(statement.said):
            words = found["words"].split()[:6]
            if (
                words[0].lower() in UNITS
                or words[0].lower() in ("of", "in", "out", "to", "and", "or")
                or _NOT_ALL.search(statement.said[max(0, found.start() - 14) : found.start()])
            ):
                continue
            place, n = statement.place_at(found.start()), number_of(found["n"])
            counted = _counted(words, named)
            if counted is None or counted.open_ended:
                if len(repeats) < 500:
                    repeats.append((place, n, words, statement))
            elif n != len(counted.entries) and counted.section.index != statement.section:
                called = found["n"] + " " + " ".join(words[: len(counted.named)])
                wrong.setdefault((counted.section.index, n), (counted, called, []))[2].append(place)
    for (_, n), (miscounted, said, places) in wrong.items():
        what = miscounted.named
        for place, m, words, statement in repeats:
            if m == n and what <= stems(" ".join(words) + " " + statement.pair[0]) and place not in places:
                places.append(place)
        yield _miscounted(miscounted, said, places)


def _counted(words: Sequence[str], named: dict[frozenset[str], list[_Listing]]) -> _Listing | None:
    """The list whose heading the words after a number are, in any order."""
    for length in range(1, len(words) + 1):
        listings = named.get(stems(" ".join(words[:length])), ())
        if len(listings) != 1 or not 1 <= len(listings[0].named) <= 4:
            continue
        if len(listings[0].named) > 1 or _FOUND.match(" ".join(words[length:])):
            return listings[0]
    return None


def _in_headings(listings: Sequence[_Listing]) -> Iterator[Contradiction]:
    """`Open incidents (3)` and `Three hosts failed:`, with what stands right below."""
    for listing in listings:
        found = _HEADED.match(listing.section.title) or _LEAD.match(listing.section.title)
        if not found or listing.heading is None or listing.open_ended or found["what"].split()[0].lower() in UNITS:
            continue
        n, header = number_of(found["n"]), listing.entries[0].header
        if header and stems(header[0]) != set(ordered_stems(found["what"])[-1:]):
            continue  # a table of something else
        if n != len(listing.entries):
            yield _miscounted(listing, listing.section.title, [listing.heading.place])


def _miscounted(listing: _Listing, said: str, places: Sequence[Place]) -> Contradiction:
    entries = [e.place for e in listing.entries]
    verb = "is" if len(entries) == 1 else "are"
    under = "" if listing.heading and places[0] == listing.heading.place else f" under {quote(listing.section.title)}"
    says = f"says {quote(said)}, and {len(entries)} {verb} listed{under} ({lines(entries)})"
    if len(places) > 1:
        says += f"; says so again on {lines(places[1:])}"
    return Contradiction(at=places[0], others=(*places[1:], *entries), says=says)


# ------------------------------------------------------------------ parts of a whole


def _parts(document: Document) -> Iterator[Contradiction]:
    universal: dict[frozenset[str], tuple[Place, str]] = {}
    fractions: list[tuple[Statement, re.Match[str], int, int]] = []
    for statement in document.of(Kind.PROSE, Kind.ITEM, Kind.HEADING, Kind.ROW):
        if document.evidenced(statement):
            continue
        for found in _OF.finditer(statement.said):
            n, m = number_of(found["n"]), number_of(found["m"])
            if _STATE.search(found["words"]):
                fractions.append((statement, found, n, m))
        yield from _percentages(statement)
        every = _ALL.search(statement.said)
        if every and _asserted(document, statement):
            universal.setdefault(stems(every["what"]), (statement.place_at(every.start()), every[0]))
    tables = list(_listings(document))
    for statement, found, n, m in fractions:
        place = statement.place_at(found.start())
        what = _noun(statement, found)
        if n > m:
            yield Contradiction(at=place, says=f"{n} of {m}: more than there are")
            continue
        every_place = universal.get(stems(what))
        state = _STATE.search(found["words"])
        if every_place and n < m and state and leading(state[0]) is Mark.GOOD and every_place[0] != place:
            yield Contradiction(
                at=every_place[0], others=(place,),
                says=f"says {quote(every_place[1])}; line {place.line} says {n} of {m}",
            )  # fmt: skip
        else:
            yield from _against_list(place, what, state[0] if state else "", (n, m), tables)


def _noun(statement: Statement, found: re.Match[str]) -> str:
    """What a fraction counts: the words behind it, or the key before it."""
    words = _STATE.split(found["words"])[0]
    return words if re.search(r"\w", words) else statement.pair[0]


def _asserted(document: Document, statement: Statement) -> bool:
    """Whether `all … are up` is said to be so, and is no aim."""
    if re.search(
        r"\b(?:must|should|will|when|until|once|if|need|expect\w*|not|ensure|verify|check)\b", statement.said, re.I
    ):
        return False
    section = document.section_of(statement)
    if statement.mark is Mark.GOOD:
        return True
    return statement.mark is None and not to_do(document, section) and about(document, section, CRITERIA) is None


def _against_list(
    place: Place, what: str, state: str, said: tuple[int, int], listings: Sequence[_Listing]
) -> Iterator[Contradiction]:
    """A fraction against the one list or table of such things, if each entry of it has a status."""
    nouns = ordered_stems(what)
    wanted = leading(state)
    if not nouns or wanted not in (Mark.GOOD, Mark.BAD):
        return
    fitting = [x for x in listings if _lists(x, nouns[-1])]
    if len(fitting) != 1 or fitting[0].open_ended:
        return
    entries = list(fitting[0].entries)
    for adjective in nouns[:-1]:
        entries = [e for e in entries if any(stems(c) == {adjective} for c in e.cells)]
    states = [e.state for e in entries]
    if not entries or None in states:
        return
    good = sum(s is wanted for s in states)
    # A list that is shorter may be an excerpt.
    if len(entries) > said[1] or (len(entries) == said[1] and good != said[0]):
        places = [e.place for e in entries]
        yield Contradiction(
            at=place, others=tuple(places),
            says=f"says {said[0]} of {said[1]} {state}; of the {len(entries)} that {lines(places)} list, {good} are",
        )  # fmt: skip


def _lists(listing: _Listing, noun: str) -> bool:
    header = listing.entries[0].header
    return (bool(header) and stems(header[0]) == {noun}) or listing.named == {noun}


def _percentages(statement: Statement) -> Iterator[Contradiction]:
    for found in _PERCENT.finditer(statement.said):
        a, b, percent = float(found["a"]), float(found["b"]), float(found["p"])
        if b == 0 or found["u"].lower() not in ("", found["v"].lower()) or found["v"].lower() in ("am", "pm"):
            continue
        exact = 100 * a / b
        digits = len(found["p"].partition(".")[2])
        free = re.search(r"free|left|remaining|un|not|fail|avail", found["after"], re.I)
        if (
            abs(exact - percent) > 10.0**-digits
            and not (free and abs(100 - exact - percent) <= 10.0**-digits)
            and a <= b
        ):
            yield Contradiction(
                at=statement.place_at(found.start()),
                says=f"{found['a']} of {found['b']} are {exact:.3g} %, and not {found['p']} %",
            )  # fmt: skip


RULES = (
    Rule(
        id="X1", name="count-mismatch",
        advice="counts are computed from the list, never typed",
        example="2 remaining issues (and three are listed)", find=_counts,
    ),
    Rule(
        id="X5", name="part-and-whole",
        advice="there is one list of what is counted, and every count is a question to it",
        example="All critical services operational ✅ … Critical services: 2/4 healthy", find=_parts,
    ),
)  # fmt: skip
