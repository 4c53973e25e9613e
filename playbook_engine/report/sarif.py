"""What lint has found as SARIF 2.1.0, the format that code hosts and editors read.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import PurePath
from urllib.parse import quote

from playbook_engine.model.finding import Finding, Severity
from playbook_engine.model.source import SourcePos

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
BASE = "SRCROOT"
"""The folder that relative names of files are meant from (3.4.4)."""


def as_sarif(findings: Sequence[Finding], rules: Mapping[str, str]) -> str:
    """One run; `rules` says of every code what it means. A file's name is that which lint was given."""
    used = sorted({finding.code for finding in findings})
    driver = {
        "name": "runbook lint",
        "version": version("playbook-engine"),
        "rules": [
            {
                "id": code,
                "shortDescription": {"text": rules.get(code, code)},
                "helpUri": "https://playbook-engine.test/",
            }
            for code in used
        ],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {BASE: {"description": {"text": "the folder in which lint was run"}}},
        "results": [_result(finding, used.index(finding.code)) for finding in findings],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)


def _result(finding: Finding, index: int) -> dict[str, object]:
    text = finding.message + (f"\n{finding.advice}" if finding.advice else "")
    found: dict[str, object] = {
        "ruleId": finding.code, "ruleIndex": index, "level": str(Severity(finding.severity)), "message": {"text": text},
    }  # fmt: skip
    if finding.where is not None:
        found["locations"] = [{"physicalLocation": _location(finding.where)}]
    return found


def _location(where: SourcePos) -> dict[str, object]:
    path = PurePath(where.file)
    artifact: dict[str, object] = {"uri": path.as_uri()} if path.is_absolute() else {
        "uri": quote(path.as_posix()), "uriBaseId": BASE,
    }  # fmt: skip
    region: dict[str, object] = {"startLine": where.line, "startColumn": where.column}
    if where.text:
        region["snippet"] = {"text": where.text}
    return {"artifactLocation": artifact, "region": region}
