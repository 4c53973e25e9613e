"""A runbook file → `Runbook`: validated, templates compiled, imports followed, every complaint with its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from playbook_engine.loading import finding, registry
from playbook_engine.loading.parameters import read_param
from playbook_engine.loading.problems import Problems, kind_of
from playbook_engine.loading.salvage import salvaged
from playbook_engine.loading.schema import RunbookModel
from playbook_engine.loading.steps import StepReader
from playbook_engine.loading.values import ValueReader
from playbook_engine.loading.yaml_source import Document, read_yaml
from playbook_engine.model.errors import LoadError
from playbook_engine.model.runbook import Import, OnFailure, Runbook, Step
from playbook_engine.templating.environment import Templar

MAX_DEPTH = 20  # imports within imports
MAX_FILES = 200  # two imports in each of twenty files would be a million


class Loader:
    """Finds and loads runbooks. `path` are the folders where a bare name is looked for."""

    def __init__(self, path: Sequence[Path], templar: Templar) -> None:
        self._path = path
        self._templar = templar
        self._files = 0

    def find(self, name: str, beside: Path | None = None) -> Path:
        """The file of a runbook's name or path. Raises LoadError with the names that are near."""
        return finding.find(name, self._path, beside)

    def names(self) -> list[str]:
        """The runbooks on the path."""
        return finding.names(self._path)

    def load(self, name: str, document: Document | None = None) -> Runbook:
        """The runbook of a name, or of a file that was read already. Raises LoadError, or LoadErrors with everything
        that is wrong."""
        self._files = 0
        return self._file(Path(document.file) if document else self.find(name), "", (), document)

    def _file(self, file: Path, prefix: str, chain: tuple[Path, ...], document: Document | None = None) -> Runbook:
        if file.resolve() in chain:
            names = " → ".join(p.stem for p in (*chain[chain.index(file.resolve()) :], file.resolve()))
            raise LoadError(f"the imports go round in a circle: {names}")
        if len(chain) >= MAX_DEPTH:
            raise LoadError(f"imports are nested more than {MAX_DEPTH} deep")
        self._files += 1
        if self._files > MAX_FILES:
            raise LoadError(f"the runbook takes in more than {MAX_FILES} others, imports of imports included")
        document = document or read_yaml(file)
        problems = Problems(document)
        if not isinstance(document.value, Mapping):
            raise _no_mapping(document)
        model = salvaged(document.value, problems, RunbookModel)
        runbook = self._build(document, model, file, prefix, chain, problems) if model is not None else None
        problems.raise_any()
        assert runbook is not None
        return runbook

    def _build(
        self,
        document: Document,
        model: RunbookModel,
        file: Path,
        prefix: str,
        chain: tuple[Path, ...],
        problems: Problems,
    ) -> Runbook:
        values = ValueReader(document, problems, self._templar)
        reader = StepReader(document, problems, values)
        params = tuple(read_param(document, name, raw, problems) for name, raw in model.params.items())
        if not (model.steps or model.checks or model.preconditions or "steps" in model.model_fields_set):
            problems.add((), "the runbook has neither steps nor checks", "write them under steps: and checks:")
        steps: list[Step | Import] = []
        for n, raw in enumerate(model.steps):
            step_id = f"{prefix}s{n + 1}"
            if raw.import_runbook is not None:
                imported = self._import(document, ("steps", n), raw.import_runbook, file, step_id, chain, problems)
                if imported is not None:
                    steps.append(reader.imported(raw, ("steps", n), step_id, imported))
                continue
            step = reader.step(raw, ("steps", n), step_id, need_undo=True)
            if step is not None:
                steps.append(step)
        handlers = [reader.step(h, ("handlers", n), f"{prefix}h{n + 1}") for n, h in enumerate(model.handlers)]
        runbook = Runbook(
            name=model.name, file=str(file), title=model.title, description=model.description,
            severity=model.severity, owner=model.owner, services=tuple(model.services),
            registry=registry.services(model, problems), phases=tuple(model.phases), hosts=model.hosts,
            serial=tuple(model.serial) if isinstance(model.serial, list) else ((model.serial,) if model.serial else ()),
            max_fail_percentage=model.max_fail_percentage, failure_budget=model.failure_budget,
            protected=model.protected, deadline=model.deadline,
            on_failure=OnFailure(model.on_failure), escalation=model.escalation, become=model.become,
            become_user=values.value(model.become_user, ("become_user",)),
            environment=values.mapping(model.environment, ("environment",)),
            vars=values.variables(model.vars, ("vars",)), params=params,
            preconditions=reader.probes(model.preconditions, ("preconditions",), f"{prefix}p"),
            steps=tuple(steps), handlers=tuple(h for h in handlers if h is not None),
            checks=reader.probes(model.checks, ("checks",), f"{prefix}c"), read_only=model.read_only,
            text=document.text,
        )  # fmt: skip
        reader.check_notifications(runbook)
        if runbook.read_only:
            reader.check_read_only(runbook)
        registry.check(model, problems)
        return runbook

    def _import(
        self, document: Document, at: tuple[str | int, ...], name: str, file: Path, step_id: str,
        chain: tuple[Path, ...], problems: Problems,
    ) -> Runbook | None:  # fmt: skip
        try:
            return self._file(self.find(name, file.parent), f"{step_id}.", (*chain, file.resolve()))
        except LoadError as error:
            if error.where is None:
                error.where = document.at((*at, "import_runbook"))
            problems.add_error(error)
            return None


def _no_mapping(document: Document) -> LoadError:
    """A file whose top is no mapping."""
    value = document.value
    if value is None:
        return LoadError(
            "the file is empty: it holds no runbook", where=document.at(()),
            advice="a runbook has name: at the top, and steps: or checks:",
        )  # fmt: skip
    plays = isinstance(value, list) and any(isinstance(v, Mapping) and ("hosts" in v or "tasks" in v) for v in value)
    if plays:
        return LoadError(
            "this looks like an Ansible playbook: a list of plays", where=document.at(()),
            advice="a runbook is one mapping: name: at the top (and hosts: if it names any), its tasks under steps:",
        )  # fmt: skip
    return LoadError(
        f"a runbook is a mapping, and this is {kind_of(value)}", where=document.at(()),
        advice="a runbook has name: at the top, and steps: or checks:",
    )  # fmt: skip
