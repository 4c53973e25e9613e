"""What the YAML parser objects to, in the words of somebody who has seen these mistakes before."""

from __future__ import annotations

import re
from typing import Protocol

import yaml

from playbook_engine.model.errors import LoadError
from playbook_engine.model.source import SourcePos

BRACES = 'a value that begins with a brace is YAML, not Jinja: quote the whole value, as in "{{ name }}/x"'
QUOTE = "put the value in quotes"
ALIGN = "the entries of one list, and the keys of one mapping, begin in the same column"
OPENERS = {"flow sequence": ("bracket", "]"), "flow mapping": ("brace", "}")}


class Places(Protocol):
    """Where a line and column of the file are."""

    def position(self, line: int, column: int) -> SourcePos: ...

    def line(self, number: int) -> str: ...


def explain(error: yaml.YAMLError, document: Places) -> LoadError:
    """PyYAML's complaint as a LoadError: at the place where the mistake is, which is often not where it was noticed."""
    problem = str(getattr(error, "problem", None) or error).strip()
    context = str(getattr(error, "context", None) or "")
    noticed = _place(document, getattr(error, "problem_mark", None))
    began = _place(document, getattr(error, "context_mark", None))
    text = document.line(noticed.line)
    at = text[noticed.column - 1 : noticed.column]
    indentation = text[: len(text) - len(text.lstrip())]
    if "\t" in indentation or at == "\t" or "tab" in problem.split():
        place = noticed if at == "\t" or "\t" not in indentation else document.position(noticed.line, 1)
        return LoadError("a tab stands where YAML wants spaces", where=place, advice="YAML indents with spaces")
    if "{{" in text and ("expected" in problem or "hashable" in problem):
        place = document.position(noticed.line, text.index("{{") + 1)
        return LoadError("braces begin a value that has no quotes", where=place, advice=BRACES)
    if "quoted scalar" in context and "end of stream" in problem:
        return LoadError("a quote is opened here and never closed", where=began)
    if "unknown escape character" in problem:
        return LoadError(
            "a backslash means something in double quotes, and this one means nothing", where=noticed,
            advice=r"use single quotes, in which a backslash is a backslash: '\d+'",
        )  # fmt: skip
    for kind, (word, closing) in OPENERS.items():
        if kind in context:
            return LoadError(
                f"a {word} is opened here, and before it is closed line {noticed.line} goes on with something else",
                where=began, advice=f"close it with {closing}, or put a comma between its entries",
            )  # fmt: skip
    return _block(problem, at, noticed, began, text)


def _block(problem: str, at: str, noticed: SourcePos, began: SourcePos, text: str) -> LoadError:
    """What is wrong outside of brackets."""
    if "mapping values are not allowed" in problem:
        return LoadError(
            "a second colon in the line, or a line that is indented too far", where=noticed,
            advice="quote the value if the colon belongs to it; else check the indentation",
        )  # fmt: skip
    if "cannot start any token" in problem:
        return LoadError(f"a value without quotes cannot begin with {at}", where=noticed, advice=QUOTE)
    if "expected '-' indicator" in problem:
        return LoadError(
            f"this line neither belongs to the list that begins in line {began.line} nor ends it", where=noticed,
            advice=f"{ALIGN}: here column {began.column}",
        )  # fmt: skip
    if "expected key" in problem:
        if re.match(r"\s*\S+:\s+[\"']", text) and noticed.column > 1:
            return LoadError("text follows the closing quote", where=noticed, advice="put the whole value in quotes")
        return LoadError(
            f"this line neither belongs to the mapping that begins in line {began.line} nor ends it", where=noticed,
            advice=f"{ALIGN}: here column {began.column}",
        )  # fmt: skip
    if "could not find expected ':'" in problem:
        return LoadError("a key without a colon", where=began, advice="write key: value")
    if "undefined alias" in problem:
        return LoadError(
            "an alias to an anchor that is not there", where=noticed,
            advice="a value that begins with * is an alias in YAML: write its &anchor above, or quote the value",
        )  # fmt: skip
    if "block sequence entries are not allowed" in problem:
        return LoadError("a list begins in the middle of a line", where=noticed, advice="begin the list on a new line")
    if "comment or line break" in problem:
        return LoadError(
            "nothing may follow | or > in its line", where=noticed, advice="begin the text on the next line, indented"
        )
    if "incompatible YAML document" in problem:
        return LoadError("this version of YAML is not understood", where=noticed, advice="leave the %YAML line out")
    return LoadError(f"this is no YAML: {problem}", where=noticed)


def _place(document: Places, mark: yaml.Mark | None) -> SourcePos:
    return document.position(mark.line + 1, mark.column + 1) if mark else document.position(1, 1)
