"""The files that a file takes in: lists of steps, other runbooks. Read once a place, with what is around them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from playbook_engine.loading.around import Around
from playbook_engine.loading.entries import EntryReader
from playbook_engine.loading.problems import ENTRIES, Problems, kind_of
from playbook_engine.loading.salvage import salvaged
from playbook_engine.loading.schema import StepModel
from playbook_engine.loading.steps import StepReader
from playbook_engine.loading.values import ValueReader
from playbook_engine.loading.yaml_source import Document, Where, read_yaml
from playbook_engine.model.errors import LoadError
from playbook_engine.model.runbook import Entry, Runbook
from playbook_engine.model.source import SourcePos
from playbook_engine.templating.environment import Templar

MAX_DEPTH = 20  # files within files


class Dialect(Protocol):
    """The language that the lists of steps are written in. `yaml11`: with the scalars of YAML 1.1."""

    yaml11: bool

    def entry(
        self, raw: object, path: Where, entry_id: str, around: Around, files: StepFiles, reader: EntryReader,
        document: Document, problems: Problems,
    ) -> Entry | None: ...  # fmt: skip


class RunbookDialect:
    """Our own."""

    yaml11 = False

    def entry(
        self, raw: object, path: Where, entry_id: str, around: Around, files: StepFiles, reader: EntryReader,
        document: Document, problems: Problems,
    ) -> Entry | None:  # fmt: skip
        if not isinstance(raw, Mapping):
            problems.add(path, f"{ENTRIES['steps']} is a mapping, and this is {kind_of(raw)}")
            return None
        model = salvaged(raw, problems, StepModel, at=path)
        return reader.entry(model, path, entry_id, around) if model is not None else None


class Imports(Protocol):
    """Where imported runbooks come from."""

    templar: Templar

    def imported(self, name: str, beside: Path, prefix: str, chain: tuple[Path, ...]) -> Runbook: ...


class StepFiles:
    """For one file; `chain` are the files that took this one in. All that is read here adds to `read`."""

    def __init__(
        self, loader: Imports, file: Path, chain: tuple[Path, ...], dialect: Dialect | None = None,
        read: list[tuple[StepReader, Problems]] | None = None,
    ) -> None:  # fmt: skip
        self._loader = loader
        self._chain = chain
        self._dialect: Dialect = dialect or RunbookDialect()
        self.file = file
        self.folder = file.parent
        self.read: list[tuple[StepReader, Problems]] = [] if read is None else read

    def reader(self, document: Document, problems: Problems) -> EntryReader:
        """What reads the lists of steps of this file."""
        values = ValueReader(document, problems, self._loader.templar, foreign=self._dialect.yaml11)
        steps = StepReader(document, problems, values, foreign=self._dialect.yaml11)
        self.read.append((steps, problems))
        return EntryReader(document, problems, values, steps, self, self._loader.templar)

    @property
    def playbook_dir(self) -> str:
        """Where the file lies that the run is of."""
        return str((self._chain[0] if self._chain else self.file.resolve()).parent)

    def folders(self) -> tuple[Path, ...]:
        """Where a file that is included is looked for: beside this one; to a playbook also beside those that took it
        in, the nearest first, and in the folder of its role, as Ansible does."""
        if not self._dialect.yaml11:
            return (self.folder,)
        places = [self.folder, *(p.parent for p in reversed(self._chain))]
        roles = [p.parent for p in places if p.name in ("tasks", "handlers")]
        return tuple(dict.fromkeys((*places, *roles)))

    def found(self, name: str) -> Path:
        """The file of this name; where it would be beside this one if there is none."""
        return next((f / name for f in self.folders() if os.path.isfile(f / name)), self.folder / name)

    def runbook(self, name: str, entry_id: str) -> Runbook:
        """A runbook that is imported. Raises LoadError."""
        return self._loader.imported(name, self.folder, f"{entry_id}.", (*self._chain, self.file.resolve()))

    def with_dialect(self, dialect: Dialect) -> StepFiles:
        """The same place, what is written there being read in another way."""
        return StepFiles(self._loader, self.file, self._chain, dialect, self.read)

    def beside(self, file: Path) -> StepFiles:
        """What a file takes in that this one takes in."""
        return StepFiles(self._loader, file, (*self._chain, self.file.resolve()), self._dialect, self.read)

    def entries(
        self, file: Path, prefix: str, around: Around, where: SourcePos | None = None, *, must: bool = False
    ) -> tuple[Entry, ...] | None:
        """The steps of another file. None when there is none, or (without `where`, which names it) no list of steps
        there: then whoever wants it is told when its turn comes. What is wrong in it is in its problems."""
        within = (*self._chain, self.file.resolve())
        if file.resolve() in within or len(within) > MAX_DEPTH:
            if where is None:
                return None
            names = " → ".join(p.name for p in (*within[-2:], file))
            problem = LoadError(f"the files take one another in, in a circle: {names}", where=where)
            self.read[0][1].add_error(problem)
            return None
        if where is not None and not os.path.isfile(file) and self._dialect.yaml11 and not must:
            return None  # to a playbook it is an error of the run, and `when` may spare it
        try:
            document = read_yaml(file, self._loader.templar.vault.file, yaml11=self._dialect.yaml11)
        except LoadError as error:
            if where is not None:
                gone = LoadError(f"there is no file {file.name!r}", where=where, advice=f"looked for {file}")
                self.read[0][1].add_error(error if os.path.isfile(file) else gone)
            return None
        if where is None and not _steps(document.value):
            return None
        own = Around(file=str(file))
        return self.beside(file).listed(document, document.value, (), prefix, around.inside(own))

    def listed(
        self, document: Document, value: object, path: Where, prefix: str, around: Around
    ) -> tuple[Entry, ...]:  # fmt: skip
        """The steps of a list in a document."""
        problems = Problems(document)
        reader = self.reader(document, problems)
        return self.read_list(reader, document, problems, value, path, prefix, around)

    def read_list(
        self, reader: EntryReader, document: Document, problems: Problems, value: object, path: Where, prefix: str,
        around: Around,
    ) -> tuple[Entry, ...]:  # fmt: skip
        if value is None:
            return ()
        if not isinstance(value, list):
            problems.add(path, f"a list of steps is expected, and this is {kind_of(value)}")
            return ()
        made = (
            self._dialect.entry(raw, (*path, n), f"{prefix}{n + 1}", around, self, reader, document, problems)
            for n, raw in enumerate(value)
        )
        return tuple(entry for entry in made if entry is not None)


def _steps(value: object) -> bool:
    """Whether a document looks like a list of steps, and not like a playbook."""
    if not isinstance(value, list):
        return False
    return all(isinstance(v, Mapping) and not {"hosts", "import_playbook"} & set(v) for v in value)
