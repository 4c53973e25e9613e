"""The files of a runbook as they are written: where a step stands in them, and where a word of its text does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from playbook_engine.catalog import catalog, oneliner
from playbook_engine.loading.lint import probes_of, steps_of
from playbook_engine.loading.yaml_source import BREAK, Document, Where, parse_yaml, read_yaml
from playbook_engine.model.errors import LoadError
from playbook_engine.model.frozen import frozen
from playbook_engine.model.runbook import Import, Probe, Runbook, Step
from playbook_engine.model.source import SourcePos

DEEP = 400  # lines of one text that are looked through


@frozen
class Text:
    """A text among the arguments of a step or probe: the argument's name, and where it stands in the file."""

    name: str
    text: str
    path: Where


class Source:
    """One file."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self._paths: dict[tuple[int, int], Where] = {}
        for path, place in document.values.items():
            self._paths.setdefault(place, path)
            if len(path) >= len(self._paths[place]):
                self._paths[place] = path
        self._lines = BREAK.split(document.text)

    def path(self, where: SourcePos | None) -> Where | None:
        """Of the value that begins there."""
        return self._paths.get((where.line, where.column)) if where is not None else None

    def raw(self, path: Where) -> object:
        """What is written there; None where nothing is."""
        value = self.document.value
        for part in path:
            if isinstance(value, Mapping):
                value = next((v for k, v in value.items() if k == part or str(k) == part), None)
            elif isinstance(value, list) and isinstance(part, int) and part < len(value):
                value = value[part]
            else:
                return None
        return value

    def texts(self, each: Step | Probe) -> Iterator[Text]:
        """The texts among its arguments, as they are written: those of lists one by one."""
        base = self.path(each.where)
        given = self.raw(base) if base is not None else None
        if base is None or not isinstance(given, Mapping):
            return
        key = next((k for k in given if catalog.plain(str(k)) == each.action), None)
        if key is None:
            return
        value, place, spec = given[key], (*base, str(key)), catalog.get(each.action)
        if isinstance(value, str):
            try:
                for name, text in oneliner.parse(value, spec).items():
                    if isinstance(text, str):
                        yield Text(name=spec.canonical(name) or name, text=text, path=place)
            except ValueError:
                return
        elif isinstance(value, Mapping):
            for name, inner in value.items():
                yield from _texts(spec.canonical(str(name)) or str(name), inner, (*place, str(name)))
        elif spec.free_form:
            yield from _texts(spec.free_form, value, place)

    def spot(self, path: Where, text: str, at: int, length: int = 1) -> SourcePos:
        """The place in the file of a part of the text at `path`; the text's own place where it cannot be found."""
        start = self.document.at(path)
        part = text[at : at + max(length, 1)].split("\n", 1)[0].strip()
        if not part:
            return start
        nth = text.count(part, 0, at)
        column = start.column - 1
        for number in range(start.line, min(len(self._lines), start.line + DEEP) + 1):
            line = self._lines[number - 1]
            begin = column if number == start.line else 0
            while (found := line.find(part, begin)) >= 0:
                if nth == 0:
                    return self.document.position(number, found + 1)
                nth -= 1
                begin = found + len(part)
        return start


def _texts(name: str, value: object, path: Where) -> Iterator[Text]:
    if isinstance(value, str):
        yield Text(name=name, text=str(value), path=path)
    elif isinstance(value, list):
        for n, item in enumerate(value):
            yield from _texts(name, item, (*path, n))


def strings(value: object, path: Where = ()) -> Iterator[tuple[Where, str]]:
    """Every text of a document, with its path."""
    if isinstance(value, str):
        yield path, str(value)
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from strings(inner, (*path, key if isinstance(key, (str, int)) else str(key)))
    elif isinstance(value, list):
        for n, inner in enumerate(value):
            yield from strings(inner, (*path, n))


@dataclass(slots=True)
class Sources:
    """The files of a runbook, each read once."""

    decrypt: Callable[[bytes, str], bytes]
    yaml11: bool = False
    _known: dict[str, Source | None] = field(default_factory=dict)

    def of(self, where: SourcePos | None) -> Source | None:
        """The file in which something stands; None for what stands nowhere."""
        return self.file(where.file) if where is not None else None

    def file(self, name: str) -> Source | None:
        if name not in self._known:
            try:
                self._known[name] = Source(read_yaml(Path(name), self.decrypt, yaml11=self.yaml11))
            except LoadError:
                self._known[name] = None
        return self._known[name]

    def add(self, runbook: Runbook) -> Source | None:
        """The runbook's own file, as it was loaded."""
        if runbook.text and runbook.file not in self._known:
            try:
                self._known[runbook.file] = Source(parse_yaml(runbook.text, runbook.file, yaml11=self.yaml11))
            except LoadError:
                self._known[runbook.file] = None
        return self.file(runbook.file)


def doers(runbook: Runbook) -> Iterator[Step | Probe]:
    """Its own steps and probes, those of handlers and rollbacks among them."""
    yield from steps_of(runbook)
    yield from probes_of(runbook)


def family(runbook: Runbook) -> Iterator[Runbook]:
    """A runbook and all that it imports."""
    yield runbook
    for entry in runbook.flat():
        if isinstance(entry, Import):
            yield from family(entry.runbook)
