"""What the tests of the prose rules share: a report given as text, and what is found in it."""

from __future__ import annotations

from textwrap import dedent

from playbook_engine.report.prose.checker import Finding, check
from playbook_engine.report.prose.document import Document
from playbook_engine.report.prose.reading import read


def document(text: str, name: str = "report.md") -> Document:
    return read(name, dedent(text).strip("\n").encode())


def findings(text: str, name: str = "report.md") -> list[Finding]:
    return check(name, document(text, name))


def found(text: str, name: str = "report.md") -> list[tuple[str, int, list[int]]]:
    """(rule, line, the other lines) of everything that is found."""
    return [(f.rule.id, f.found.at.line, [p.line for p in f.others]) for f in findings(text, name)]
