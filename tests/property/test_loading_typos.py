"""One wrong letter in a shipped runbook is reported before the run: in keys, actions, arguments, variables.

A sample by default; all of them with RUNBOOK_TYPOS=all (about an hour on one core; -n shares the files out).
"""

from __future__ import annotations

import os
import random
import re
import shutil
import string
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from playbook_engine.app.settings import Settings
from playbook_engine.app.wiring import App
from playbook_engine.catalog import catalog
from playbook_engine.loading.lint import undefined, unused
from playbook_engine.loading.runbooks import Loader
from playbook_engine.model.errors import LoadError
from playbook_engine.templating.environment import Templar
from playbook_engine.templating.node import MARKERS

RUNBOOKS = Path(__file__).parents[2] / "runbooks"
FILES = sorted(RUNBOOKS.glob("*.yml"))
ALL = os.environ.get("RUNBOOK_TYPOS") == "all"
SAMPLE = 120  # of each file
LETTERS = f"{string.ascii_lowercase}_"
CONDITIONS = frozenset({"when", "expect", "until", "changed_when", "failed_when", "that"})
WORD = re.compile(r"(?<![\w.\"'|$])(?<!\| )(?<!is )(?<!not )[A-Za-z_]\w*(?!\w|\s*[=(](?!=))")
CODE = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
TEMPLAR = Templar()


@dataclass(frozen=True, slots=True)
class Site:
    """A name in a file: where it begins, and what it is."""

    at: int
    name: str
    kind: str
    path: tuple[str, ...]


def sites(text: str) -> list[Site]:
    """Every key and every use of a variable."""
    root = yaml.compose(text, Loader=yaml.CBaseLoader)
    assert root is not None
    found: dict[int, Site] = {}
    for node, path in walk(root, ()):
        start, end = node.start_mark.index, node.end_mark.index
        if path[-1:] == ("<key>",):
            found[start] = Site(start, node.value, "key", path[:-1])
            continue
        raw = text[start:end]
        code = [(start, raw)] if CONDITIONS.intersection(path[-2:]) else []
        code = code or [(start + m.start(), m[0]) for m in CODE.finditer(raw)]
        for begin, part in code:
            for match in WORD.finditer(part):
                if match[0] in used(node.value, condition=not MARKERS.search(node.value)):
                    found[begin + match.start()] = Site(begin + match.start(), match[0], "variable", path)
        if path[-1:] == ("register",) or path[-1:] == ("import_runbook",):
            found[start] = Site(start, node.value, path[-1], path)
    return sorted(found.values(), key=lambda s: s.at)


def walk(node: yaml.Node, path: tuple[str, ...]) -> Iterator[tuple[yaml.ScalarNode, tuple[str, ...]]]:
    if isinstance(node, yaml.ScalarNode):
        yield node, path
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from walk(item, (*path, "-"))
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner = (*path, str(key.value))
            yield key, (*inner, "<key>")
            yield from walk(value, inner)


def used(value: str, *, condition: bool) -> set[str]:
    return TEMPLAR.undeclared(value if condition else TEMPLAR.compile_value(value, None))


def slips(name: str) -> Iterator[str]:
    """Everything that is one slip of a finger away."""
    for i, letter in enumerate(name):
        yield name[:i] + name[i + 1 :]
        if name[i + 1 : i + 2] not in ("", letter):
            yield name[:i] + name[i + 1] + letter + name[i + 2 :]
        for other in LETTERS:
            if other != letter:
                yield name[:i] + other + name[i + 1 :]
    for i in range(len(name) + 1):
        for other in LETTERS:
            yield name[:i] + other + name[i:]


class Shelf:
    """A copy of the shipped runbooks, one of which is misspelt."""

    def __init__(self, folder: Path) -> None:
        self.app = App(Settings.of({"RUNBOOK_STATE": str(folder / "state")}))
        self.loader = Loader([folder], TEMPLAR)
        shutil.copytree(RUNBOOKS, folder, dirs_exist_ok=True)

    def reported(self, file: Path, text: str) -> bool:
        """Whether lint objects to this text."""
        file.write_text(text)
        try:
            return bool(undefined(self.loader.load(str(file)), TEMPLAR, (), self.app.read_file))
        except LoadError:
            return True

    def silent_by_right(self, file: Path, site: Site) -> str:
        """Why nothing has to be said of a misspelling here; empty when something has."""
        runbook = self.loader.load(str(file))
        idle = {error.message.split()[2] for error in unused(runbook, self.app.read_file)}
        if site.kind == "key" and site.path[:1] == ("params",) and site.path[1] in idle:
            return "a parameter that nothing uses: `unused` says so whatever its name is"
        for n, part in enumerate(site.path[:-1]):
            if part in catalog.names() and n + 2 < len(site.path):
                param = catalog.get(part).params.get(site.path[n + 1])
                if param and param.type in ("raw", "dict") and not param.keys:
                    return "a key of the author's own data"
        return ""


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
def test_one_wrong_letter_is_reported(file: Path, tmp_path: Path) -> None:
    text = file.read_text()
    shelf = Shelf(tmp_path)
    copy = tmp_path / file.name
    assert not shelf.reported(copy, text), "a shipped runbook is clean"
    mutants = [(site, slip) for site in sites(text) for slip in dict.fromkeys(slips(site.name)) if slip]
    kinds = Counter(site.kind for site, _ in mutants)
    assert kinds["key"] > 100 or file.stem == "phase-0"
    chosen = mutants if ALL else random.Random(file.stem).sample(mutants, SAMPLE)
    silent = []
    for site, slip in chosen:
        if not shelf.reported(copy, text[: site.at] + slip + text[site.at + len(site.name) :]):
            silent.append((site, slip))
    copy.write_text(text)
    reasons = Counter(shelf.silent_by_right(copy, site) for site, _ in silent)
    print(f"{file.stem}: {len(chosen)} of {len(mutants)} slips, not reported by right: {dict(reasons)}")
    missed = [f"{'.'.join(s.path)}: {s.name} -> {slip}" for s, slip in silent if not shelf.silent_by_right(copy, s)]
    assert not missed, "\n".join(missed)
