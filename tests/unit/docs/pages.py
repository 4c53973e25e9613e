"""Markdown as the tests of the documentation read it: headings, tables, fenced blocks, links."""

from __future__ import annotations

import re
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parents[3]
LEFT_OUT = frozenset({"tests", ".venv", ".git", ".cache", ".state", "reports", "node_modules", ".pytest_cache"})

HEADING = re.compile(r"^(#{1,6}) (.+?)\s*$")
FENCE = re.compile(r"^(`{3,})(\w*)\s*$")
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


class Page:
    """One Markdown file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.text = path.read_text(encoding="utf-8")

    def __str__(self) -> str:
        return str(self.path.relative_to(ROOT))

    @cached_property
    def _parsed(self) -> tuple[list[tuple[str, list[str]]], list[tuple[str, int, str]]]:
        """(heading, its lines without fenced ones) and (language, line number, text) of the fenced blocks."""
        sections: list[tuple[str, list[str]]] = [("", [])]
        blocks: list[tuple[str, int, str]] = []
        fence, language, start, inside = "", "", 0, [""]
        for number, line in enumerate(self.text.splitlines(), 1):
            mark = FENCE.match(line.strip())
            if fence:
                if mark and mark[1] == fence and not mark[2]:
                    blocks.append((language, start, "\n".join(inside) + "\n"))
                    fence = ""
                else:
                    inside.append(line)
            elif mark:
                fence, language, start, inside = mark[1], mark[2], number + 1, []
            elif heading := HEADING.match(line):
                sections.append((heading[2], []))
            else:
                sections[-1][1].append(line)
        assert not fence, f"{self}:{start}: the block is not closed"
        return sections, blocks

    @property
    def headings(self) -> list[str]:
        return [heading for heading, _ in self._parsed[0]]

    def section(self, heading: str) -> str:
        """What stands under a heading, down to the next one of any level."""
        found = [lines for name, lines in self._parsed[0] if name == heading]
        assert len(found) == 1, f"{self} has {len(found)} headings {heading!r}"
        return "\n".join(found[0])

    def tables(self, heading: str) -> list[dict[str, list[str]]]:
        """The tables of a section: each `name` in a row's first cell, with the other cells of that row."""
        tables: list[dict[str, list[str]]] = []
        lines = self.section(heading).splitlines()
        for number, line in enumerate(lines):
            if not line.startswith("|"):
                continue
            if number == 0 or not lines[number - 1].startswith("|"):
                tables.append({})
            first, *others = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
            for name in code(first):
                assert name not in tables[-1], f"{self}, {heading}: {name} has two rows"
                tables[-1][name] = others
        return tables

    def blocks(self, language: str) -> list[tuple[int, str]]:
        """(line number, text) of the fenced blocks in a language."""
        return [(line, text) for name, line, text in self._parsed[1] if name == language]

    @property
    def prose(self) -> str:
        """Everything but fenced blocks."""
        return "\n".join(line for _, lines in self._parsed[0] for line in lines)

    @property
    def links(self) -> list[str]:
        return LINK.findall(re.sub(r"`[^`\n]*`", "", self.prose))

    @property
    def anchors(self) -> set[str]:
        """The anchors that GitHub gives the headings."""
        return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in self.headings if h}


def code(text: str) -> list[str]:
    """The `words` of a text."""
    return re.findall(r"`([^`]+)`", text)


def pages() -> list[Page]:
    """Every Markdown file of the project."""
    found = [p for p in ROOT.rglob("*.md") if not LEFT_OUT & set(p.relative_to(ROOT).parts)]
    return [Page(path) for path in sorted(found)]


def page(name: str) -> Page:
    return Page(ROOT / "docs" / f"{name}.md")
