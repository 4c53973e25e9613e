"""`.pre-commit-hooks.yaml`: what pre-commit needs is there, and what it would run finds what is wrong.

https://pre-commit.com/#creating-new-hooks
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from forked_cli import ForkedCli

ROOT = Path(__file__).parents[3]
HOOKS = {hook["id"]: hook for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())}
ERROR = "name: bad\nsteps:\n  - tcp: {prot: 80}\n"
WARNING = "name: warned\nparams: {idle: {default: 1}}\nsteps:\n  - tcp: {port: 80}\n"


@pytest.fixture(scope="module")
def cli() -> Iterator[ForkedCli]:
    with ForkedCli() as it:
        yield it


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_says_all_that_is_needed(name: str) -> None:
    hook = HOOKS[name]
    assert {"id", "name", "entry", "language"} <= set(hook)
    assert hook["language"] == "python"
    files = re.compile(hook["files"])
    for file in (ROOT / "runbooks").glob("*.yml"):
        assert files.search(f"runbooks/{file.name}")
        assert files.search(f"ops/runbooks/{file.name}")
    for other in ("runbooks/drills/free-disk-heals.yml", "docker-compose.yml", "runbooks/notes.md"):
        assert not files.search(other)


@pytest.mark.parametrize(("name", "text", "code"), [
    ("runbook-lint", ERROR, 5), ("runbook-lint", WARNING, 0), ("runbook-lint-strict", WARNING, 5),
])  # fmt: skip
def test_what_it_runs_finds_what_is_wrong(name: str, text: str, code: int, cli: ForkedCli, tmp_path: Path) -> None:
    (tmp_path / "runbooks").mkdir()
    (tmp_path / "runbooks" / "it.yml").write_text(text)
    program, *words = shlex.split(HOOKS[name]["entry"])
    assert program == "runbook"
    end = cli.run(*words, "runbooks/it.yml", cwd=tmp_path)
    assert end.code == code
    assert "runbooks/it.yml:" in end.err
