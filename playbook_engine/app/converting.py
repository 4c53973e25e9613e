"""Converting a playbook: what comes of it has to load before anything is written."""

from __future__ import annotations

import dataclasses
import os
import tempfile
from pathlib import Path

from playbook_engine.app.prepare import loader
from playbook_engine.app.wiring import App
from playbook_engine.loading.lint import undefined
from playbook_engine.loading.playbook.convert import STEPS, Converted, Converter, Note
from playbook_engine.loading.playbook.playbook import PlaybookLoader
from playbook_engine.model.errors import LoadError, UsageError
from playbook_engine.model.source import SourcePos


def converted(app: App, playbook: Path, folder: Path) -> Converted:
    """The texts, for files in `folder`. Raises LoadError, LoadErrors, also for what would not load as a runbook."""
    PlaybookLoader(app.templar, app.settings.roles_path).load(playbook)  # its mistakes are told where they stand
    made = Converter(playbook, folder).convert()
    beside = folder.resolve().parent
    with tempfile.TemporaryDirectory(prefix=".runbook-convert-", dir=beside if beside.is_dir() else None) as kept:
        scratch = Path(kept)
        for entry in folder.iterdir() if folder.is_dir() else ():  # what the runbooks name by relative paths
            if entry.name != STEPS and entry.name not in made.texts:
                (scratch / entry.name).symlink_to(entry.resolve())
        _put(made, scratch)
        for name in made.runbooks:
            try:
                runbook = loader(app).load(str(scratch / name))
                for problem in undefined(runbook, app.templar, ()):
                    where = problem.where or SourcePos(file=name, line=1)
                    where = dataclasses.replace(where, file=where.file.replace(f"{scratch}{os.sep}", ""))
                    made.notes.append(Note(where=where, what=f"{problem.message}: the inventory has to, or -e"))
            except LoadError as error:
                said = error.message.replace(f"{scratch}{os.sep}", "")
                advice = error.advice or "`--stdout` shows what was made of it"
                where = error.where or SourcePos(file=name, line=1)
                where = dataclasses.replace(where, file=where.file.replace(f"{scratch}{os.sep}", ""))
                raise LoadError(f"what comes of it does not load: {said}", advice=advice, where=where) from error
    return made


def written(made: Converted, folder: Path, *, force: bool) -> None:
    """Raises UsageError for a file that is there already: then nothing is written."""
    there = [name for name in made.texts if (folder / name).exists()]
    if there and not force:
        raise UsageError(
            f"{folder / there[0]} is there already", advice="--force overwrites it; -o names another folder"
        )
    _put(made, folder)


def _put(made: Converted, folder: Path) -> None:
    for name, text in made.texts.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
