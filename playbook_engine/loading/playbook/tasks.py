"""A task of a playbook as a step of a runbook: the same words where they mean the same, others put into ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from playbook_engine.catalog import catalog, oneliner
from playbook_engine.loading.playbook.words import CANNOT, INCLUDES, LOOPS, ONE_TERM, QUIET, TASK
from playbook_engine.loading.problems import Problems, kind_of
from playbook_engine.loading.yaml_source import Document, Where

TERMS = "ansible_loop_terms"
"""The variable that a `with_…` loop has its terms in."""
NEEDED = frozenset({"tags", "until"})
"""Keywords that want a value; the others say nothing when nothing is written after them."""
CONTROLLER = "localhost"
HERE = "{{ inventory_hostname if ansible_connection | default('ssh') == 'local' else 'localhost' }}"
"""Where a task with `connection: local` is done."""

Defaults = Mapping[str, Mapping[str, object]]
"""`module_defaults`: arguments by module."""


class TaskTranslator:
    """For one file."""

    def __init__(self, document: Document, problems: Problems) -> None:
        self._document = document
        self._problems = problems

    def step(self, task: Mapping[Any, object], path: Where, defaults: Defaults) -> dict[str, object] | None:
        """The mapping of a step; None when the task cannot be one, which is in the problems."""
        step: dict[str, object] = {}
        actions: list[tuple[str, str, object]] = []
        good = True
        for key, value in task.items():
            word = catalog.plain(str(key))
            if value is None and (key in TASK or str(key).startswith("with_")):
                if key not in TASK or key in NEEDED:
                    self._problems.add((*path, key), f"{key}: a value is expected, and this is nothing", key=True)
                    good = False
            elif not isinstance(key, str):
                self._problems.add(path, f"{key!r} is no key of a task")
                good = False
            elif key in ("action", "local_action"):
                found = self._action(value, (*path, key))
                good = good and found is not None
                if found is not None:
                    actions.append((key, *found))
                if key == "local_action":
                    step.setdefault("delegate_to", CONTROLLER)
            elif key.startswith("with_"):
                good = self._loop(key, value, path, step) and good
            elif key in ("args", "module_defaults") or key in QUIET:
                continue
            elif key == "connection":
                good = self._connection(value, path, step) and good
            elif key in TASK:
                step[key] = _plain(key, value)
            elif word in catalog.names():
                actions.append((key, word, value))
                if word != key:
                    self._alias((*path, word), (*path, key))
            elif key in CANNOT:
                if value not in (False, None):
                    self._problems.add(
                        (*path, key), f"{key} cannot be carried out", CANNOT[key], key=True, code="not-carried-out"
                    )
                    good = False
            else:
                self._unknown(key, path)
                good = False
        loops = [str(key) for key in task if key == "loop" or str(key).startswith("with_")]
        if len(loops) > 1:
            self._problems.add((*path, loops[1]), f"two loops in one task: {loops[0]} and {loops[1]}", key=True)
            good = False
        if not good:
            return None
        if len(actions) != 1:
            names = " and ".join(key for key, *_ in actions)
            message = f"two actions in one task: {names}" if actions else "the task has no action"
            self._problems.add(path, message, None if actions else "name the module: debug: {msg: ...}")
            return None
        ((key, word, value),) = actions
        own = {**defaults, **{k: _mapping(v) for k, v in _mapping(task.get("module_defaults")).items()}}
        arguments = self._arguments(word, value, task.get("args"), own, (*path, key))
        if arguments is None:
            return None
        step[word] = arguments
        step.setdefault("name", key if key not in ("action", "local_action") else word)
        return step

    def _unknown(self, key: str, path: Where) -> None:
        if "." in key:
            advice = f"runbook has these: {', '.join(catalog.names())}"
            self._problems.add(
                (*path, key), f"there is no action for the module {key}", advice, key=True, code="unknown-action"
            )
            return
        self._problems.unknown_key((*path, key), [*TASK, *INCLUDES, *catalog.names()], "module or keyword")

    def _alias(self, new: Where, old: Where) -> None:
        """What is written at the one place is looked for at the other."""
        for places in (self._document.values, self._document.keys):
            for place in [p for p in places if p[: len(old)] == old]:
                places[(*new, *place[len(old) :])] = places[place]

    # ---------------------------------------------------------------- the action

    def _action(self, value: object, path: Where) -> tuple[str, object] | None:
        """`action: copy src=a dest=b`, `action: {module: copy, ...}`: the module, and its arguments."""
        if isinstance(value, Mapping) and isinstance(value.get("module"), str):
            name, _, rest = str(value["module"]).partition(" ")
            given: object = {k: v for k, v in value.items() if k != "module"}
            given = {**_mapping(given), "_raw": rest} if rest else given
        elif isinstance(value, str) and value.strip():
            name, _, given = value.strip().partition(" ")
        else:
            self._problems.add(path, f"a module with its arguments is expected, and this is {kind_of(value)}")
            return None
        word = catalog.plain(name)
        if word not in catalog.names():
            self._problems.unknown_key((*path[:-1], name), catalog.names(), "module")
            return None
        return word, given

    def _arguments(self, word: str, value: object, args: object, defaults: Defaults, path: Where) -> object:
        """Free text, what `args:` adds to it, and `module_defaults` below both. None when they do not fit."""
        spec = catalog.get(word)
        low = {
            k: v for name, given in defaults.items() if catalog.plain(name) == word for k, v in _mapping(given).items()
        }
        more = {**low, **_mapping(args)}
        if not more or value is None or isinstance(value, Mapping):
            raw = value.get("_raw") if isinstance(value, Mapping) else None
            if raw is None:
                return {**more, **_mapping(value)} if more or value is None else value
            value, more = raw, {**more, **{k: v for k, v in _mapping(value).items() if k != "_raw"}}
        if isinstance(value, str):
            try:
                return {**more, **oneliner.parse(value, spec)}
            except ValueError as error:
                self._problems.add(path, str(error))
                return None
        return {**more, spec.free_form: value} if spec.free_form else value

    # ---------------------------------------------------------------- keywords of other names

    def _loop(self, key: str, value: object, path: Where, step: dict[str, object]) -> bool:
        """`with_items: …` is a loop over `query('items', …)`."""
        name = key.removeprefix("with_").removeprefix("ansible.builtin.")
        if name not in LOOPS:
            known = [f"with_{n}" for n in sorted(LOOPS)]
            self._problems.unknown_key((*path, key), known, "loop")
            return False
        own = step.get("vars")
        step["vars"] = {**_mapping(own), TERMS: value}
        step["loop"] = over(name)
        self._alias((*path, "loop"), (*path, key))
        return True

    def _connection(self, value: object, path: Where, step: dict[str, object]) -> bool:
        if value == "local":
            step.setdefault("delegate_to", HERE)
            return True
        if value in ("ssh", "smart", "paramiko", None):
            return True
        self._problems.add(
            (*path, "connection"), f"the connection {value!r} cannot be carried out", key=True, code="not-carried-out"
        )
        return False


def over(name: str) -> str:
    """The template of a loop over a lookup, its terms being in the variable TERMS."""
    if name in ONE_TERM:
        return f"{{{{ query('{name}', {TERMS}) }}}}"
    listed = f"{TERMS} if ({TERMS} is sequence and {TERMS} is not string and {TERMS} is not mapping) else [{TERMS}]"
    return f"{{{{ query('{name}', *({listed})) }}}}"


def _plain(key: str, value: object) -> object:
    """The value of a keyword as a step has it."""
    if key in ("notify", "listen") and isinstance(value, str):
        return [value]
    if key == "tags" and isinstance(value, list):
        return [str(each) if isinstance(each, int) else each for each in value]
    if key == "name" and isinstance(value, (int, float)):
        return str(value)
    return [each for each in value if each is not None] if key == "when" and isinstance(value, list) else value


def _mapping(value: object) -> dict[str, object]:
    return {str(k): v for k, v in value.items()} if isinstance(value, Mapping) else {}
