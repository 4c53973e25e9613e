"""Lists of tasks as the entries of a runbook: blocks, other files, roles; tasks go through the reader of steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from playbook_engine.loading.around import Around
from playbook_engine.loading.entries import EntryReader
from playbook_engine.loading.playbook.tasks import Defaults, TaskTranslator
from playbook_engine.loading.playbook.words import BLOCK, INCLUDES, SHARED, plain
from playbook_engine.loading.problems import Problems, kind_of
from playbook_engine.loading.salvage import salvaged
from playbook_engine.loading.schema import StepModel
from playbook_engine.loading.step_files import StepFiles
from playbook_engine.loading.yaml_source import Document, Where
from playbook_engine.model.runbook import Block, Entry

if TYPE_CHECKING:
    from playbook_engine.loading.playbook.roles import Roles

Settled = Callable[[object, Where, Mapping[str, object], Mapping[str, object], bool], object]
STATIC = frozenset(
    {"retries", "delay", "throttle", "timeout", "async", "poll", "become", "become_method", "check_mode", "diff",
     "run_once", "no_log", "tags"}
)  # fmt: skip
"""Keywords of a task whose templates are run before the run."""
SECTIONS = (("block", "s"), ("rescue", "x"), ("always", "a"))
INCLUDE = frozenset(
    {"name", "vars", "when", "loop", "loop_control", "tags", "register", "run_once", "no_log", "apply", "args"}
)  # fmt: skip
"""What a playbook says for an include itself."""


class PlaybookDialect:
    """For one play: its roles, and what its modules are given by default."""

    yaml11 = True

    def __init__(self, roles: Roles, defaults: Defaults, settled: Settled) -> None:
        """`settled` renders what has to be known before the run, such as the name of a file that is imported: (value,
        where, variables, defaults of roles, whether it is such a name)."""
        self.roles = roles
        self._defaults = defaults
        self._settled = settled

    def entry(
        self, raw: object, path: Where, entry_id: str, around: Around, files: StepFiles, reader: EntryReader,
        document: Document, problems: Problems,
    ) -> Entry | None:  # fmt: skip
        """One entry of a list of tasks."""
        if not isinstance(raw, Mapping):
            problems.add(path, f"a task is a mapping, and this is {kind_of(raw)}")
            return None
        if "block" in raw:
            return self._block(raw, path, entry_id, around, files, reader, document, problems)
        for key in raw:
            word = plain(str(key))
            if word in INCLUDES or word == "include":
                return self._taken_in(raw, str(key), path, entry_id, around, files, reader, document, problems)
        step = TaskTranslator(document, problems).step(raw, path, self._defaults)
        if step is None:
            return None
        known = {**around.vars, **_mapping(raw.get("vars"))}
        step = self._ready(step, path, known, around)
        if isinstance(control := step.get("loop_control"), Mapping):
            place = (*path, "loop_control")
            step["loop_control"] = {
                k: self._before(v, (*place, k), known, around) if k in ("pause", "extended") else v
                for k, v in control.items()
            }
        model = salvaged(step, problems, StepModel, at=path)
        return reader.entry(model, path, entry_id, around) if model is not None else None

    def _ready(
        self, said: Mapping[str, object], path: Where, own: Mapping[str, object], around: Around
    ) -> dict[str, object]:
        """Keywords with the templates run of those that are settled before the run; `omit` leaves one out."""
        ready = {k: self._before(v, (*path, k), own, around) for k, v in said.items() if k in STATIC}
        return {k: ready.get(k, v) for k, v in said.items() if k not in ready or ready[k] is not None}

    def _before(
        self, value: object, place: Where, own: Mapping[str, object], around: Around, *, name: bool = False
    ) -> object:
        """A value that has to be known before the run."""
        weak, firm, strong = self.roles.seen(around.role)
        return self._settled(value, place, {**around.place, **firm, **own, **strong}, weak, name)

    def _block(
        self, raw: Mapping[object, object], path: Where, entry_id: str, around: Around, files: StepFiles,
        reader: EntryReader, document: Document, problems: Problems,
    ) -> Block | None:  # fmt: skip
        for key in raw:
            if key not in BLOCK:
                problems.unknown_key((*path, str(key)), BLOCK, "key of a block")
                return None
        said = {str(k): v for k, v in raw.items() if k in SHARED or k == "notify"}
        said = self._ready(said, path, {**around.vars, **_mapping(raw.get("vars"))}, around)
        if isinstance(raw.get("notify"), str):
            said["notify"] = [raw["notify"]]
        model = salvaged(said, problems, StepModel, at=path)
        if model is None:
            return None
        inner = around.inside(reader.around(model, path))
        own = raw.get("module_defaults")
        dialect = (
            PlaybookDialect(self.roles, {**self._defaults, **own}, self._settled) if isinstance(own, Mapping) else self
        )
        parts = {
            key: files.with_dialect(dialect).read_list(
                reader, document, problems, raw.get(key), (*path, key), f"{entry_id}.{letter}", inner
            )
            for key, letter in SECTIONS
        }
        return Block(
            id=entry_id, name=str(raw.get("name") or ""), steps=parts["block"], rescue=parts["rescue"],
            always=parts["always"], where=document.at(path),
        )  # fmt: skip

    def _taken_in(
        self, raw: Mapping[object, object], key: str, path: Where, entry_id: str, around: Around, files: StepFiles,
        reader: EntryReader, document: Document, problems: Problems,
    ) -> Entry | None:  # fmt: skip
        """import_tasks and import_role stand for what they name; include_tasks and include_role choose in the run."""
        word = plain(key)
        others = {k: v for k, v in raw.items() if k != key}
        static = word.startswith("import_")
        known = SHARED if static else INCLUDE | SHARED
        for other in others:
            if other not in known and not str(other).startswith("with_") and other != "ignore_errors":
                problems.unknown_key((*path, str(other)), known, f"key of {word}")
                return None
        given = _options(raw[key], "name" if word.endswith("role") else "file")
        translated = TaskTranslator(document, problems).step({**others, "debug": None}, path, {})
        if translated is None:
            return None
        step = {k: v for k, v in translated.items() if k not in ("debug", "apply")}
        step["name"] = str(raw.get("name") or key)
        model = salvaged(step, problems, StepModel, at=path)
        if model is None:
            return None
        if not given:
            problems.add((*path, key), f"{key}: a name is expected, and this is {kind_of(raw[key])}", key=True)
            return None
        if static:
            chief = "name" if word.endswith("role") else "file"
            given = {
                **given,
                chief: self._before(given.get(chief), (*path, key), {**around.vars, **model.vars}, around, name=True),
            }
        if word.endswith("role"):
            return self.roles.entry(model, given, static, path, entry_id, around, files, reader, document, problems)
        if static:
            return self._static(model, given, path, entry_id, around, files, reader, document)
        model = model.model_copy(update={"include_steps": given["file"], "apply": given.get("apply")})
        return reader.entry(model, path, entry_id, around)

    def _static(
        self, model: StepModel, given: Mapping[str, object], path: Where, entry_id: str, around: Around,
        files: StepFiles, reader: EntryReader, document: Document,
    ) -> Block:  # fmt: skip
        inner = around.inside(reader.around(model, path))
        where = document.at(path)
        entries = files.entries(files.found(str(given["file"])), f"{entry_id}.", inner, where=where, must=True)
        return Block(id=entry_id, name=model.name or "", steps=entries or (), where=where)


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _options(value: object, chief: str) -> dict[str, object]:
    """`include_tasks: x.yml` and `include_tasks: {file: x.yml, apply: …}`."""
    if isinstance(value, str):
        return {chief: value.split(" ")[0] if "{{" not in value else value}
    if isinstance(value, Mapping):
        found = {str(k): v for k, v in value.items()}
        found.setdefault(chief, found.pop("_raw_params", None) or found.get("role"))
        return found if found[chief] else {}
    return {}
