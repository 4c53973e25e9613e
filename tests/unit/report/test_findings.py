"""What lint has found, for programs: JSON, annotations of GitHub, SARIF."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from playbook_engine.loading.linting.codes import ADVISED, FATAL
from playbook_engine.model.finding import Finding, Severity
from playbook_engine.model.source import SourcePos
from playbook_engine.report.findings import as_github, as_json
from playbook_engine.report.sarif import as_sarif

RULES = {**FATAL, **ADVISED}
#: As the OASIS committee published it, from the npm package @microsoft/jest-sarif (MIT).
SARIF = Path(__file__).parents[2] / "golden" / "sarif" / "sarif-2.1.0-rtm.5.json"
FOUND = [
    Finding(
        code="dangerous-command", severity=Severity.ERROR, message="100 % gone:\nall, of it", advice="do not",
        where=SourcePos(file="runbooks/a, b:c.yml", line=3, column=7, text="  - x: é"),
    ),
    Finding(code="unused-variable", severity=Severity.WARNING, message="idle",
            where=SourcePos(file="/srv/x y.yml", line=1)),
    Finding(code="needless-rescue", severity=Severity.NOTE, message="there is no runbook 'x'"),
]  # fmt: skip

findings = st.builds(
    Finding, code=st.sampled_from(sorted(RULES)), severity=st.sampled_from(Severity), message=st.text(min_size=1),
    advice=st.text(),
    where=st.none() | st.builds(
        SourcePos, file=st.text("abc/é %:,;#?\\.", min_size=1).map(lambda t: t.rstrip("/") + "x.yml"),
        line=st.integers(1, 9999), column=st.integers(1, 999), text=st.text(),
    ),
)  # fmt: skip


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft4Validator:
    return jsonschema.Draft4Validator(json.loads(SARIF.read_text()))


def test_github() -> None:
    assert as_github(FOUND).splitlines() == [
        "::error file=runbooks/a%2C b%3Ac.yml,line=3,col=7,title=dangerous-command::100 %25 gone:%0Aall, of it "
        "(do not)",
        "::warning file=/srv/x y.yml,line=1,col=1,title=unused-variable::idle",
        "::notice title=needless-rescue::there is no runbook 'x'",
    ]


@given(st.lists(findings, max_size=5))
def test_one_line_of_github_for_each(found: list[Finding]) -> None:
    """As its runner reads them: https://github.com/actions/runner, ActionCommand.cs."""
    lines = as_github(found).split("\n")[:-1]
    assert len(lines) == len(found)
    for finding, line in zip(found, lines, strict=True):
        match = re.fullmatch(r"::(error|warning|notice) ([^:]*)::(.*)", line, re.DOTALL)
        assert match
        given = dict(pair.split("=", 1) for pair in match[2].split(","))
        assert given["title"] == finding.code
        if finding.where:
            assert unescaped(given["file"]) == finding.where.file
        assert unescaped(match[3]).startswith(finding.message)


def unescaped(text: str) -> str:
    for escaped, letter in (("%2C", ","), ("%3A", ":"), ("%0A", "\n"), ("%0D", "\r"), ("%25", "%")):
        text = text.replace(escaped, letter)
    return text


def test_json() -> None:
    document = json.loads(as_json(FOUND))
    assert {k: v for k, v in document.items() if k != "findings"} == {
        "version": 1, "errors": 1, "warnings": 1, "notes": 1,
    }  # fmt: skip
    assert document["findings"][0] == {
        "code": "dangerous-command", "severity": "error", "message": "100 % gone:\nall, of it", "advice": "do not",
        "file": "runbooks/a, b:c.yml", "line": 3, "column": 7,
    }  # fmt: skip
    assert document["findings"][2]["file"] is None


def test_sarif(validator: jsonschema.Draft4Validator) -> None:
    document = json.loads(as_sarif(FOUND, RULES))
    validator.validate(document)
    (run,) = document["runs"]
    assert [r["level"] for r in run["results"]] == ["error", "warning", "note"]
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    assert run["results"][0]["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "runbooks/a%2C%20b%3Ac.yml", "uriBaseId": "SRCROOT"},
        "region": {"startLine": 3, "startColumn": 7, "snippet": {"text": "  - x: é"}},
    }
    assert run["results"][1]["locations"][0]["physicalLocation"]["artifactLocation"] == {"uri": "file:///srv/x%20y.yml"}
    assert "locations" not in run["results"][2]


@given(st.lists(findings, max_size=5))
def test_whatever_is_found_is_valid_sarif(found: list[Finding]) -> None:
    document = json.loads(as_sarif(found, RULES))
    jsonschema.Draft4Validator(json.loads(SARIF.read_text())).validate(document)
    assert len(document["runs"][0]["results"]) == len(found)


def test_the_schema_refuses_what_is_none(validator: jsonschema.Draft4Validator) -> None:
    document = json.loads(as_sarif(FOUND, RULES))
    document["runs"][0]["results"][0]["level"] = "fatal"
    assert not validator.is_valid(document)
