"""Reads an HTML page as the text that a reader sees, with the lines of the file. What is no HTML is taken as text."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from playbook_engine.model.frozen import frozen
from playbook_engine.report.prose.builder import Builder, Part
from playbook_engine.report.prose.document import Document, Kind, Place, shown

_NAME = re.compile(r"(/?)([a-zA-Z][a-zA-Z0-9]{0,30})(?=[\s/>])")
_ATTRIBUTE = re.compile(r"\b(id|name|href)\s{0,4}=\s{0,4}[\"']?([^\"'\s>]{1,400})", re.I)
_HIDDEN = re.compile(r"\bhidden\b|display\s{0,4}:\s{0,4}none", re.I)
_LONGEST_TAG = 4000
_UNSEEN = frozenset({"script", "style", "template", "head", "svg", "noscript"})
_HEADINGS = {f"h{n}": n for n in range(1, 7)}
_WHOLE = frozenset({"li", "td", "th", "dt", "dd", "summary", *_HEADINGS})
"""Elements whose text is one statement, whatever blocks are in it."""
_BLOCK_NAMES = """
p div section article header footer main aside nav blockquote ul ol dl table thead tbody tfoot tr caption form details
figure hr address fieldset body html
"""
_BLOCKS = frozenset(_BLOCK_NAMES.split())
_VOID = frozenset({"br", "hr", "img", "input", "meta", "link", "col", "wbr", "source", "area", "base", "embed"})


@frozen
class _Token:
    """A tag (`name`, `closing`, `attributes`) or text, and its line."""

    line: int
    text: str = ""
    name: str = ""
    closing: bool = False
    attributes: str = ""


def document(text: str) -> Document:
    page = _Page()
    for token in _tokens(text):
        if token.name:
            page.tag(token)
        else:
            page.data(token)
    page.flush()
    return page.builder.document()


def _tokens(text: str) -> Iterator[_Token]:
    """In one pass: each character is looked at a bounded number of times."""
    line, at = 1, 0
    while at < len(text):
        start = text.find("<", at)
        if start < 0:
            start = len(text)
        if start > at:
            yield _Token(line=line, text=text[at:start])
            line += text.count("\n", at, start)
        if start == len(text):
            return
        end = _end_of_tag(text, start)
        name = _NAME.match(text, start + 1)
        if end and name:
            yield _Token(
                line=line, name=name[2].lower(), closing=bool(name[1]), attributes=text[name.end() : end - 1]
            )  # fmt: skip
        elif not end:
            end = start + 1
            yield _Token(line=line, text="<")
        line += text.count("\n", start, end)
        at = end


def _end_of_tag(text: str, start: int) -> int:
    """The offset after the tag, comment or declaration that starts here; 0 where none does."""
    if text.startswith("<!--", start):
        end = text.find("-->", start + 4)
        return end + 3 if end >= 0 else len(text)
    if start + 1 >= len(text) or not (text[start + 1].isalpha() or text[start + 1] in "/!?"):
        return 0
    end = start
    for _ in range(6):  # a > inside an attribute does not end the tag
        end = text.find(">", end + 1, start + _LONGEST_TAG)
        if end < 0:
            return 0
        if text.count('"', start, end) % 2 == 0:
            return end + 1
    return 0


class _Page:
    """Which elements are open."""

    def __init__(self) -> None:
        self.builder = Builder()
        self._parts: list[Part] = []
        self._links: list[str] = []
        self._unseen: list[str] = []
        self._whole: list[str] = []  # the open elements of _WHOLE
        self._lists: list[int | None] = []  # the open lists: the number of the last item, None for ul
        self._quotes = 0
        self._pre = 0
        self._cells: list[str] | None = None
        self._heads = 0
        self._row: list[Part] = []
        self._header: tuple[str, ...] = ()
        self._table = 0
        self._term: list[Part] = []

    def data(self, token: _Token) -> None:
        if self._unseen:
            return
        for n, piece in enumerate(html.unescape(token.text).split("\n")):
            words = piece if self._pre else " ".join(piece.split())
            if words.strip():
                self._parts.append((words, Place(line=token.line + n, text=shown(words))))
                if self._pre and self._cells is None:
                    self.flush()

    def tag(self, token: _Token) -> None:
        name, closing = token.name, token.closing
        if self._unseen or name in _UNSEEN or (_HIDDEN.search(token.attributes) and name not in _VOID):
            self._hide(name, closing)
            return
        for key, value in _ATTRIBUTE.findall(token.attributes):
            if key.lower() == "href":
                self._links.append(html.unescape(value))
            else:
                self.builder.anchors.add(html.unescape(value))
        if name == "code" and not self._pre:
            self._parts.append(("`", Place(line=token.line, text="")))
        elif name == "q":
            self._parts.append(("“" if not closing else "”", Place(line=token.line, text="")))
        elif name == "br":
            self._parts.append(("·", Place(line=token.line, text="")))
        elif name == "pre":
            self._preformatted(closing)
        elif name in ("td", "th"):
            self._cell(name, closing)
        elif name in _WHOLE:
            self._one(name, closing)
        elif name in _BLOCKS:
            self._block(name, closing)

    def flush(self) -> None:
        """What was begun is one statement."""
        parts, self._parts = self._joined(self._parts), []
        links, self._links = self._links, []
        inside = self._whole[-1] if self._whole else ""
        if self._pre:
            self.builder.add(Kind.FENCED, parts, level=2 * len(self._lists))
        elif inside in _HEADINGS:
            self.builder.heading(_HEADINGS[inside], parts, links)
        elif self._quotes:
            self.builder.add(Kind.QUOTE, parts)
        elif inside == "li":
            number = self._lists[-1] if self._lists else None
            self.builder.add(Kind.ITEM, parts, level=2 * max(0, len(self._lists) - 1), number=number, links=links)
        elif inside == "dt":
            self._term = parts
        elif inside == "dd":
            colon = [(":", parts[0][1])] if parts and self._term else []
            self.builder.add(Kind.PROSE, [*self._term, *colon, *parts], links=links)
            self._term = []
        elif inside == "summary":
            self.builder.heading(6, parts, links)
        else:
            self.builder.add(Kind.PROSE, parts, level=2 * len(self._lists), links=links)

    def _hide(self, name: str, closing: bool) -> None:
        if name in _VOID:
            return
        if not closing:
            if len(self._unseen) < 100:
                self._unseen.append(name)
        elif name in self._unseen:
            while self._unseen.pop() != name:
                pass

    def _preformatted(self, closing: bool) -> None:
        if self._cells is not None:  # in a cell it is one word among others, and quoted
            self._parts.append(("`", self._parts[-1][1] if self._parts else Place(line=1, text="")))
            return
        self.flush()
        self._pre = 0 if closing else 1

    def _cell(self, name: str, closing: bool) -> None:
        if self._cells is None:
            self._cells = []
        if self._parts or closing:
            parts = self._joined(self._parts)
            if closing or parts:
                self._cells.append(" ".join(w for w, _ in parts))
                self._row += [*parts, ("|", parts[-1][1])] if parts else []
            self._parts = []
        if not closing:
            self._heads += name == "th"

    def _one(self, name: str, closing: bool) -> None:
        """An element of _WHOLE begins or ends. One that was not closed ends where its next of kin begins."""
        if self._cells is not None:
            return
        if not closing:
            self.flush()
            if name != "li" and name in self._whole:
                self._whole.remove(name)
            if name == "li" and self._lists and self._lists[-1] is not None:
                self._lists[-1] += 1
            if len(self._whole) < 200:
                self._whole.append(name)
        else:
            self.flush()
            if name in self._whole:
                while self._whole.pop() != name:
                    pass

    def _block(self, name: str, closing: bool) -> None:
        if name == "tr":
            self._end_of_row()
            self._cells = None if closing else []
            return
        if self._cells is not None and name not in ("table", "thead", "tbody", "tfoot"):
            return
        if self._whole and name in ("p", "div", "section", "header", "footer", "article"):
            return
        if name in ("table", "thead", "tbody", "tfoot"):
            self._end_of_row()
            self._cells = None
            if name == "table":
                self._header = ()
                self._table += 1
        self.flush()
        if name in ("ul", "ol"):
            if closing and self._lists:
                self._lists.pop()
            elif not closing and len(self._lists) < 200:
                self._lists.append(0 if name == "ol" else None)
        elif name == "blockquote":
            self._quotes = max(0, self._quotes + (-1 if closing else 1))

    def _end_of_row(self) -> None:
        if self._cells is None:
            return
        if self._parts:
            self._cell("td", True)
        cells, row, heads = self._cells, self._row, self._heads
        self._cells, self._row, self._heads = None, [], 0
        links, self._links = self._links, []
        if not cells:
            return
        if heads and heads >= len(cells):
            if heads > 1:  # a single one heads a group of rows
                self._header = tuple(cells)
            return
        self.builder.add(
            Kind.ROW, row[:-1], cells=cells, header=self._header, table=self._table, links=links
        )  # fmt: skip

    @staticmethod
    def _joined(parts: list[Part]) -> list[Part]:
        """Backticks stand at their words, and a lone one does not quote the rest."""
        out: list[Part] = []
        opened = False
        for words, place in parts:
            if words == "`" and not place.text:
                if opened and out:
                    out[-1] = (out[-1][0] + "`", out[-1][1])
                opened = not opened
                if opened:
                    out.append(("`", place))
            elif out and out[-1][0] == "`" and opened:
                out[-1] = ("`" + words, place)
            else:
                out.append((words, place))
        return [part for part in out if part[0] not in ("`", "``")]
