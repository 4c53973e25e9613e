"""Where in a file a name stands: the place of a mistake in a text whose beginning is known."""

from __future__ import annotations

import dataclasses
import re

from playbook_engine.loading.yaml_source import BREAK, shown
from playbook_engine.model.source import SourcePos

CODE = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
NEAR = 400  # lines below the beginning of a step that are looked through


class Finder:
    """For one file."""

    def __init__(self, text: str) -> None:
        self._lines = BREAK.split(text)

    def in_template(self, source: str, name: str, start: SourcePos | None) -> SourcePos | None:
        """A name in a template that begins at `start`; `start` when it cannot be found."""
        word = _word(name)
        inside = next(
            (c.start() + found.start() for c in CODE.finditer(source) if (found := word.search(c[0]))), None
        )  # fmt: skip
        if inside is None or start is None:
            return start
        begin = source.rfind("\n", 0, inside) + 1
        line = source[begin:].split("\n", 1)[0]
        return self._find(line.strip(), inside - begin - (len(line) - len(line.lstrip())), word, start)

    def in_condition(self, text: str, name: str, start: SourcePos | None) -> SourcePos | None:
        """A name in a condition of the step or probe that begins at `start`."""
        word = _word(name)
        found = word.search(text)
        if start is None or found is None:
            return start
        return self._find(text.strip(), found.start(), word, start)

    def _find(self, text: str, offset: int, word: re.Pattern[str], start: SourcePos) -> SourcePos:
        """The text as it stands in one line, else its first words (it was folded) and the name after them."""
        if not 0 < start.line <= len(self._lines):
            return start
        words = text.split(" ")
        for part in dict.fromkeys((text, " ".join(words[:3]), " ".join(words[:2]))):
            for n in range(start.line - 1, min(len(self._lines), start.line - 1 + NEAR)):
                line = self._lines[n]
                at = line.find(part, start.column - 1 if n == start.line - 1 else 0)
                if at < 0 or not part:
                    continue
                if part == text:
                    return self._at(n, at + offset, start)
                return self._below(n, at, word, start)
        return start

    def _below(self, number: int, column: int, word: re.Pattern[str], start: SourcePos) -> SourcePos:
        for n in range(number, min(len(self._lines), number + 20)):
            found = word.search(self._lines[n], column if n == number else 0)
            if found:
                return self._at(n, found.start(), start)
        return start

    def _at(self, number: int, column: int, start: SourcePos) -> SourcePos:
        text = shown(self._lines[number], column + 1)
        return dataclasses.replace(start, line=number + 1, column=column + 1, text=text)


def _word(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w.]){re.escape(name)}(?!\w)")
