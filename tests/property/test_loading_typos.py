"""One wrong letter in a shipped runbook is told before the run, in its line, with what was meant.

A sample by default; all of them with RUNBOOK_TYPOS=all (hours on one core; -n shares the files out). The share is
measured by `make reliability ONLY=typos`.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from typos import FILES, Shelf, sample

ALL = os.environ.get("RUNBOOK_TYPOS") == "all"
SAMPLE = 120  # of each file


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
def test_one_wrong_letter_is_told(file: Path, tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    assert not shelf.findings(shelf.folder / file.name), "a shipped runbook is clean"
    mutants = shelf.mutants(file.name)
    assert len(mutants) > 10_000
    assert {site.kind for site, _ in mutants} >= {"key", "variable"}
    chosen = sample(mutants, len(mutants) if ALL else SAMPLE, file.stem)
    verdicts = list(shelf.judged(file.name, chosen))
    due = [v for v in verdicts if not v.right]
    print(f"{file.stem}: {len(chosen)} of {len(mutants)} slips, {len(verdicts) - len(due)} in data of the author's own")
    missed = [f"{'.'.join(v.site.path)}: {v.site.name} -> {v.slip}" for v in due if not (v.reported and v.placed)]
    assert not missed, "\n".join(missed)
    assert sum(v.suggested for v in due) >= 0.98 * len(due)
    assert (shelf.folder / file.name).read_text() == file.read_text(), "the copy is as it was"
