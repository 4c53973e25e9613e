"""What was found, for a person, for a program, and as annotations of a workflow on GitHub."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

from playbook_engine.report.prose.checker import RULES, Finding
from playbook_engine.report.prose.document import Place
from playbook_engine.report.text import count, one_line, shortened

SCHEMA = "playbook-engine/contradictions/1"
WIDTH = 100  # characters of a line of the report that are shown
SHOWN = 4  # other lines that are shown; the message has the numbers of all


def text(findings: Sequence[Finding], files: Sequence[str]) -> Iterator[str]:
    """A block for each finding, and a summary at the end."""
    for finding in findings:
        yield f"{finding.file}:{finding.found.at.line}: {finding.rule.id} {finding.rule.name}"
        yield f"  {one_line(finding.found.says)}"
        yield _line(finding.found.at)
        for place in finding.others[:SHOWN]:
            yield _line(place)
        if len(finding.others) > SHOWN:
            yield f"        and {count(len(finding.others) - SHOWN, 'line')} more"
        yield f"  rule: {finding.rule.advice}"
        yield ""
    yield summary(findings, files)


def summary(findings: Sequence[Finding], files: Sequence[str]) -> str:
    """`11 contradictions in 1 file`; the files without any are told apart."""
    if not findings:
        return f"no contradictions in {count(len(files), 'file')}"
    wrong = len({finding.file for finding in findings})
    clean = len(files) - wrong
    rest = f"; none in {count(clean, 'other')}" if clean else ""
    return f"{count(len(findings), 'contradiction')} in {count(wrong, 'file')}{rest}"


def data(findings: Sequence[Finding], files: Sequence[str]) -> str:
    """One JSON document. Fields may be added within a version of its schema; none is renamed or removed."""
    listed = [
        {
            "file": finding.file,
            "line": finding.found.at.line,
            "rule": finding.rule.id,
            "name": finding.rule.name,
            "says": one_line(finding.found.says),
            "text": finding.found.at.text,
            "others": [{"line": place.line, "text": place.text} for place in finding.others],
            "advice": finding.rule.advice,
        }
        for finding in findings
    ]
    return json.dumps(
        {"schema": SCHEMA, "files": list(files), "count": len(listed), "contradictions": listed},
        indent=2, ensure_ascii=False,
    )  # fmt: skip


def github(findings: Sequence[Finding], files: Sequence[str]) -> Iterator[str]:
    """Workflow commands: one annotation for each finding, at its first line."""
    for finding in findings:
        title = f"{finding.rule.id} {finding.rule.name}"
        message = f"{one_line(finding.found.says)}. Rule: {finding.rule.advice}."
        yield (
            f"::warning file={_property(finding.file)},line={finding.found.at.line},title={_property(title)}"
            f"::{_escaped(message)}"
        )
    yield summary(findings, files)


def rules() -> Iterator[str]:
    """Every rule with an example of what it finds."""
    wide = max(len(rule.name) for rule in RULES)
    for rule in RULES:
        yield f"{rule.id:<4} {rule.name:<{wide}}  {rule.advice}"
        yield f"{'':<4} {'':<{wide}}  finds: {rule.example}"


def _line(place: Place) -> str:
    return f"{place.line:6d} | {shortened(place.text, WIDTH)}"


def _escaped(message: str) -> str:
    """As the runner of GitHub's workflows reads it back."""
    return message.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: str) -> str:
    return re.sub("[:,]", lambda found: {":": "%3A", ",": "%2C"}[found[0]], _escaped(one_line(value)))
