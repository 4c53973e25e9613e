"""A status report as the rules read it: statements with their lines, under headings.

A statement is what one heading, list item, table row or paragraph says, its markup taken off. Where a report quotes
(code, quotation marks, block quotes, fenced blocks) the words are somebody else's; `said` has blanks in their place.

What follows from the text is computed once, when a rule first asks; hence no slots here.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from playbook_engine.model.frozen import frozen
from playbook_engine.report.prose.marks import Mark, bare, glyphs, leading
from playbook_engine.report.text import one_line

LEAD_IN = 7
"""The level of what heads a list without being a heading (`Next 30 minutes:`): below every heading."""

_CODE = re.compile(r"(`{1,8})(?!`)(.{1,2000}?)(?<!`)\1(?!`)")
_QUOTED = re.compile(r"[\"“][^\"“”]{1,400}[\"”]|«[^«»]{1,400}»")
_PAIR = re.compile(r"^\W{0,6}(?P<key>[^\W\d_][^:|=]{0,60}?)\s{0,3}:(?:\s{1,4}|$)(?P<value>.*)$")
_RECORD = re.compile(r"^[A-Z]?\d{1,7}$")  # the number of a record, under a heading that says so
_CHECKBOX = re.compile(r"^\s{0,3}\[(?P<tick>[ xX])\]\s")


class Kind(StrEnum):
    HEADING = "heading"
    ITEM = "item"
    ROW = "row"
    PROSE = "prose"
    FENCED = "fenced"
    QUOTE = "quote"


@frozen
class Place:
    """A line of the file, counted from 1, and what stands there."""

    line: int
    text: str


@frozen
class Segment:
    """Which line of the file the text of a statement from `at` on comes from."""

    at: int
    place: Place


@dataclass(frozen=True, kw_only=True)
class Statement:
    """`level` is that of a heading, or how deep an item is indented; `number` the item's own, if it has one.

    `cells` are a row's, `header` the names of its columns; `table` tells tables apart.
    """

    index: int
    kind: Kind
    text: str
    segments: tuple[Segment, ...]
    section: int
    level: int = 0
    number: int | None = None
    cells: tuple[str, ...] = ()
    header: tuple[str, ...] = ()
    table: int = 0
    links: tuple[str, ...] = ()

    @property
    def line(self) -> int:
        return self.segments[0].place.line

    @property
    def place(self) -> Place:
        return self.segments[0].place

    def place_at(self, offset: int) -> Place:
        """The line that this offset of the text comes from."""
        return self.segments[max(0, bisect_right([s.at for s in self.segments], offset) - 1)].place

    @cached_property
    def said(self) -> str:
        """The author's own words: quotations and code blanked, every offset as in `text`."""
        if self.kind in (Kind.FENCED, Kind.QUOTE):
            return ""
        return _QUOTED.sub(_blank, _CODE.sub(_blank, self.text))

    @cached_property
    def body(self) -> str:
        """`said` without checkbox."""
        return _CHECKBOX.sub("", self.said)

    @cached_property
    def pair(self) -> tuple[str, str]:
        """`Key: value` as (key, value), of a row with two cells, too; empty where it is none."""
        if self.kind is Kind.ROW:
            return (bare(self.cells[0]), self.cells[1].strip()) if len(self.cells) == 2 else ("", "")
        found = _PAIR.match(self.body)
        return (bare(found["key"]), found["value"].strip()) if found and len(found["key"].split()) <= 6 else ("", "")

    @cached_property
    def mark(self) -> Mark | None:
        """How an item or a heading says that it stands: by its checkbox, its first glyph or its last one."""
        box = _CHECKBOX.match(self.said)
        if box:
            return Mark.OPEN if box["tick"] == " " else Mark.GOOD
        head = self.body.lstrip()[:12]
        first = glyphs(head)
        if first and not re.search(r"\w", head[: first[0].at].lstrip("0123456789.")):
            return first[0].mark
        found = glyphs(self.body)
        return found[-1].mark if found else None

    @cached_property
    def state(self) -> Mark | None:
        """The same, or what a field or column named status says."""
        if self.kind is Kind.ROW:
            cell = self.cell(r"status|state|result|outcome|done\??|health")
            return leading(cell) if cell else None
        key, value = self.pair
        if value and re.fullmatch(r"(?:\w+ ){0,2}(?:status|state|health)", key, re.I):
            return leading(value)
        return self.mark

    def cell(self, column: str) -> str:
        """The cell under the first column of this name (a pattern for the whole of it, whatever its case)."""
        for name, cell in zip(self.header, self.cells, strict=False):
            if re.fullmatch(column, bare(name), re.I):
                return cell.strip()
        return ""


@dataclass(frozen=True, kw_only=True)
class Section:
    """A heading and what stands under it. The first one has no heading."""

    index: int
    level: int
    heading: Statement | None
    parent: int | None

    @property
    def title(self) -> str:
        return bare(self.heading.said) if self.heading else ""


@dataclass(frozen=True, kw_only=True)
class Document:
    """A whole report. `anchors` are the places in it that a link can lead to."""

    statements: Sequence[Statement]
    sections: Sequence[Section]
    anchors: frozenset[str]

    def of(self, *kinds: Kind) -> Iterator[Statement]:
        return (s for s in self.statements if s.kind in kinds)

    @cached_property
    def own(self) -> Sequence[Sequence[Statement]]:
        """The statements directly under each section's heading, in their order."""
        found: list[list[Statement]] = [[] for _ in self.sections]
        for statement in self.statements:
            if statement.kind is not Kind.HEADING:
                found[statement.section].append(statement)
        return found

    @cached_property
    def children(self) -> Sequence[Sequence[int]]:
        found: list[list[int]] = [[] for _ in self.sections]
        for section in self.sections:
            if section.parent is not None:
                found[section.parent].append(section.index)
        return found

    def section_of(self, statement: Statement) -> Section:
        return self.sections[statement.section]

    def above(self, section: Section) -> Iterator[Section]:
        """The section and those that it is a part of, the nearest first."""
        here: Section | None = section
        while here is not None:
            yield here
            here = self.sections[here.parent] if here.parent is not None else None

    def evidenced(self, statement: Statement) -> bool:
        """Whether the statement stands on a record: a link leads to one in the same document, or its row is one.

        What else such a line says are the record's words, and no judgement of the author. Its value, threshold and
        status are compared all the same.
        """
        if any(link.startswith("#") and link[1:] in self.anchors for link in statement.links):
            return True
        return bool(_RECORD.match(statement.cell(r"record|evidence")))

    def owner(self, statement: Statement) -> Statement | None:
        """What a statement is said of: the item that it is indented below, else the heading that it stands under."""
        index = self._owners[statement.index]
        return self.statements[index] if index is not None else None

    def said_of(self, owner: Statement) -> Sequence[Statement]:
        """The statements whose owner this one is."""
        return [self.statements[n] for n in self._owned.get(owner.index, ())]

    @cached_property
    def _owners(self) -> Sequence[int | None]:
        found: list[int | None] = []
        open_: list[Statement] = []  # the items that the statement is indented below, the nearest last
        for statement in self.statements:
            if statement.kind is Kind.HEADING or (open_ and open_[-1].section != statement.section):
                open_ = []
            if statement.kind in (Kind.ITEM, Kind.PROSE):
                while open_ and open_[-1].level >= statement.level:
                    open_.pop()
            heading = self.sections[statement.section].heading
            found.append(open_[-1].index if open_ else heading.index if heading else None)
            if statement.kind is Kind.ITEM:
                open_.append(statement)
        return found

    @cached_property
    def _owned(self) -> Mapping[int, Sequence[int]]:
        found: dict[int, list[int]] = {}
        for index, owner in enumerate(self._owners):
            if owner is not None and owner != index:
                found.setdefault(owner, []).append(index)
        return found


def shown(text: str) -> str:
    """A line as it stands in the file, its control characters visible."""
    return one_line(text)


def _blank(found: re.Match[str]) -> str:
    return " " * len(found[0])
