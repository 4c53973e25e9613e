"""A report that was once written by hand, word for word, and everything that is found in it.

With UPDATE_GOLDEN=1 in the environment the expected output is written anew.
"""

from __future__ import annotations

import os
from pathlib import Path

from playbook_engine.report.prose import listing
from playbook_engine.report.prose.checker import check
from playbook_engine.report.prose.reading import read

GOLDEN = Path(__file__).parents[3] / "golden" / "prose"
NAME = "phase-0.md"


def test_word_for_word() -> None:
    found = check(NAME, read(NAME, (GOLDEN / NAME).read_bytes()))
    text = "\n".join(listing.text(found, [NAME])) + "\n"
    if os.environ.get("UPDATE_GOLDEN"):
        (GOLDEN / "phase-0.txt").write_text(text)
    assert text == (GOLDEN / "phase-0.txt").read_text()


def test_every_class_is_on_its_line() -> None:
    found = check(NAME, read(NAME, (GOLDEN / NAME).read_bytes()))
    lines: dict[str, list[int]] = {}
    for each in found:
        lines.setdefault(each.rule.id, []).append(each.found.at.line)
    assert lines == {
        "X1": [13], "X2": [126], "X3": [123, 124, 125], "X4": [129, 130, 131, 132], "X5": [122], "X6": [28],
        "X7": [20], "X10": [195], "X11": [70], "X13": [197], "X14": [182], "X15": [181], "X16": [189], "X17": [83],
        "X18": [154], "X20": [44], "X21": [43, 105], "X22": [212, 218], "X23": [228], "X24": [186], "X25": [28],
    }  # fmt: skip
