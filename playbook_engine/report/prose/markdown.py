"""Reads Markdown (CommonMark with GitHub's tables and checkboxes) and plain text, line by line."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping

from playbook_engine.report.prose.builder import LONGEST, Builder, Part
from playbook_engine.report.prose.document import LEAD_IN, Document, Kind, Place, shown

_FENCE = re.compile(r"^\s{0,12}(?P<marks>`{3,}|~{3,})")
_HEADING = re.compile(r"^\s{0,3}(?P<marks>#{1,6})(?:\s+(?P<text>.*?))?(?:\s+#+)?\s*$")
_ITEM = re.compile(r"^(?P<indent>\s{0,40})(?:[-*+•‣▪◦]|(?P<number>\d{1,9})[.)])\s+(?P<text>\S.*)$")
_PAIR = re.compile(r"^\s{0,40}(?:\*\*[^*]{1,80}\*\*\s?:|\*\*[^*]{1,80}:\*\*|[A-Z][\w /-]{0,40}:\s)")
_BOLD = re.compile(r"^\s{0,3}(?P<marks>\*\*|__)(?P<text>[^*_]{1,100})(?P=marks)\s*:?\s*$")
_STATUS = re.compile(r"^\s{0,40}[✅✔☑✓❌✗✘🔴🟢🟡🔄]")
_CODE = re.compile(r"((`{1,8})(?!`).{1,2000}?(?<!`)\2(?!`))")
_LINK = re.compile(r"!?\[([^\[\]]{0,400})\]\(([^()\s]{0,400})(?:\s[^()]{0,200})?\)")
_ANCHOR = re.compile(r"<a\s{1,4}(?:id|name)=[\"']([^\"'<>]{1,200})[\"']", re.I)
_BREAK = re.compile(r"<br\s{0,3}/?>", re.I)
_AUTOLINK = re.compile(r"<((?:https?|mailto):[^<>\s]{1,400})>")
_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,400}>")
_EMPHASIS = re.compile(r"\*{1,3}(?=\S)|(?<=\S)\*{1,3}|__|~~|(?<!\w)_(?=\S)|(?<=\S)_(?!\w)")
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
_CELLS = re.compile(r"(?<!\\)\|")
_SHORTCODES: Mapping[str, str] = {
    ":white_check_mark:": "✅", ":heavy_check_mark:": "✔", ":check:": "✅", ":x:": "❌", ":red_circle:": "🔴",
    ":green_circle:": "🟢", ":large_green_circle:": "🟢", ":yellow_circle:": "🟡", ":arrows_counterclockwise:": "🔄",
    ":construction:": "🚧", ":no_entry:": "⛔",
}  # fmt: skip
_SHORTCODE = re.compile("|".join(_SHORTCODES))
_KEPT = 0xE000  # where escaped characters wait (a private use area), so that they are no markup


def document(text: str) -> Document:
    """Any text is a document; what looks like no markup is paragraphs."""
    reader = _Reader()
    for number, line in enumerate(text.split("\n"), 1):
        reader.line(number, line[:LONGEST])
    reader.flush()
    return reader.builder.document()


class _Reader:
    """Where in the file it is: in a paragraph or item, a table, a fence, a comment, the front matter."""

    def __init__(self) -> None:
        self.builder = Builder()
        self._parts: list[Part] = []
        self._links: list[str] = []
        self._kind = Kind.PROSE
        self._level = 0
        self._number: int | None = None
        self._closed = True  # whether the next line starts a new statement
        self._fence = ""
        self._comment = False
        self._front = False
        self._table = 0
        self._header: tuple[str, ...] | None = None
        self._row: tuple[list[str], Part, list[str]] | None = None  # a row that may turn out to be a header

    def line(self, number: int, raw: str) -> None:
        place = Place(line=number, text=shown(raw))
        if self._fence or self._comment or self._front:
            self._inside(raw, place)
            return
        stripped = raw.strip()
        fence = _FENCE.match(raw)
        if number == 1 and stripped == "---":
            self._front = True
        elif fence:
            self.flush()
            self._fence = fence["marks"]
        elif stripped.startswith("<!--"):
            self.flush()
            self._comment = "-->" not in stripped
        elif not stripped:
            self.flush()
        elif "|" in stripped and (stripped.startswith("|") or self._header is not None):
            self._table_line(stripped, place)
        elif heading := _HEADING.match(raw):
            self.flush()
            text, links = self._plain(heading["text"] or "")
            self.builder.heading(len(heading["marks"]), [(text, place)], links)
        elif stripped[0] in "-=*_" and len(stripped) >= 3 and set(stripped) == {stripped[0]}:
            self._underline(stripped[0])
        elif bold := _BOLD.match(raw):
            self.flush()
            self.builder.heading(LEAD_IN, [(self._plain(bold["text"])[0], place)])
        else:
            self._prose(raw, stripped, place)

    def flush(self) -> None:
        """Whatever was begun is complete."""
        if self._parts:
            self.builder.add(self._kind, self._parts, level=self._level, number=self._number, links=self._links)
        self._parts, self._links, self._closed = [], [], True
        self._flush_row()
        self._header = None

    def _inside(self, raw: str, place: Place) -> None:
        stripped = raw.strip()
        if self._front:
            self._front = stripped != "---"
            if self._front:
                self.builder.add(Kind.PROSE, [(self._plain(raw)[0], place)])
        elif self._comment:
            self._comment = "-->" not in raw
        elif stripped.startswith(self._fence) and not stripped.strip(self._fence[0]):
            self._fence = ""
        else:
            self.builder.add(Kind.FENCED, [(raw, place)])

    def _prose(self, raw: str, stripped: str, place: Place) -> None:
        item = _ITEM.match(raw)
        indent = len(raw[: len(raw) - len(raw.lstrip())].expandtabs(4))
        if item:
            self._begin(Kind.ITEM, indent, int(item["number"]) if item["number"] else None)
            text = item["text"]
        elif stripped.startswith(">"):
            if self._kind is not Kind.QUOTE or self._closed:
                self._begin(Kind.QUOTE, 0, None)
            text = stripped.lstrip("> ")
        else:
            if self._closed or self._kind is Kind.QUOTE or _PAIR.match(raw) or _STATUS.match(raw):
                self._begin(Kind.PROSE, indent if indent >= 2 else 0, None)
            text = stripped
        words, links = self._plain(text)
        self._parts.append((words, place))
        self._links += links
        self._closed = raw.endswith(("  ", "\\")) or sum(len(w) for w, _ in self._parts) > LONGEST

    def _begin(self, kind: Kind, level: int, number: int | None) -> None:
        self.flush()
        self._kind, self._level, self._number, self._closed = kind, level, number, False

    def _underline(self, mark: str) -> None:
        """A heading in the other style, or a rule between parts."""
        one = len(self._parts) == 1 and self._kind is Kind.PROSE and not self._closed and mark in "-="
        if one and not re.match(r"[^:]{1,40}:\s", self._parts[0][0]):
            parts, self._parts = self._parts, []
            self.builder.heading(1 if mark == "=" else 2, parts, self._links)
        self.flush()

    # ------------------------------------------------------------------ tables

    def _table_line(self, stripped: str, place: Place) -> None:
        if self._parts:
            self.flush()
        if "-" in stripped and not set(stripped) - set("|:- \t"):
            if self._row is not None:
                self._header = tuple(self._row[0])
                self._row = None
                self._table += 1
            return
        self._flush_row()
        cells, links = [], []
        for cell in _CELLS.split(stripped.strip("|") if not stripped.endswith("\\|") else stripped.lstrip("|")):
            words, found = self._plain(cell.replace("\\|", "|").strip())
            cells.append(" ".join(words.split()))
            links += found
        self._row = (cells, (" | ".join(cells), place), links)
        if self._header is not None:
            self._flush_row()

    def _flush_row(self) -> None:
        if self._row is not None:
            cells, part, links = self._row
            self._row = None
            self.builder.add(
                Kind.ROW, [part], cells=cells, header=self._header or (), table=self._table, links=links
            )  # fmt: skip

    # ------------------------------------------------------------------ inline markup

    def _plain(self, text: str) -> tuple[str, list[str]]:
        """Without markup, code spans with their backticks; and where its links lead."""
        links: list[str] = []
        self.builder.anchors.update(_ANCHOR.findall(text))
        pieces = _CODE.split(text) if "`" in text else [text]
        out = []
        for n, piece in enumerate(pieces):
            if n % 3 == 0:
                out.append(_inline(piece, links))
            elif n % 3 == 1:
                out.append(piece)
        return "".join(out), links


def _inline(text: str, links: list[str]) -> str:
    if not text:
        return text
    text = _ESCAPE.sub(lambda m: chr(_KEPT + ord(m[1])), text)

    def link(found: re.Match[str]) -> str:
        links.append(found[2])
        return found[1]

    text = _LINK.sub(link, text)
    text = _AUTOLINK.sub(r"\1", _BREAK.sub(" · ", text))
    text = _EMPHASIS.sub("", _TAG.sub("", text))
    text = _SHORTCODE.sub(lambda m: _SHORTCODES[m[0]], text)
    return "".join(chr(ord(c) - _KEPT) if _KEPT < ord(c) < _KEPT + 128 else c for c in html.unescape(text))
