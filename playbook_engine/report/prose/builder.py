"""Puts a document together while a file is read: statements in order, and the headings that they stand under."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from playbook_engine.report.prose.document import LEAD_IN, Document, Kind, Place, Section, Segment, Statement

LONGEST = 4000
"""Characters of one statement that are read: no status line is longer, and no pattern takes long over so many."""

Part = tuple[str, Place]


class Builder:
    """Takes statements in the order of the file."""

    def __init__(self) -> None:
        self._statements: list[Statement] = []
        self._sections = [Section(index=0, level=0, heading=None, parent=None)]
        self._here = self._sections[0]
        self._items_seen = False
        self.anchors: set[str] = set()

    def heading(self, level: int, parts: Sequence[Part], links: Sequence[str] = ()) -> None:
        while self._here.level >= level and self._here.parent is not None:
            self._here = self._sections[self._here.parent]
        index = len(self._sections)
        heading = self._made(Kind.HEADING, parts, section=index, level=level, links=tuple(links))
        if heading is None:
            return
        self._enter(Section(index=index, level=level, heading=heading, parent=self._here.index))
        self._statements.append(heading)

    def add(
        self, kind: Kind, parts: Sequence[Part], *, level: int = 0, number: int | None = None,
        cells: Sequence[str] = (), header: Sequence[str] = (), table: int = 0, links: Sequence[str] = (),
    ) -> None:  # fmt: skip
        """A statement that is no heading; an empty one is left out."""
        if kind in (Kind.ITEM, Kind.ROW):
            self._lead_in()
            self._items_seen = True
        elif kind is Kind.PROSE and level == 0 and self._items_seen and self._here.level == LEAD_IN:
            # What follows the list is no part of it any more.
            assert self._here.parent is not None
            self._here = self._sections[self._here.parent]
        made = self._made(
            kind, parts, section=self._here.index, level=level, number=number, cells=tuple(cells),
            header=tuple(header), table=table, links=tuple(links),
        )  # fmt: skip
        if made is not None:
            self._statements.append(made)

    def document(self) -> Document:
        return Document(
            statements=tuple(self._statements), sections=tuple(self._sections), anchors=frozenset(self.anchors)
        )

    def _lead_in(self) -> None:
        """`Next 30 minutes:` before a list heads it, as a heading would."""
        last = self._statements[-1] if self._statements else None
        if last is None or last.kind is not Kind.PROSE or last.section != self._here.index or last.level:
            return
        if not last.text.rstrip().endswith(":") or len(last.text.split()) > 14:
            return
        if self._here.level == LEAD_IN and self._here.parent is not None:
            self._here = self._sections[self._here.parent]
        index = len(self._sections)
        heading = dataclasses.replace(last, kind=Kind.HEADING, section=index, level=LEAD_IN)
        self._statements[-1] = heading
        self._enter(Section(index=index, level=LEAD_IN, heading=heading, parent=self._here.index))

    def _enter(self, section: Section) -> None:
        self._sections.append(section)
        self._here = section
        self._items_seen = False

    def _made(
        self, kind: Kind, parts: Sequence[Part], *, section: int, level: int, links: tuple[str, ...],
        number: int | None = None, cells: tuple[str, ...] = (), header: tuple[str, ...] = (), table: int = 0,
    ) -> Statement | None:  # fmt: skip
        text = ""
        segments: list[Segment] = []
        for words, place in parts:
            words = " ".join(words.split())
            if not words or len(text) >= LONGEST:
                continue
            text += " " if text else ""
            segments.append(Segment(at=len(text), place=place))
            text += words[:LONGEST]
        if not segments:
            return None
        return Statement(
            index=len(self._statements), kind=kind, text=text[:LONGEST], segments=tuple(segments), section=section,
            level=level, number=number, cells=cells, header=header, table=table, links=links,
        )  # fmt: skip
