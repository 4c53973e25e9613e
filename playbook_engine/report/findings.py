"""What lint has found, as text, JSON and the workflow commands of GitHub."""

from __future__ import annotations

import json
from collections.abc import Sequence

from playbook_engine.model.finding import Finding, Severity

VERSION = 1
LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def as_json(findings: Sequence[Finding]) -> str:
    """One document: how many there are of each severity, and each with its place."""
    counts = {f"{severity}s": sum(f.severity is severity for f in findings) for severity in Severity}
    return json.dumps({"version": VERSION, **counts, "findings": [_entry(f) for f in findings]}, indent=2)


def _entry(finding: Finding) -> dict[str, object]:
    where = finding.where
    return {
        "code": finding.code, "severity": str(finding.severity), "message": finding.message,
        "advice": finding.advice or None, "file": where.file if where else None, "line": where.line if where else None,
        "column": where.column if where else None,
    }  # fmt: skip


def as_github(findings: Sequence[Finding]) -> str:
    """Lines that an action of GitHub turns into annotations.

    https://docs.github.com/actions/reference/workflow-commands-for-github-actions; what is escaped is what the toolkit
    escapes (actions/toolkit, packages/core/src/command.ts).
    """
    return "".join(f"{_command(finding)}\n" for finding in findings)


def _command(finding: Finding) -> str:
    where = finding.where
    given = {"file": where.file, "line": str(where.line), "col": str(where.column)} if where else {}
    given["title"] = finding.code
    properties = ",".join(f"{name}={_property(value)}" for name, value in given.items())
    text = finding.message + (f" ({finding.advice})" if finding.advice else "")
    return f"::{LEVELS[finding.severity]} {properties}::{_data(text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
