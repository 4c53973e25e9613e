"""A runbook file → `Runbook`: validated, templates compiled, imports followed, every complaint with its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import ValidationError

from playbook_engine.loading import registry
from playbook_engine.loading.problems import Problems
from playbook_engine.loading.schema import RunbookModel
from playbook_engine.loading.steps import StepReader
from playbook_engine.loading.yaml_source import Document, read_yaml
from playbook_engine.model.errors import LoadError
from playbook_engine.model.runbook import Import, OnFailure, Param, Runbook, Step
from playbook_engine.templating.environment import Templar

SUFFIXES = ("", ".yml", ".yaml")


class Loader:
    """Finds and loads runbooks. `path` are the folders where a bare name is looked for."""

    def __init__(self, path: Sequence[Path], templar: Templar) -> None:
        self._path = path
        self._templar = templar

    def find(self, name: str, beside: Path | None = None) -> Path:
        """The file of a runbook's name or path. Raises LoadError with the names that are near."""
        import difflib

        given = Path(name)
        places = [beside, *self._path] if beside else [*self._path]
        if given.is_absolute() or name.startswith((".", "~")) or "/" in name:
            places = [beside or Path()]
        for folder in places:
            for suffix in SUFFIXES:
                for candidate in (folder / f"{given.expanduser()}{suffix}", folder / name / f"{given.name}.yml"):
                    if candidate.is_file():
                        return candidate
        if given.is_file():
            return given
        close = difflib.get_close_matches(name, self.names(), 1)
        advice = f"did you mean {close[0]}?" if close else f"looked in {', '.join(str(p) for p in places)}"
        raise LoadError(f"there is no runbook {name!r}", advice=advice)

    def names(self) -> list[str]:
        """The runbooks on the path."""
        return sorted({f.stem for folder in self._path if folder.is_dir() for f in folder.glob("*.yml")})

    def load(self, name: str) -> Runbook:
        """Raises LoadError, or LoadErrors with everything that is wrong."""
        return self._file(self.find(name), "", ())

    def _file(self, file: Path, prefix: str, chain: tuple[Path, ...]) -> Runbook:
        if file.resolve() in chain:
            names = " → ".join(p.stem for p in (*chain, file.resolve()))
            raise LoadError(f"{file}: the imports go round in a circle: {names}")
        document = read_yaml(file)
        problems = Problems(document)
        if not isinstance(document.value, Mapping):
            raise LoadError(
                "a runbook is a mapping that begins with name:", where=document.at(()),
                advice="a list of plays is an Ansible playbook; a runbook has name:, steps: and checks: at the top",
            )  # fmt: skip
        model: RunbookModel | None = None
        try:
            model = RunbookModel.model_validate(document.value)
        except ValidationError as error:
            problems.of_validation(error, RunbookModel)
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
        reader = StepReader(document, problems, self._templar)
        params = tuple(self._param(document, name, problems, model) for name in model.params)
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
            max_fail_percentage=model.max_fail_percentage, deadline=model.deadline,
            on_failure=OnFailure(model.on_failure), escalation=model.escalation, become=model.become,
            become_user=reader.value(model.become_user, ("become_user",)),
            environment=reader.mapping(model.environment, ("environment",)),
            vars=reader.mapping(model.vars, ("vars",)), params=params,
            preconditions=reader.probes(model.preconditions, ("preconditions",), f"{prefix}p"),
            steps=tuple(steps), handlers=tuple(h for h in handlers if h is not None),
            checks=reader.probes(model.checks, ("checks",), f"{prefix}c"), read_only=model.read_only,
            text=document.text,
        )  # fmt: skip
        reader.check_notifications(runbook)
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

    def _param(self, document: Document, name: str, problems: Problems, model: RunbookModel) -> Param:
        from playbook_engine.catalog.spec import ParamSpec

        raw = model.params[name]
        default = raw.default
        if default is not None:
            try:
                default = ParamSpec(name=name, type=raw.type).convert(default)
            except ValueError as error:
                problems.add(("params", name, "default"), f"the default of {name}: {error}")
        if not name.isidentifier():
            problems.add(("params", name), f"{name!r} is no name for a parameter: letters, digits and _ only", key=True)
        return Param(
            name=name, type=raw.type, default=default, required=raw.required, description=raw.description,
            choices=tuple(raw.choices), minimum=raw.minimum, maximum=raw.maximum, pattern=raw.pattern,
            secret=raw.secret,
            where=document.at(("params", name), key=True),
        )  # fmt: skip
