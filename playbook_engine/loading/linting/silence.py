"""`# runbook: ignore=CODE reason`: one finding of that line, or of the line below, is known and meant to be so."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from playbook_engine.loading.linting.codes import ADVISED, FATAL
from playbook_engine.loading.linting.sources import Sources
from playbook_engine.loading.yaml_source import BREAK
from playbook_engine.model.finding import Finding, Severity
from playbook_engine.model.frozen import frozen

COMMENT = re.compile(r"(?:^|\s)#\s*runbook:\s*ignore=(?P<code>[\w-]*)(?P<reason>[^\n]*)")


@frozen
class _Word:
    """`lines`: those that it speaks of."""

    file: str
    line: int
    column: int
    code: str
    reason: str
    lines: tuple[int, ...]


def silenced(findings: Iterable[Finding], files: Iterable[str], sources: Sources) -> list[Finding]:
    """The findings without those that a comment silences, and with what is wrong with the comments."""
    words = [word for name in dict.fromkeys(files) for word in _words(name, sources)]
    left = list(findings)
    for word in words:
        if wrong := _wrong(word, sources):
            left.append(wrong)
            continue
        kept = [f for f in left if not _speaks_of(word, f)]
        if len(kept) == len(left):
            message = f"nothing to ignore here: {word.code} is not found"
            kept.append(_finding(word, "useless-ignore", Severity.NOTE, message, "leave the comment out", sources))
        left = kept
    return left


def _words(name: str, sources: Sources) -> list[_Word]:
    source = sources.file(name)
    if source is None:
        return []
    lines = BREAK.split(source.document.text)
    found = []
    for number, line in enumerate(lines, 1):
        for match in COMMENT.finditer(line):
            alone = not line[: match.start("code")].split("#", 1)[0].strip()
            below = next((n for n in range(number + 1, len(lines) + 1) if not _comment(lines[n - 1])), number)
            found.append(
                _Word(
                    file=name, line=number, column=line.index("#", match.start()) + 1, code=match["code"],
                    reason=match["reason"].strip(" :-–"), lines=(number, below) if alone else (number,),
                )
            )  # fmt: skip
    return found


def _comment(line: str) -> bool:
    return line.strip().startswith("#")


def _wrong(word: _Word, sources: Sources) -> Finding | None:
    if word.code in FATAL:
        message, advice = f"{word.code} cannot be ignored: it keeps the runbook from running", "put it right"
    elif word.code not in ADVISED:
        close = difflib.get_close_matches(word.code, ADVISED, 1)
        message = f"there is no code {word.code!r} to ignore"
        advice = f"did you mean {close[0]}?" if close else f"there are {', '.join(ADVISED)}"
    elif not word.reason:
        message, advice = "the reason is missing", f"write # runbook: ignore={word.code} and why it is meant to be so"
    else:
        return None
    return _finding(word, "ignore-without-reason", Severity.WARNING, message, advice, sources)


def _finding(word: _Word, code: str, severity: Severity, message: str, advice: str, sources: Sources) -> Finding:
    source = sources.file(word.file)
    where = source.document.position(word.line, word.column) if source is not None else None
    return Finding(code=code, severity=severity, message=message, advice=advice, where=where)


def _speaks_of(word: _Word, finding: Finding) -> bool:
    where = finding.where
    return where is not None and finding.code == word.code and where.file == word.file and where.line in word.lines
