"""The recorded cases, replayed against the command line; one in eight of each module, all of them under CI."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from forked_cli import ForkedCli

from cases.compare import differences, normal, same
from cases.place import lay, seen
from cases.product import Product, Said
from cases.replay import collected, played
from cases.web import served

HERE = Path(__file__).parent
ALL = os.environ.get("CI") == "true"
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0 and not ALL, reason="the cases were recorded as root")


class Forked(Product):
    """The product, forked from a process that has imported it."""

    def __init__(self, server: ForkedCli) -> None:
        object.__setattr__(self, "server", server)

    def call(self, words: Sequence[str], folder: Path, home: Path, timeout: float = 180) -> Said:
        server: ForkedCli = self.server  # type: ignore[attr-defined]
        environment = {"HOME": str(home), "TZ": "UTC", "NO_COLOR": "1", "RUNBOOK_STATE": str(home / "state")}
        ended = server.run(*words, cwd=folder, env={**environment, "PATH": os.environ["PATH"]})
        return Said(status=ended.code, out=ended.out.encode(), err=ended.err.encode())


def chosen(category: str, every: int) -> list[dict[str, object]]:
    """All of them under CI, else some; accidents of the real tool are left out."""
    found = [case for case in collected(HERE, category) if not case.get("quirk")]
    return found if ALL else found[::every]


@pytest.fixture(scope="module")
def product() -> Iterator[Product]:
    old = os.umask(0o022)
    with ForkedCli(free=True) as server:
        yield Forked(server)
    os.umask(old)


@pytest.fixture(scope="module")
def web() -> str:
    return served()


@AS_ROOT
@pytest.mark.parametrize("case", chosen("modules", 8), ids=lambda case: case["id"])
def test_a_module_answers_as_recorded(case: dict[str, object], product: Product, web: str) -> None:
    answer = played(HERE, "modules", case, product, web)
    assert differences(normal(case, case["expect"]), normal(case, answer)) == []


@AS_ROOT
@pytest.mark.parametrize("case", chosen("plays", 4), ids=lambda case: case["id"])
def test_a_playbook_does_what_was_recorded(case: dict[str, object], product: Product) -> None:
    answer = played(HERE, "plays", case, product, "")
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
