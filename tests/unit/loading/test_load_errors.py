"""Files that do not load: each is refused by the real command before anything is connected, in words that are reviewed.

`tests/golden/load_errors/*.txt` hold the file and, below it, exactly what a person reads. After a change of wording:
`RUNBOOK_GOLDEN=write pytest tests/unit/loading/test_load_errors.py`, and read the difference as somebody in an outage.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from forked_cli import Ended, ForkedCli

GOLDEN = Path(__file__).parents[2] / "golden" / "load_errors"
WRITE = os.environ.get("RUNBOOK_GOLDEN") == "write"


@dataclass(slots=True)
class Case:
    """One bad file: `bad.yml`, what lies beside it, and what is said."""

    name: str
    words: list[str] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    said: str = ""

    def text(self) -> str:
        words = "".join(f"$ {word}\n" for word in self.words)
        files = "".join(text if name == "bad.yml" else f"==== {name}\n{text}" for name, text in self.files.items())
        return f"#### {self.name}\n{words}{files}---- is refused:\n{self.said}"


def read_cases(path: Path) -> list[Case]:
    cases: list[Case] = []
    place = ""
    for line in path.read_bytes().decode().split("\n")[:-1]:
        if line.startswith("#### "):
            cases.append(Case(line[5:], files={"bad.yml": ""}))
            place = "bad.yml"
        elif line.startswith("$ "):
            cases[-1].words.append(line[2:])
        elif line.startswith("==== "):
            place = line[5:]
            cases[-1].files[place] = ""
        elif line.startswith("---- "):
            place = ""
        elif place:
            cases[-1].files[place] += f"{line}\n"
        else:
            cases[-1].said += f"{line}\n"
    return cases


FILES = sorted(GOLDEN.glob("*.txt"))
CASES = [(path, case) for path in FILES for case in read_cases(path)]


@pytest.fixture(scope="module")
def cli() -> Iterator[ForkedCli]:
    with ForkedCli() as it:
        yield it


def refused(cli: ForkedCli, folder: Path, *words: str) -> Ended:
    """`runbook run bad.yml` on a host: what is said about it, having checked what is true of every refusal."""
    state = folder / "state"
    env = {"RUNBOOK_STATE": str(state)}
    given = [part for word in words for part in word.split(" ", 1)]
    end = cli.run("run", "bad.yml", "h.test", "-i", "h.test,", *given, cwd=folder, env=env)
    assert end.code == 5, end
    assert "Traceback" not in end.err + end.out
    assert not state.exists(), "nothing is journaled of a run that never began"
    return end


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_every_mistake_is_told_in_the_reviewed_words(path: Path, cli: ForkedCli, tmp_path: Path) -> None:
    cases = read_cases(path)
    different = []
    for n, case in enumerate(cases):
        folder = tmp_path / str(n)
        folder.mkdir()
        for name, text in case.files.items():
            (folder / name).write_text(text)
        said = refused(cli, folder, *case.words).err
        assert re.search(r"(?m)^(error: )?\S+\.yml:\d+:\d+: ", said), f"{case.name}: no place in\n{said}"
        if said.rstrip("\n") != case.said.rstrip("\n"):
            different.append(f"{case.name}: said\n{said}\nbut in the file is\n{case.said}")
        case.said = f"{said.rstrip()}\n\n"
    if WRITE:
        path.write_text("".join(case.text() for case in cases))
    else:
        assert not different, "\n".join(different)
