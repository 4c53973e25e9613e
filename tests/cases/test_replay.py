"""The recorded cases, replayed against the command line; one in eight of each module, all of them under CI."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from cases.compare import differences, normal, same
from cases.place import lay, seen
from cases.product import Product
from cases.replay import collected, played
from cases.web import served

HERE = Path(__file__).parent
PRODUCT = Product(command=str(Path(sys.executable).parent / "runbook"))
ALL = [case for case in collected(HERE, "modules") if not case.get("quirk")]
CHOSEN = ALL if os.environ.get("CI") == "true" else ALL[::8]


@pytest.fixture(scope="module")
def web() -> str:
    return served()


@pytest.mark.skipif(os.geteuid() != 0 and os.environ.get("CI") != "true", reason="the cases were recorded as root")
@pytest.mark.parametrize("case", CHOSEN, ids=lambda case: case["id"])
def test_a_module_answers_as_recorded(case: dict[str, object], web: str) -> None:
    old = os.umask(0o022)
    try:
        answer = played(HERE, "modules", case, PRODUCT, web)
    finally:
        os.umask(old)
    assert differences(normal(case, case["expect"]), normal(case, answer)) == []


def test_types_count_and_notes_do_not() -> None:
    assert not same({"a": 1}, {"a": True}) and not same([1], [1.0]) and same({"a": [None]}, {"a": [None]})
    assert normal({}, {"runs": [{"_msg": "x", "failed": True}]}) == {"runs": [{"failed": True}]}
    assert differences({"a": {"b": 1}}, {"a": {"b": 2}}) == ["/a/b: want 1, got 2"]


def test_a_folder_is_laid_and_seen(tmp_path: Path) -> None:
    files = [
        {"path": "d", "type": "dir", "mode": "0750"},
        {"path": "d/f", "content": "x", "mode": "0600"},
        {"path": "l", "type": "link", "target": "@DIR@/d"},
        {"path": "h", "type": "hard", "target": "d/f"},
    ]
    lay(tmp_path, files)
    found = seen(tmp_path, ["d/f"])
    assert found["d"] == {"type": "dir", "mode": "0750"}
    assert found["l"] == {"type": "link", "target": "@DIR@/d"}
    assert found["d/f"]["hardlinked_with"] == ["h"]
    (tmp_path / "d" / "f.123~").write_text("old")
    assert seen(tmp_path, ["d/f"])["d/f.<BACKUP>"]["content"] == "old"
