"""A play of a playbook as a runbook: its tasks are steps, and what Ansible means by them is what it does."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from playbook_engine.catalog import catalog
from playbook_engine.catalog.spec import parse_bool
from playbook_engine.inventory.vars_files import read_vars_file
from playbook_engine.loading.around import Around
from playbook_engine.loading.entries import EntryReader
from playbook_engine.loading.parameters import read_prompt
from playbook_engine.loading.playbook.dialect import PlaybookDialect
from playbook_engine.loading.playbook.known import Known
from playbook_engine.loading.playbook.roles import Roles
from playbook_engine.loading.playbook.words import CANNOT, ORDERS, PLAY, QUIET, SHARED, STRATEGIES
from playbook_engine.loading.problems import Problems, kind_of
from playbook_engine.loading.salvage import salvaged
from playbook_engine.loading.schema import PromptModel, RunbookModel, StepModel
from playbook_engine.loading.step_files import StepFiles
from playbook_engine.loading.yaml_source import Document, Where
from playbook_engine.model.errors import LoadError
from playbook_engine.model.frozen import frozen
from playbook_engine.model.runbook import Entry, Import, OnFailure, Prompt, Runbook, Step, Strategy, handlers_in
from playbook_engine.templating.environment import OMIT, Templar

GATHER = "Gathering Facts"
FLUSH = "flush_handlers"
NONE: Mapping[str, object] = {}
SETTLED = frozenset(
    {"serial", "strategy", "order", "gather_facts", "max_fail_percentage", "any_errors_fatal", "force_handlers",
     "gather_subset", "become", "become_method", "connection", "port", "remote_user", "check_mode", "diff", "no_log",
     "run_once"}
)  # fmt: skip
"""Keywords whose templates are run before the run."""


@frozen
class Play:
    """A play as it is read: its hosts are still a pattern. `order` is one of Ansible's; `user` and `port` are how its
    hosts are reached, where the inventory does not say it; `connection` likewise."""

    entry: Import
    hosts: object
    order: str = "inventory"
    user: str | None = None
    port: int | None = None
    connection: str | None = None


class PlayReader:
    """For one file."""

    def __init__(
        self, document: Document, problems: Problems, files: StepFiles, templar: Templar, places: Sequence[Path],
        known: Known,
    ) -> None:  # fmt: skip
        self._document = document
        self._problems = problems
        self._files = files
        self._templar = templar
        self._places = places
        self._before = replace(known, extra={"playbook_dir": files.playbook_dir, **known.extra})

    def play(self, raw: object, path: Where, play_id: str, around: Around) -> Play | None:
        """None when it is too wrong to be one; what is wrong is in the problems."""
        if not isinstance(raw, Mapping):
            self._problems.add(path, f"a play is a mapping, and this is {kind_of(raw)}")
            return None
        if not self._known(raw, path):
            return None
        given = _mapping(raw.get("vars"))
        ready = {k: self._settled(v, (*path, str(k)), given) for k, v in raw.items() if k in SETTLED}
        raw = {k: ready.get(k, v) for k, v in raw.items() if k not in ready or ready[k] is not None}
        hosts = raw.get("hosts")
        if not isinstance(hosts, (str, list)) or not hosts:
            self._problems.add((*path, "hosts"), f"hosts: a pattern is expected, and this is {kind_of(hosts)}")
            return None
        shared = {k: v for k, v in raw.items() if k in SHARED and k not in ("vars", "environment", "name")}
        model = salvaged(shared, self._problems, StepModel, at=path)
        limits = salvaged(
            {"name": "play", **{k: raw[k] for k in ("serial", "max_fail_percentage", "any_errors_fatal",
                                                    "force_handlers", "environment") if raw.get(k) is not None}},
            self._problems, RunbookModel, at=path,
        )  # fmt: skip
        if model is None or limits is None:
            return None
        defaults = raw.get("module_defaults")
        roles = Roles(self._places, f"{play_id}.", self._templar.vault)

        def settled(
            value: object, place: Where, more: Mapping[str, object], weak: Mapping[str, object], name: bool
        ) -> object:
            return self._settled(value, place, {**given, **more}, weak, name=name)

        dialect = PlaybookDialect(roles, defaults if isinstance(defaults, Mapping) else {}, settled)
        files = self._files.with_dialect(dialect)
        reader = files.reader(self._document, self._problems)
        inner = around.inside(reader.around(model, path))
        variables = self._variables(raw, path, reader.values.variables(_mapping(raw.get("vars")), (*path, "vars")))
        given = {**given, **variables}
        steps = self._steps(raw, path, play_id, inner, files, reader, roles)
        own = files.read_list(
            reader, self._document, self._problems, raw.get("handlers"), (*path, "handlers"), f"{play_id}.h", inner
        )
        handlers, handler_files = handlers_in(own)
        hosts_said = hosts if isinstance(hosts, str) else ",".join(str(h) for h in hosts)
        pattern = reader.values.value(hosts_said, (*path, "hosts"))
        name = str(raw.get("name") or hosts_said)
        values = reader.values
        runbook = Runbook(
            name=name, file=self._document.file, title=name, hosts=str(pattern), on_failure=OnFailure.STOP,
            strategy=Strategy(self._one_of(raw, path, "strategy", STRATEGIES, "linear")),
            serial=tuple(limits.serial) if isinstance(limits.serial, list) else
            ((limits.serial,) if limits.serial else ()),
            max_fail_percentage=limits.max_fail_percentage, any_errors_fatal=limits.any_errors_fatal,
            force_handlers=limits.force_handlers, play=True, deadline=None,
            environment=values.mapping(limits.environment, (*path, "environment")),
            vars=variables,
            prompts=self._prompts(raw, path), roles=roles.roles, steps=steps,
            handlers=(*roles.handlers, *handlers), handler_files={**roles.handler_files, **handler_files},
        )  # fmt: skip
        for each, inner_problems in files.read:
            each.check_notifications(runbook)
            if inner_problems is not self._problems:
                for error in inner_problems.found:
                    self._problems.add_error(error)
        files.read.clear()
        entry = Import(id=play_id, name=name, runbook=runbook, hosts=(), where=self._document.at(path))
        order = self._one_of(raw, path, "order", {o: o for o in ORDERS}, "inventory")
        port, connection = raw.get("port"), raw.get("connection")
        return Play(
            entry=entry, hosts=pattern, order=order, user=str(raw["remote_user"]) if raw.get("remote_user") else None,
            port=port if isinstance(port, int) else None, connection=str(connection) if connection else None,
        )  # fmt: skip

    def _settled(
        self, value: object, place: Where, given: Mapping[str, object], weak: Mapping[str, object] = NONE,
        *, name: bool = False,
    ) -> object:  # fmt: skip
        """What has to be known before the run, with its templates run; None for `omit`, and where they cannot be run,
        which is a problem then. `name`: of a file or role, which the rest of the plan hangs on."""
        if isinstance(value, list):
            return [self._settled(each, place, given, weak) for each in value]
        if not isinstance(value, str) or "{{" not in value:
            return value
        try:
            own = self._templar.compile_value(given, self._document.at(place))
            made = self._templar.compile_value(value, self._document.at(place))
            assert isinstance(own, Mapping)
            found = self._templar.render(made, self._before.under(weak, own))
            return None if found is OMIT else found
        except LoadError as error:
            if self._before.open and not name:
                return None
            self._problems.add(
                place,
                f"this has to be known before the run: {error.message}",
                "give it with -e, or in vars of the play, a block or the task: facts are not known yet, and what hosts "
                "differ in is not one value",
            )
            return None

    def _known(self, raw: Mapping[object, object], path: Where) -> bool:
        good = True
        for key in raw:
            if key in PLAY or key in QUIET or (key in CANNOT and raw[key] in (None, False)):
                continue
            good = False
            if key in CANNOT:
                self._problems.add(
                    (*path, str(key)),
                    f"{key} cannot be carried out",
                    CANNOT[str(key)],
                    key=True,
                    code="not-carried-out",
                )
            else:
                self._problems.unknown_key((*path, str(key)), PLAY, "key of a play")
        return good

    def _one_of(
        self, raw: Mapping[object, object], path: Where, key: str, known: Mapping[str, str], default: str
    ) -> str:
        value = str(raw.get(key) or default).removeprefix("ansible.builtin.")
        if value not in known:
            close = difflib.get_close_matches(value, known, 1)
            advice = f"did you mean {close[0]}?" if close else f"there are: {', '.join(known)}"
            self._problems.add((*path, key), f"{key}: {value!r} cannot be carried out", advice, code="not-carried-out")
            return known[default]
        return known[value]

    # ---------------------------------------------------------------- steps

    def _steps(
        self, raw: Mapping[object, object], path: Where, play_id: str, around: Around, files: StepFiles,
        reader: EntryReader, roles: Roles,
    ) -> tuple[Entry, ...]:  # fmt: skip
        """Facts, pre_tasks, roles and tasks, post_tasks; handlers run after each of the three."""
        found: list[Entry] = []
        if self._gathers(raw, path):
            found.append(_gather(f"{play_id}.g", around, raw))
        for key, letter in (("pre_tasks", "e"), ("tasks", "s"), ("post_tasks", "o")):
            before = len(found)
            if key == "tasks":
                for number, role in enumerate(_listed(raw.get("roles"), (*path, "roles"), self._problems)):
                    place = (*path, "roles", number)
                    found += roles.listed(
                        role, place, f"{play_id}.r{number + 1}", around, files, reader, self._document, self._problems
                    )
            found += files.read_list(
                reader, self._document, self._problems, raw.get(key), (*path, key), f"{play_id}.{letter}", around
            )
            if len(found) > before and key != "post_tasks":
                found.append(_flush(f"{play_id}.f{letter}"))
        return tuple(found)

    def _gathers(self, raw: Mapping[object, object], path: Where) -> bool:
        value = raw.get("gather_facts")
        if value is None:
            return True
        try:
            return parse_bool(value)
        except ValueError as error:
            self._problems.add((*path, "gather_facts"), f"gather_facts: {error}")
            return False

    # ---------------------------------------------------------------- variables

    def _variables(
        self, raw: Mapping[object, object], path: Where, own: dict[str, object]
    ) -> dict[str, object]:  # fmt: skip
        """`vars`, and over them `vars_files`: of a list of names the first that is there."""
        for number, entry in enumerate(_listed(raw.get("vars_files"), (*path, "vars_files"), self._problems)):
            place = (*path, "vars_files", number)
            names = entry if isinstance(entry, list) else [entry]
            tried: list[Path] = []
            for name in names:
                found = self._file(name, place, own)
                if found is None:
                    break
                tried.append(found)
                if os.path.isfile(found):
                    try:
                        own = {**own, **read_vars_file(found, self._templar.vault)}
                    except LoadError as error:
                        self._problems.add_error(error)
                    break
            else:
                said = ", ".join(str(p) for p in tried)
                self._problems.add(place, f"there is no file {names[0] if names else ''!r}", f"looked for {said}")
        return own

    def _file(self, name: object, place: Where, own: Mapping[str, object]) -> Path | None:
        folder = self._files.folder
        try:
            made = self._templar.compile_value(name, self._document.at(place))
            text = str(self._templar.render(made, self._before.under(NONE, own)))
        except LoadError as error:
            self._problems.add(
                place, f"the name of this file hangs on what is not known before the run: {error.message}",
                "give it with -e, or write a task: include_vars",
            )  # fmt: skip
            return None
        for candidate in (folder / "vars" / text, folder / text):
            if os.path.isfile(candidate):
                return candidate
        return folder / text

    def _prompts(self, raw: Mapping[object, object], path: Where) -> tuple[Prompt, ...]:
        found = []
        for number, entry in enumerate(_listed(raw.get("vars_prompt"), (*path, "vars_prompt"), self._problems)):
            place = (*path, "vars_prompt", number)
            if not isinstance(entry, Mapping):
                self._problems.add(place, f"a variable to ask for is a mapping, and this is {kind_of(entry)}")
                continue
            for key in ("encrypt", "salt", "salt_size"):
                if entry.get(key):
                    self._problems.add((*place, key), f"{key} cannot be carried out", "use password_hash", key=True)
            known = {k: v for k, v in entry.items() if k not in ("encrypt", "salt", "salt_size", "unsafe")}
            model = salvaged(known, self._problems, PromptModel, at=place)
            if model is not None:
                found.append(read_prompt(model))
        return tuple(found)


def _gather(step_id: str, around: Around, raw: Mapping[object, object]) -> Step:
    asked = raw.get("gather_subset") or ["all"]
    subset = [asked] if isinstance(asked, str) else [str(each) for each in asked] if isinstance(asked, list) else []
    local = [] if {"!min", "!local"} & set(subset) else ["local"]
    args = catalog.get("facts").complete({"gather_subset": [*(s for s in subset if s != "!local"), *local]})
    plain = replace(around, when=(), delegate_to=None, run_once=False, tags=(*around.tags, "always"))
    return plain.of(Step(id=step_id, name=GATHER, action="facts", args=args))


def _flush(step_id: str) -> Step:
    return Step(id=step_id, name=FLUSH, action="meta", args={"do": FLUSH}, tags=("always",))


def _mapping(value: object) -> dict[str, object]:
    if isinstance(value, list):  # a list of mappings, as older playbooks have it
        return {k: v for each in value for k, v in _mapping(each).items()}
    return {str(k): v for k, v in value.items()} if isinstance(value, Mapping) else {}


def _listed(value: object, path: Where, problems: Problems) -> Sequence[object]:
    if value is None:
        return ()
    if isinstance(value, str):
        return [value]
    if not isinstance(value, list):
        problems.add(path, f"{path[-1]}: a list is expected, and this is {kind_of(value)}")
        return ()
    return value
