"""One slip of a finger in a runbook: where it can happen, what it makes of the text, and what lint says of it."""

from __future__ import annotations

import random
import re
import shutil
import string
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from playbook_engine.app.linting import linted
from playbook_engine.app.settings import Settings
from playbook_engine.app.wiring import App
from playbook_engine.catalog import catalog
from playbook_engine.loading.runbooks import Loader
from playbook_engine.model.finding import Finding
from playbook_engine.templating.environment import Templar
from playbook_engine.templating.node import MARKERS

RUNBOOKS = Path(__file__).parents[1] / "runbooks"
FILES = sorted(RUNBOOKS.glob("*.yml"))
LETTERS = f"{string.ascii_lowercase}_"
CONDITIONS = frozenset({"when", "expect", "until", "changed_when", "failed_when", "that"})
WORD = re.compile(r"(?<![\w.\"'|$])(?<!\| )(?<!is )(?<!not )[A-Za-z_]\w*(?!\w|\s*[=(](?!=))")
CODE = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
NAMES = frozenset({"register", "import_runbook", "escalation"})
"""Keys whose value is a name that something else goes by."""


@dataclass(frozen=True, slots=True)
class Site:
    """A name in a file: where it begins, what it is, and the keys that lead to it."""

    at: int
    name: str
    kind: str
    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """`reported`: something was said. `placed`: in the line of the slip, or where the other end of the name stands.
    `suggested`: and the word that was meant is in it. `right`: why nothing had to be said."""

    site: Site
    slip: str
    reported: bool
    placed: bool
    suggested: bool
    right: str = ""


def sites(text: str, templar: Templar) -> list[Site]:
    """Every key, action, argument, use of a variable, handler and name."""
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
                if match[0] in used(node.value, templar, condition=not MARKERS.search(node.value)):
                    found[begin + match.start()] = Site(begin + match.start(), match[0], "variable", path)
        handler = path in (("handlers", "-", "name"), ("handlers", "-", "listen")) or "notify" in path[-2:]
        if (path[-1] in NAMES or handler) and raw == node.value and not MARKERS.search(raw):
            found[start] = Site(start, node.value, "handler" if handler else path[-1], path)
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


def used(value: str, templar: Templar, *, condition: bool) -> set[str]:
    return templar.undeclared(value if condition else templar.compile_value(value, None))


def slips(name: str) -> Iterator[str]:
    """Everything that is one letter away: left out, swapped with the next, exchanged, added (doubled among them)."""
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
        shutil.copytree(RUNBOOKS, folder / "runbooks", dirs_exist_ok=True)
        self.folder = folder / "runbooks"
        self.app = App(Settings.of({"RUNBOOK_STATE": str(folder / "state")}))
        self.loader = Loader([self.folder], self.app.templar)

    def mutants(self, name: str) -> list[tuple[Site, str]]:
        """Every slip in the file of this name."""
        text = (self.folder / name).read_text()
        return [(s, slip) for s in sites(text, self.app.templar) for slip in dict.fromkeys(slips(s.name)) if slip]

    def findings(self, file: Path) -> list[Finding]:
        ((_, found),) = linted(self.app, [str(file)], (), None)
        return found

    def judged(self, name: str, chosen: list[tuple[Site, str]]) -> Iterator[Verdict]:
        """What lint says of each slip; the file is afterwards as it was."""
        file = self.folder / name
        text = file.read_text()
        clean = {(f.code, f.message) for f in self.findings(file)}
        try:
            for site, slip in chosen:
                file.write_text(text[: site.at] + slip + text[site.at + len(site.name) :])
                found = [f for f in self.findings(file) if (f.code, f.message) not in clean]
                right = "" if found else self.silent_by_right(text, file, site)
                yield self._verdict(text, site, slip, found, right)
        finally:
            file.write_text(text)

    @staticmethod
    def _verdict(text: str, site: Site, slip: str, found: list[Finding], right: str) -> Verdict:
        line = text.count("\n", 0, site.at) + 1
        word = re.compile(rf"(?<!\w){re.escape(site.name)}(?!\w)")
        others = {n for n, each in enumerate(text.split("\n"), 1) if word.search(each)}
        # A name has two ends: where it is given and where it is used. Which of them is wrong nobody knows.
        placed = [
            f for f in found
            if f.where and (f.where.line == line or (f.where.line in others and word.search(f.message)))
        ]  # fmt: skip
        suggested = any(word.search(f"{f.message} {f.advice}") for f in placed)
        return Verdict(site, slip, bool(found), bool(placed), suggested, right)

    def silent_by_right(self, text: str, file: Path, site: Site) -> str:
        """Why nothing has to be said of a misspelling here; empty when something has."""
        for n, part in enumerate(site.path[:-1]):
            if part in catalog.names() and n + 2 < len(site.path):
                param = catalog.get(part).params.get(site.path[n + 1])
                if param and param.type in ("raw", "dict") and not param.keys:
                    return "a key of the author's own data"
        return ""


def sample(mutants: list[tuple[Site, str]], number: int, seed: str) -> list[tuple[Site, str]]:
    return mutants if number >= len(mutants) else random.Random(seed).sample(mutants, number)
