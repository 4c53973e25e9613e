"""A playbook file → the plays in it, those of imported playbooks among them; every complaint with its place."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from playbook_engine.loading.around import NOTHING, Around
from playbook_engine.loading.playbook.known import NOTHING_KNOWN, Known
from playbook_engine.loading.playbook.plays import Play, PlayReader
from playbook_engine.loading.playbook.words import plain
from playbook_engine.loading.problems import Problems, kind_of
from playbook_engine.loading.salvage import salvaged
from playbook_engine.loading.schema import StepModel
from playbook_engine.loading.step_files import StepFiles
from playbook_engine.loading.yaml_source import Document, read_yaml
from playbook_engine.model.errors import LoadError
from playbook_engine.model.runbook import Runbook
from playbook_engine.templating.environment import Templar

SYSTEM = ("~/.ansible/roles", "/usr/share/ansible/roles", "/etc/ansible/roles")
MAX_DEPTH = 20


class PlaybookLoader:
    """Reads playbooks. `places` are folders of roles, instead of those that Ansible looks into by itself."""

    def __init__(self, templar: Templar, places: Sequence[str], known: Known = NOTHING_KNOWN) -> None:
        self.templar = templar
        self._known = known
        self._roles = [Path(p).expanduser() for p in places or SYSTEM]

    def load(self, file: Path) -> tuple[Runbook, list[Play]]:
        """The runbook whose steps are the plays, and the plays with what is not known yet. Raises LoadError(s)."""
        if not os.path.isfile(file):
            raise LoadError(f"there is no playbook {str(file)!r}")
        plays: list[Play] = []
        text = self._file(file, (), NOTHING, plays)
        entries = tuple(p.entry for p in plays)
        return Runbook(name=file.name, file=str(file), title=file.name, steps=entries, deadline=None, text=text), plays

    def imported(self, name: str, beside: Path, prefix: str, chain: tuple[Path, ...]) -> Runbook:
        """A playbook has no runbooks in it. Raises LoadError."""
        raise LoadError("import_runbook belongs to runbooks", advice="a playbook says import_playbook, at its top")

    def _file(self, file: Path, chain: tuple[Path, ...], around: Around, plays: list[Play]) -> str:
        if file.resolve() in chain or len(chain) >= MAX_DEPTH:
            names = " → ".join(p.name for p in (*chain, file))
            raise LoadError(f"the playbooks import one another in a circle: {names}")
        document = read_yaml(file, self.templar.vault.file, yaml11=True)
        problems = Problems(document)
        if not isinstance(document.value, list):
            advice = "it begins with - hosts: ..."
            if isinstance(document.value, Mapping) and "steps" in document.value:
                advice = f"this looks like a runbook: `runbook run {file}`"
            message = f"a playbook is a list of plays, and this is {kind_of(document.value)}"
            raise LoadError(message, where=document.at(()), advice=advice)
        places = [file.parent / "roles", file.parent, *self._roles]
        files = StepFiles(self, file, chain)
        reader = PlayReader(document, problems, files, self.templar, places, self._known)
        for number, raw in enumerate(document.value):
            key = (
                next((k for k in raw if plain(str(k)) == "import_playbook"), None) if isinstance(raw, Mapping) else None
            )
            if key is not None and isinstance(raw, Mapping):
                self._import(document, problems, raw, str(key), number, (*chain, file.resolve()), around, plays)
                continue
            play = reader.play(raw, (number,), f"p{len(plays) + 1}", around)
            if play is not None:
                plays.append(play)
        problems.raise_any()
        return document.text

    def _import(
        self, document: Document, problems: Problems, raw: Mapping[object, object], key: str, number: int,
        chain: tuple[Path, ...], around: Around, plays: list[Play],
    ) -> None:  # fmt: skip
        known = ("name", key, "vars", "when", "tags")
        for other in raw:
            if other not in known:
                problems.unknown_key((number, str(other)), known, "key of import_playbook")
                return
        files = StepFiles(self, Path(document.file), chain)
        entries = files.reader(document, problems)
        given = {k: v for k, v in raw.items() if k in ("vars", "when", "tags")}
        model = salvaged(given, problems, StepModel, at=(number,))
        if model is None:
            return
        try:
            inner = around.inside(entries.around(model, (number,)))
            self._file(Path(document.file).parent / str(raw[key]), chain, inner, plays)
        except LoadError as error:
            if error.where is None:
                error.where = document.at((number, key))
            problems.add_error(error)


def looks_like_one(value: object) -> bool:
    """Whether a file's value is a list of plays."""
    words = {"hosts", "import_playbook", "ansible.builtin.import_playbook"}
    return isinstance(value, Sequence) and any(isinstance(v, Mapping) and words & set(v) for v in value)
