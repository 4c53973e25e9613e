"""A runbook file → `Runbook`: validated, templates compiled, imports followed, every complaint with its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from playbook_engine.inventory.vars_files import read_vars_file
from playbook_engine.loading import finding, registry
from playbook_engine.loading.parameters import read_param, read_prompt
from playbook_engine.loading.problems import Problems, kind_of
from playbook_engine.loading.salvage import salvaged
from playbook_engine.loading.schema import RunbookModel
from playbook_engine.loading.step_files import StepFiles
from playbook_engine.loading.values import ValueReader
from playbook_engine.loading.yaml_source import Document, Where, read_yaml
from playbook_engine.model.errors import LoadError
from playbook_engine.model.runbook import OnFailure, Runbook, Strategy
from playbook_engine.templating.environment import Templar

MAX_DEPTH = 20  # imports within imports
MAX_FILES = 200  # two imports in each of twenty files would be a million


class Loader:
    """Finds and loads runbooks. `path` are the folders where a bare name is looked for."""

    def __init__(self, path: Sequence[Path], templar: Templar) -> None:
        self._path = path
        self.templar = templar
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
        document = document or read_yaml(file, self.templar.vault.file)
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
        files = StepFiles(self, file, chain)
        reader = files.reader(document, problems)
        steps_reader = files.read[0][0]
        values = ValueReader(document, problems, self.templar)
        params = tuple(read_param(document, name, raw, problems) for name, raw in model.params.items())
        if not (model.steps or model.checks or model.preconditions or "steps" in model.model_fields_set):
            problems.add((), "the runbook has neither steps nor checks", "write them under steps: and checks:")
        steps = reader.entries(model.steps, ("steps",), f"{prefix}s")
        handlers = [steps_reader.step(h, ("handlers", n), f"{prefix}h{n + 1}") for n, h in enumerate(model.handlers)]
        variables = values.variables(model.vars, ("vars",))
        for number, name in enumerate(model.vars_files):
            variables.update(self._vars_file(name, file, document, ("vars_files", number), problems))
        runbook = Runbook(
            name=model.name, file=str(file), title=model.title, description=model.description,
            severity=model.severity, owner=model.owner, services=tuple(model.services),
            registry=registry.services(model, problems), phases=tuple(model.phases), hosts=model.hosts,
            serial=tuple(model.serial) if isinstance(model.serial, list) else ((model.serial,) if model.serial else ()),
            strategy=Strategy(model.strategy), any_errors_fatal=model.any_errors_fatal,
            force_handlers=model.force_handlers,
            max_fail_percentage=0.0 if model.any_errors_fatal else model.max_fail_percentage,
            failure_budget=model.failure_budget, prompts=tuple(read_prompt(p) for p in model.vars_prompt),
            protected=model.protected, deadline=model.deadline,
            on_failure=OnFailure(model.on_failure), escalation=model.escalation, become=model.become,
            become_user=values.value(model.become_user, ("become_user",)),
            environment=values.mapping(model.environment, ("environment",)),
            vars=variables, params=params,
            preconditions=steps_reader.probes(model.preconditions, ("preconditions",), f"{prefix}p"),
            steps=steps, handlers=tuple(h for h in handlers if h is not None),
            checks=steps_reader.probes(model.checks, ("checks",), f"{prefix}c"), read_only=model.read_only,
            text=document.text,
        )  # fmt: skip
        if runbook.read_only:
            steps_reader.check_read_only(runbook)
        for each, inner in files.read:
            each.check_notifications(runbook)
            if inner is not problems:
                for error in inner.found:
                    problems.add_error(error)
        registry.check(model, problems)
        return runbook

    def _vars_file(
        self, name: str, file: Path, document: Document, path: Where, problems: Problems
    ) -> dict[str, object]:  # fmt: skip
        """The variables of one of `vars_files`."""
        try:
            return read_vars_file(file.parent / Path(name).expanduser(), self.templar.vault)
        except LoadError as error:
            problems.add_error(LoadError(error.message, advice=error.advice, where=error.where or document.at(path)))
        return {}

    def imported(self, name: str, beside: Path, prefix: str, chain: tuple[Path, ...]) -> Runbook:
        """A runbook that another one takes in. Raises LoadError, LoadErrors."""
        return self._file(self.find(name, beside), prefix, chain)


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
