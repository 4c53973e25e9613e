"""`runbook lint`: everything that can be said of runbooks and playbooks without running them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from playbook_engine.app.drills import checked, stale
from playbook_engine.app.policies import policy_for
from playbook_engine.app.prepare import loader
from playbook_engine.app.wiring import App
from playbook_engine.loading.lint import undefined
from playbook_engine.loading.linting.examine import advised, in_order
from playbook_engine.loading.playbook.playbook import PlaybookLoader, looks_like_one
from playbook_engine.loading.yaml_source import read_yaml
from playbook_engine.model.errors import LoadError, LoadErrors
from playbook_engine.model.finding import Finding, of_error


def linted(
    app: App, names: Iterable[str], known: Iterable[str], max_age: float | None
) -> Iterator[tuple[str, list[Finding]]]:  # fmt: skip
    """Each name with what was found, in the order of the files. `known`: variables that the inventory gives."""
    for name in names:
        file = Path(name)
        yield name, in_order(_playbook(app, file) if _is_playbook(app, file) else _runbook(app, name, known, max_age))


def _is_playbook(app: App, file: Path) -> bool:
    """Whether a name is that of a file with a list of plays."""
    if file.suffix not in (".yml", ".yaml") or not file.is_file():
        return False
    try:
        return looks_like_one(read_yaml(file, app.vault.file, yaml11=True).value)
    except LoadError:
        return False


def _playbook(app: App, file: Path) -> list[Finding]:
    """What of a playbook cannot be carried out."""
    try:
        runbook, _ = PlaybookLoader(app.templar, app.settings.roles_path).load(file)
    except LoadError as error:
        return _each(error)
    return advised(runbook, app.templar, app.read_file, app.vault.file, playbook=True)


def _runbook(app: App, name: str, known: Iterable[str], max_age: float | None) -> list[Finding]:
    found: list[Finding] = []
    try:
        runbook = loader(app).load(name)
    except LoadError as error:
        return _each(error)
    found += [of_error(error) for error in undefined(runbook, app.templar, known, app.read_file)]
    try:
        found += [of_error(error) for error in checked(app, runbook)]
    except LoadError as error:
        found += _each(error)
    try:
        policy_for(app, runbook)
    except LoadError as error:
        found += _each(error)
    if max_age is not None:
        found += [of_error(error) for error in stale(app, runbook, max_age)]
    return found + advised(runbook, app.templar, app.read_file, app.vault.file)


def _each(error: LoadError) -> list[Finding]:
    return [of_error(e) for e in (error.errors if isinstance(error, LoadErrors) else (error,))]
