"""A list of steps, as it is written: steps, blocks, other files taken in here, other runbooks."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from playbook_engine.loading.around import EVERY, NOTHING, Around
from playbook_engine.loading.problems import Problems, kind_of
from playbook_engine.loading.salvage import salvaged
from playbook_engine.loading.schema import StepModel
from playbook_engine.loading.steps import StepReader
from playbook_engine.loading.values import ValueReader
from playbook_engine.loading.yaml_source import Document, Where
from playbook_engine.model.errors import LoadError, TemplateError
from playbook_engine.model.runbook import Block, Entry, Import, Include, Runbook, Step
from playbook_engine.model.source import SourcePos
from playbook_engine.templating.environment import Templar
from playbook_engine.templating.node import Template


class Files(Protocol):
    """The files that this one takes in."""

    folder: Path

    @property
    def playbook_dir(self) -> str: ...
    def runbook(self, name: str, entry_id: str) -> Runbook: ...
    def entries(
        self, file: Path, prefix: str, around: Around, where: SourcePos | None = None
    ) -> tuple[Entry, ...] | None: ...
    def folders(self) -> tuple[Path, ...]: ...
    def found(self, name: str) -> Path: ...


BLOCK_KEYS = ("name", "block", "rescue", "always", *EVERY)
INCLUDE_KEYS = (
    "name", "include_steps", "vars", "when", "loop", "loop_control", "tags", "register", "ignore_errors", "run_once",
    "no_log", "apply",
)  # fmt: skip
PLACE = re.compile(r"\{\{\s*(playbook_dir|role_path)\s*\}\}")
MANY = 200  # files that a name with a template in it may stand for


class EntryReader:
    """For one file."""

    def __init__(
        self, document: Document, problems: Problems, values: ValueReader, steps: StepReader, files: Files,
        templar: Templar,
    ) -> None:  # fmt: skip
        self._document = document
        self._problems = problems
        self.values = values
        self._steps = steps
        self._files = files
        self._templar = templar

    def entries(
        self, raws: Sequence[StepModel], path: Where, prefix: str, around: Around = NOTHING
    ) -> tuple[Entry, ...]:  # fmt: skip
        """What is wrong is in the problems; what is too wrong to be an entry is left out."""
        made = (self.entry(raw, (*path, n), f"{prefix}{n + 1}", around) for n, raw in enumerate(raws))
        return tuple(entry for entry in made if entry is not None)

    def entry(self, raw: StepModel, path: Where, entry_id: str, around: Around) -> Entry | None:
        if raw.block is not None:
            return self._block(raw, path, entry_id, around)
        for key in ("rescue", "always"):
            if getattr(raw, key) is not None:
                self._problems.add((*path, key), f"{key} belongs to a block", "write block: with the steps before it")
                return None
        if raw.include_steps is not None:
            return self._include(raw, path, entry_id, around)
        if raw.import_runbook is not None:
            return self._import(raw, path, entry_id, around)
        step = self._steps.step(raw, path, entry_id, need_undo=True)
        return around.of(step) if step is not None else None

    def built(
        self, raw: StepModel, path: Where, step_id: str, action: str, args: Mapping[str, object]
    ) -> Step:  # fmt: skip
        """A step whose action is known."""
        return self._steps.built(raw, path, step_id, action, args)

    def around(self, raw: StepModel, path: Where) -> Around:
        """What a block says for its steps."""
        values = self.values
        self._steps.tells(raw.notify, path)
        return Around(
            when=values.conditions(raw.when, (*path, "when")), tags=tuple(raw.tags),
            vars=values.variables(raw.vars, (*path, "vars")),
            environments=(values.value(raw.environment, (*path, "environment")),) if raw.environment else (),
            become=raw.become, become_user=values.value(raw.become_user, (*path, "become_user")),
            become_method=raw.become_method, no_log=raw.no_log,
            ignore_errors=values.value(raw.ignore_errors, (*path, "ignore_errors")),
            ignore_unreachable=values.value(raw.ignore_unreachable, (*path, "ignore_unreachable")),
            delegate_to=values.value(raw.delegate_to, (*path, "delegate_to")), run_once=raw.run_once,
            check_mode=raw.check_mode, diff=raw.diff, throttle=raw.throttle, notify=tuple(raw.notify),
        )  # fmt: skip

    def _block(self, raw: StepModel, path: Where, entry_id: str, around: Around) -> Block:
        self._only(raw, path, BLOCK_KEYS, "block")
        inner = around.inside(self.around(raw, path))
        parts = {
            key: self.entries(getattr(raw, key) or (), (*path, key), f"{entry_id}.{letter}", inner)
            for key, letter in (("block", "s"), ("rescue", "x"), ("always", "a"))
        }
        if not parts["block"] and not raw.block and not self._problems.told((*path, "block")):
            self._problems.add((*path, "block"), "the block is empty", key=True)
        return Block(
            id=entry_id, name=raw.name or "", steps=parts["block"], rescue=parts["rescue"], always=parts["always"],
            where=self._document.at(path),
        )  # fmt: skip

    def _only(self, raw: StepModel, path: Where, known: Sequence[str], what: str) -> None:
        """Keys that mean something here; an action beside them is told as such."""
        fields = StepModel.model_fields
        written = [fields[name].alias or name for name in fields if name in raw.model_fields_set]
        for key in written:
            if key not in known:
                message = f"{key} means nothing for {'an' if what[0] in 'aeiou' else 'a'} {what}"
                self._problems.add((*path, key), message, f"its steps say it for themselves: {', '.join(known)} count")
        for key in raw.model_extra or {}:
            self._problems.unknown_key((*path, str(key)), known, f"key of {'an' if what[0] in 'aeiou' else 'a'} {what}")

    # ---------------------------------------------------------------- other files

    def _include(self, raw: StepModel, path: Where, entry_id: str, around: Around) -> Include | None:
        self._only(raw, path, INCLUDE_KEYS, "include")
        place = (*path, "include_steps")
        given = raw.include_steps
        if isinstance(given, Mapping):
            extra = [k for k in given if k not in ("file", "apply")]
            for key in extra:
                self._problems.unknown_key((*place, str(key)), ("file", "apply"), "key of include_steps")
            given, place = given.get("file"), (*place, "file")
        if not isinstance(given, str) or not given:
            self._problems.add(place, f"the name of a file is expected, and this is {kind_of(given)}")
            return None
        name = self.values.value(given, place)
        own = self.values.variables(raw.vars, (*path, "vars"))
        step = around.of(self._steps.built(raw, path, entry_id, "include_steps", {"file": name}))
        inner = around.inside(self.applied(raw, path)).inside(Around(vars=own))
        choices: dict[str, Block] = {}
        for number, (chosen, file, sure) in enumerate(self._named(name, step, around), 1):
            where = self._document.at(place)
            entries = self._files.entries(file, f"{entry_id}.i{number}.", inner, where=where if sure else None)
            if entries is not None:
                choices[chosen] = Block(id=f"{entry_id}.i{number}", name=chosen, steps=entries)
        places = {"choices": list(choices), "folder": str(self._files.folder.resolve())}
        step = replace(step, args={**step.args, **places})
        return Include(id=entry_id, step=step, choices=choices)

    def applied(self, raw: StepModel, path: Where) -> Around:
        """`apply:` of an include: what it says for the steps of the file."""
        given: object = raw.apply
        if given is None and isinstance(raw.include_steps, Mapping):
            given = raw.include_steps.get("apply")
        at = (*path, "apply") if raw.apply is not None else (*path, "include_steps", "apply")
        if not isinstance(given, Mapping):
            if given is not None:
                self._problems.add(at, f"apply: keywords of steps are expected, and this is {kind_of(given)}")
            return NOTHING
        model = salvaged(given, self._problems, StepModel, at=at)
        return NOTHING if model is None else self.around(model, at)

    def _named(self, name: object, step: Step, around: Around) -> list[tuple[str, Path, bool]]:
        """(name, file, whether it must be there) of each file that an include may come to."""
        if not isinstance(name, Template):
            return [(str(name), self._files.found(str(name)), True)]
        places = {"playbook_dir": self._files.playbook_dir, **around.place}
        texts = self._told(name, step, {**places, **step.vars})
        if texts is not None:
            return [(text, self._files.found(text), True) for text in dict.fromkeys(texts)]
        shape = PLACE.sub(lambda m: glob.escape(places.get(m[1], "")) or m[0], name.source)
        shape = re.sub(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", "*", shape)
        shape = re.sub(r"\*+", "*", shape)
        found: dict[str, Path] = {}
        for folder in self._files.folders() if shape != "*" else (self._files.folder,):
            wanted = os.path.join(glob.escape(str(folder)), shape if shape != "*" else "**/*.y*ml")
            for file in sorted(glob.glob(wanted, recursive=True)):
                if file.endswith((".yml", ".yaml")) and os.path.isfile(file):
                    found.setdefault(os.path.relpath(file, folder), Path(file))
        return [(text, file, False) for text, file in list(found.items())[:MANY]]

    def _told(self, name: Template, step: Step, known: Mapping[str, object]) -> list[str] | None:
        """The names that a template comes to, when the step itself says all that it needs."""
        try:
            if step.loop is None:
                return [str(self._templar.render(name, known))]
            items = self._templar.render(step.loop, known)
            if not isinstance(items, list):
                return None
            return [str(self._templar.render(name, {**known, step.loop_var: item})) for item in items]
        except (TemplateError, LoadError):
            return None

    def _import(self, raw: StepModel, path: Where, entry_id: str, around: Around) -> Import | None:
        assert raw.import_runbook is not None
        try:
            runbook = self._files.runbook(raw.import_runbook, entry_id)
        except LoadError as error:
            if error.where is None:
                error.where = self._document.at((*path, "import_runbook"))
            self._problems.add_error(error)
            return None
        entry = self._steps.imported(raw, path, entry_id, runbook)
        return replace(entry, when=(*around.when, *entry.when), tags=(*around.tags, *entry.tags))
