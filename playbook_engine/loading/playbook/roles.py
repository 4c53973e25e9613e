"""Roles: found, read with what they depend on, and put where a play names them."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from pathlib import Path

from playbook_engine.inventory.vars_files import read_vars_file
from playbook_engine.loading.around import Around
from playbook_engine.loading.entries import EntryReader
from playbook_engine.loading.playbook.words import SHARED
from playbook_engine.loading.problems import Problems, kind_of
from playbook_engine.loading.salvage import salvaged
from playbook_engine.loading.schema import StepModel
from playbook_engine.loading.step_files import StepFiles
from playbook_engine.loading.yaml_source import Document, Where, read_yaml
from playbook_engine.model.errors import LoadError
from playbook_engine.model.frozen import frozen
from playbook_engine.model.runbook import Block, Entry, Include, Role, Step, handlers_in
from playbook_engine.templating.environment import NO_VAULT, Opener
from playbook_engine.templating.node import Template

SUFFIXES = (".yml", ".yaml", ".json", "")
ROLE = frozenset({"role", "name", "src", "version", "scm"})
MAX_DEPTH = 20  # roles that depend on roles


@frozen
class Wanted:
    """A role as it is named: which of its files, what it is given, and whether that is validated."""

    name: str
    tasks: str = "main"
    vars_file: str = "main"
    defaults_file: str = "main"
    handlers_file: str = "main"
    vars: Mapping[str, object] = field(default_factory=dict)
    params: Mapping[str, object] = field(default_factory=dict)
    public: bool = True
    validate: bool = True


class Roles:
    """For one play. `places`: folders where roles are looked for. What is read adds to `roles`, `handlers` and
    `handler_files`."""

    def __init__(self, places: Sequence[Path], prefix: str, opener: Opener = NO_VAULT) -> None:
        self._opener = opener
        self._places = tuple(places)
        self._prefix = prefix
        self._once: set[str] = set()
        self._handled: set[str] = set()
        self.roles: dict[str, Role] = {}
        self.handlers: list[Step] = []
        self.handler_files: dict[str, Include] = {}

    def seen(self, role_id: str) -> tuple[dict[str, object], dict[str, object], dict[str, object]]:
        """The defaults, the variables and the parameters that a task of that role sees; without one: of the play."""
        weak: dict[str, object] = {}
        firm: dict[str, object] = {}
        for role in self.roles.values():
            if role.public:
                weak |= role.defaults
                firm |= role.vars
        own = self.roles.get(role_id)
        if own is None:
            return weak, firm, {}
        return {**weak, **own.defaults}, {**firm, **own.own, **own.vars}, dict(own.params)

    # ---------------------------------------------------------------- as they are named

    def listed(
        self, raw: object, path: Where, entry_id: str, around: Around, files: StepFiles, reader: EntryReader,
        document: Document, problems: Problems, depth: int = 0,
    ) -> tuple[Entry, ...]:  # fmt: skip
        """One of `roles:`, or of the dependencies of a role: those that it depends on come first."""
        given = {"role": raw} if isinstance(raw, str) else raw
        if not isinstance(given, Mapping) or not isinstance(given.get("role", given.get("name")), str):
            problems.add(path, f"the name of a role is expected, and this is {kind_of(raw)}")
            return ()
        model = salvaged({k: v for k, v in given.items() if k in SHARED - {"name"}}, problems, StepModel, at=path)
        if model is None:
            return ()
        inner = around.inside(replace(reader.around(model, path), vars={}))
        values = reader.values
        params = {k: v for k, v in given.items() if k not in SHARED and k not in ROLE}
        wanted = Wanted(
            name=str(given.get("role", given.get("name"))), vars=values.variables(model.vars, (*path, "vars")),
            params=values.mapping({str(k): v for k, v in params.items()}, path),
        )  # fmt: skip
        return self._placed(wanted, path, entry_id, inner, files, document, problems, depth)

    def entry(
        self, model: StepModel, given: Mapping[str, object], static: bool, path: Where, entry_id: str,
        around: Around, files: StepFiles, reader: EntryReader, document: Document, problems: Problems,
    ) -> Entry | None:  # fmt: skip
        """import_role, which stands for the role, or include_role, which takes it in when its turn comes."""
        known = {"name", "role", "tasks_from", "vars_from", "defaults_from", "handlers_from", "public", "apply",
                 "allow_duplicates", "rolespec_validate"}  # fmt: skip
        for key in given:
            if key not in known:
                problems.unknown_key((*path, key), sorted(known), "key of the role")
                return None
        own = reader.values.variables(model.vars, (*path, "vars"))
        parts = {k: str(given.get(f"{k}_from") or "main") for k in ("tasks", "vars", "defaults", "handlers")}

        def wanted(name: str) -> Wanted:
            return Wanted(
                name=name, tasks=parts["tasks"], vars_file=parts["vars"], defaults_file=parts["defaults"],
                handlers_file=parts["handlers"], public=static or bool(given.get("public")),
                validate=given.get("rolespec_validate") is not False,
            )  # fmt: skip

        if static:
            inner = around.inside(reader.around(model, path))
            entries = self._placed(wanted(str(given["name"])), path, entry_id, inner, files, document, problems, 0)
            return Block(id=entry_id, name=model.name or "", steps=entries, where=document.at(path))
        name = reader.values.value(given["name"], path)
        applied = given.get("apply")
        more = model.model_copy(update={"apply": applied})
        inner = around.inside(reader.applied(more, path)).inside(Around(vars=own))
        names = self._names() if isinstance(name, Template) else [str(name)]
        choices = {}
        for number, each in enumerate(names, 1):
            place = f"{entry_id}.i{number}"
            entries = self._placed(wanted(each), path, place, inner, files, document, problems, 0)
            choices[each] = Block(id=place, name=each, steps=entries)
        if model.name in ("include_role", "ansible.builtin.include_role"):
            text = str(given["name"])
            shown = f"{{% raw %}}{text}{{% endraw %}}" if "{" in text else text  # as it is written: Ansible shows it so
            model = model.model_copy(update={"name": f"include_role : {shown}"})
        step = reader.built(model, path, entry_id, "include_steps", {"file": name, "choices": list(choices)})
        return Include(id=entry_id, step=around.of(step), choices=choices)

    def _names(self) -> list[str]:
        """Every role that can be found: a name that is a template may be any of them."""
        return sorted({p.name for place in self._places if place.is_dir() for p in place.iterdir() if p.is_dir()})

    # ---------------------------------------------------------------- as they are read

    def _placed(
        self, wanted: Wanted, path: Where, entry_id: str, around: Around, files: StepFiles, document: Document,
        problems: Problems, depth: int,
    ) -> tuple[Entry, ...]:  # fmt: skip
        where = document.at(path)
        try:
            folder = self._find(wanted.name, files.folder)
            if depth > MAX_DEPTH:
                raise LoadError(f"roles depend on one another more than {MAX_DEPTH} deep: {wanted.name}")
            role = self._role(wanted, folder)
            meta = _meta(folder)
        except LoadError as error:
            problems.add_error(LoadError(error.message, advice=error.advice, where=error.where or where))
            return ()
        name = wanted.name
        before = self._dependencies(meta, entry_id, around, files, folder, depth)
        key = repr((wanted, around.when, around.tags))
        if key in self._once and not meta.get("allow_duplicates") and wanted.public:
            return before
        self._once.add(key)
        role_id = self._named(name.rpartition("/")[2], role)
        own_place = Around(role=role_id, role_path=str(folder.resolve()), prefix=f"{name} : ")
        inner = around.inside(own_place).inside(Around(file=str(folder / "tasks" / "main.yml")))
        self._handlers(wanted, folder, role_id, name, files)
        tasks = _file(folder / "tasks", wanted.tasks)
        if tasks is None:
            if wanted.tasks != "main":
                problems.add(path, f"the role {name} has no tasks/{wanted.tasks}.yml")
            return before
        own = files.beside(folder / "tasks" / "main.yml") if tasks.stem != "main" else files
        entries = own.entries(tasks, f"{entry_id}.{role_id}.", inner, where=where, must=True)
        checked = self._validation(wanted, folder, entry_id, inner, files) if wanted.validate else ()
        return (*before, Block(id=f"{entry_id}.{role_id}", name=name, steps=(*checked, *(entries or ())), where=where))

    def _validation(
        self, wanted: Wanted, folder: Path, entry_id: str, around: Around, files: StepFiles
    ) -> tuple[Entry, ...]:  # fmt: skip
        """The step that a role with `argument_specs` for its file of tasks begins with."""
        file = _file(folder / "meta", "argument_specs") or _file(folder / "meta", "main")
        if file is None:
            return ()
        document = read_yaml(file, yaml11=True)
        specs = document.value.get("argument_specs") if isinstance(document.value, Mapping) else None
        entry_point = wanted.tasks.rpartition("/")[2]
        spec = specs.get(entry_point) if isinstance(specs, Mapping) else None
        if not isinstance(spec, Mapping) or not spec:
            return ()
        about = f" - {spec['short_description']}" if spec.get("short_description") else ""
        context = {"type": "role", "name": wanted.name, "argument_spec_name": entry_point, "path": str(folder)}
        task = {
            "name": f"Validating arguments against arg spec '{entry_point}'{about}",
            "validate_argument_spec": {"argument_spec": spec.get("options") or {}, "validate_args_context": context},
            "tags": ["always"],
        }
        place = around.inside(Around(file=str(file)))
        return files.beside(file).listed(document, [task], ("argument_specs", entry_point), f"{entry_id}.v", place)

    def _dependencies(
        self, meta: Mapping[str, object], entry_id: str, around: Around, files: StepFiles, folder: Path, depth: int
    ) -> tuple[Entry, ...]:  # fmt: skip
        listed = meta.get("dependencies")
        if not isinstance(listed, list) or not listed:
            return ()
        file = _file(folder / "meta", "main")
        assert file is not None
        document = read_yaml(file, yaml11=True)
        problems = Problems(document)
        inner = files.beside(file)
        reader = inner.reader(document, problems)
        found: list[Entry] = []
        for number, raw in enumerate(listed):
            place = ("dependencies", number)
            found += self.listed(
                raw, place, f"{entry_id}.d{number + 1}", around, inner, reader, document, problems, depth + 1
            )
        return tuple(found)

    def _find(self, name: str, beside: Path) -> Path:
        """The folder of a role. Raises LoadError with the places, or the name that is near."""
        own = beside.parent.parent if beside.name in ("tasks", "meta", "handlers") else beside  # a role's neighbours
        places = [*self._places, own]
        for place in places:
            if os.path.isdir(place / name):
                return place / name
        close = difflib.get_close_matches(name, self._names(), 1)
        advice = f"did you mean {close[0]}?" if close else f"looked in {', '.join(str(p) for p in places)}"
        if name.count(".") == 2:
            advice = "roles of collections are not read: put it beside the playbook, under roles/"
        raise LoadError(f"there is no role {name!r}", advice=advice)

    def _role(self, wanted: Wanted, folder: Path) -> Role:
        """Raises LoadError."""
        return Role(
            name=wanted.name, path=str(folder.resolve()), public=wanted.public,
            defaults=_variables(folder / "defaults", wanted.defaults_file, self._opener),
            own=wanted.vars, vars=_variables(folder / "vars", wanted.vars_file, self._opener), params=wanted.params,
        )  # fmt: skip

    def _named(self, name: str, role: Role) -> str:
        """The id of a role as the steps name it: the same one for the same variables."""
        for number in range(1, 1000):
            role_id = name if number == 1 else f"{name}#{number}"
            if role_id not in self.roles or self.roles[role_id] == role:
                self.roles[role_id] = role
                return role_id
        raise LoadError(f"the role {name} is taken in more than a thousand times")

    def _handlers(self, wanted: Wanted, folder: Path, role_id: str, name: str, files: StepFiles) -> None:
        file = _file(folder / "handlers", wanted.handlers_file)
        if file is None or str(file) in self._handled:
            return
        self._handled.add(str(file))
        around = Around(file=str(file), role=role_id, role_path=str(folder.resolve()), prefix=f"{name} : ")
        entries = files.entries(file, f"{self._prefix}h.{role_id}.", around, where=None, must=True) or ()
        handlers, handler_files = handlers_in(entries)
        self.handlers += handlers
        self.handler_files |= handler_files


def _file(folder: Path, name: str) -> Path | None:
    for suffix in SUFFIXES:
        path = folder / f"{name}{suffix}"
        if os.path.isfile(path):
            return path
    return None


def _variables(folder: Path, name: str, opener: Opener) -> dict[str, object]:
    """Those of `main.yml`, or of every file in a folder `main`. Raises LoadError."""
    if os.path.isdir(folder / name):
        found: dict[str, object] = {}
        for path in sorted((folder / name).rglob("*")):
            if path.is_file() and path.suffix in SUFFIXES:
                found.update(read_vars_file(path, opener))
        return found
    file = _file(folder, name)
    if file is None:
        if name != "main":
            raise LoadError(f"the role has no {folder.name}/{name}.yml")
        return {}
    return read_vars_file(file, opener)


def _meta(folder: Path) -> Mapping[str, object]:
    file = _file(folder / "meta", "main")
    value = read_yaml(file, yaml11=True).value if file is not None else None
    return {str(k): v for k, v in value.items()} if isinstance(value, Mapping) else {}
