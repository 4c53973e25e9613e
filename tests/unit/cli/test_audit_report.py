"""`runbook audit-report` as it is typed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

WRONG = "# Report\n\n- ✅ API < 200 ms ✅ DONE (1133 ms)\n"
RIGHT = "# Report\n\n- ✅ API < 200 ms (133 ms)\n"


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "wrong.md").write_text(WRONG)
    (tmp_path / "right.md").write_text(RIGHT)
    (tmp_path / "own.json").write_text('{"schema": "playbook-engine/run-report/1"}')
    return tmp_path


def typed(here: Path, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "playbook_engine.cli.main", "audit-report", *words],
        cwd=here, input=stdin, capture_output=True, text=True, timeout=60, check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3]), "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip


def test_text_for_a_person(here: Path) -> None:
    done = typed(here, "wrong.md", "right.md")
    assert done.returncode == 2
    assert done.stdout.splitlines() == [
        "wrong.md:3: X2 status-against-threshold",
        "  is called met, and 1133 ms is not < 200 ms",
        "     3 | - ✅ API < 200 ms ✅ DONE (1133 ms)",
        "  rule: a status is computed: value compared with threshold",
        "",
        "1 contradiction in 1 file; none in 1 other",
    ]


def test_nothing_found(here: Path) -> None:
    done = typed(here, "right.md")
    assert (done.returncode, done.stdout) == (0, "no contradictions in 1 file\n")


def test_standard_input_and_json(here: Path) -> None:
    done = typed(here, "-", "--format", "json", stdin=WRONG)
    assert done.returncode == 2
    data = json.loads(done.stdout)
    assert (data["schema"], data["files"], data["count"]) == ("playbook-engine/contradictions/1", ["stdin"], 1)
    (only,) = data["contradictions"]
    assert (only["file"], only["line"], only["rule"]) == ("stdin", 3, "X2")


def test_annotations_are_one_line_each_and_escaped(here: Path) -> None:
    (here / "a,b:c.md").write_text("- Memory: 96% (high)\n")
    done = typed(here, "a,b:c.md", "--format", "github")
    assert done.stdout.splitlines() == [
        "::warning file=a%2Cb%3Ac.md,line=1,title=X14 ratio-without-limit::96%25 is called 'high', and no threshold"
        " for it is given. Rule: a ratio names what it is a part of, and the limit that it is held against.",
        "1 contradiction in 1 file",
    ]


def test_the_rules_are_listed(here: Path) -> None:
    done = typed(here, "--rules")
    assert done.returncode == 0
    assert "X2   status-against-threshold     a status is computed" in done.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "Give at least one FILE"),
        (("missing.md",), "missing.md cannot be read: No such file or directory"),
        ((".",), ". cannot be read: Is a directory"),
        (("own.json",), "a report of ours as JSON"),
        (("right.md", "own.json"), "give its .md or .html"),
        (("--format", "xml", "right.md"), "xml"),
    ],
)
def test_bad_usage(here: Path, words: tuple[str, ...], said: str) -> None:
    done = typed(here, *words)
    assert (done.returncode, said in done.stderr, "Traceback" in done.stderr) == (5, True, False)
