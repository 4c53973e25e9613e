"""A playbook as runbooks: one for each play, and the files of tasks that they take in as files of steps beside them.

Pure: files are read, and texts are returned. What cannot be converted is a LoadError with its place.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from playbook_engine.loading.playbook.convert_tasks import (
    STEPS,
    Converted,
    Note,
    TaskConverter,
    entry,
    file_of,
    listed,
    variables_of,
)
from playbook_engine.loading.playbook.rewriting import Source, alike, dumped, indented, sources, with_facts
from playbook_engine.loading.playbook.words import INCLUDES, plain
from playbook_engine.loading.problems import Problems
from playbook_engine.loading.yaml_source import Document, Where, parse_yaml, read_yaml
from playbook_engine.model.errors import LoadError
from playbook_engine.templating.node import Template

__all__ = ["STEPS", "Converted", "Converter", "Note"]

HEAD = ("serial", "max_fail_percentage", "any_errors_fatal", "force_handlers", "become", "become_user", "environment")
SECTIONS = ("pre_tasks", "roles", "tasks", "post_tasks")
TOLD = ("order", "remote_user", "port", "connection")
"""Of a play: what has no place in a runbook, and a person is told of."""
WEAK = "\0"
"""Before the names of variables that came from the defaults of a role: what the play says wins over them."""


class Converter(TaskConverter):
    """Converts one playbook into files for `folder`."""

    def convert(self) -> Converted:
        """Raises LoadError, LoadErrors."""
        document = read_yaml(self._playbook, yaml11=True)
        problems = Problems(document)
        plays = document.value if isinstance(document.value, list) else []
        for number, play in enumerate(plays):
            if not isinstance(play, Mapping) or "hosts" not in play:
                problems.add((number,), "only plays can be converted", "convert an imported playbook by itself")
                continue
            self._play(document, problems, play, number, len(document.text.split("\n")))
        problems.raise_any()
        return self.made

    # ---------------------------------------------------------------- a play

    def _play(
        self, document: Document, problems: Problems, play: Mapping[str, object], number: int, last: int
    ) -> None:  # fmt: skip
        source = Source(document)
        path: Where = (number,)
        _, end = source.span(path, last)
        title = str(play.get("name") or f"play {number + 1} of {self._playbook.stem}")
        name = self._slug(title)
        lines = source.comments_before(document.at(path).line)
        lines += dumped({"name": name, "title": title, "hosts": play["hosts"], "on_failure": "stop"})
        strategy = str(play.get("strategy") or "linear")
        lines += dumped({"strategy": "free" if strategy in ("free", "host_pinned") else "linear"})
        for key in HEAD:
            if play.get(key) is not None:
                lines += self._section(source, document, path, key, play[key], end)
        defaults = play.get("module_defaults")
        self._defaults = defaults if isinstance(defaults, Mapping) else {}
        variables: dict[str, object] = {}
        params: dict[str, object] = {}
        handlers: list[str] = []
        steps: list[str] = []
        for section in SECTIONS:
            if not play.get(section):
                continue
            begun = len(steps)
            if section == "roles":
                for index, role in enumerate(listed(play["roles"])):
                    steps += self._role(document, problems, role, (*path, "roles", index), variables, params, handlers)
            else:
                steps += self._tasks(document, problems, play[section], (*path, section), end, self._playbook)
            if len(steps) > begun and section in ("pre_tasks", "tasks") and section != self._final(play):
                steps += ["- meta: flush_handlers"]
        _without_includes(problems, play.get("handlers"), (*path, "handlers"))
        handlers += self._tasks(document, problems, play.get("handlers"), (*path, "handlers"), end, self._playbook)
        if params:
            lines += ["params:", *indented(dumped(params), 2)]
        if isinstance(play.get("vars"), Mapping) or variables:
            lines += self._variables(source, document, path, play, variables, end)
        for key in ("vars_files", "vars_prompt"):
            if play.get(key):
                lines += self._section(source, document, path, key, self._moved(play[key], key), end)
        for key in play:
            if key in TOLD:
                self._note(document, (*path, key), f"{key} is not in the runbook: the inventory says it, or -u, -c")
        lines += ["", "steps:" if steps else "steps: []", *indented(steps, 2)]
        if handlers:
            lines += ["", "handlers:", *indented(handlers, 2)]
        self.made.runbooks.append(f"{name}.yml")
        self.made.texts[f"{name}.yml"] = with_facts("\n".join(lines)) + "\n"

    def _final(self, play: Mapping[str, object]) -> str:
        """The last section that has tasks: handlers run after it by themselves."""
        return next((s for s in reversed(SECTIONS) if play.get(s)), "")

    def _slug(self, title: str) -> str:
        slug = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:60] or self._playbook.stem
        for number in range(1, 1000):
            name = slug if number == 1 else f"{slug}-{number}"
            if f"{name}.yml" not in self.made.texts:
                return name
        raise LoadError("more than a thousand plays have one name")

    def _section(
        self, source: Source, document: Document, path: Where, key: str, value: object, last: int
    ) -> list[str]:  # fmt: skip
        """A key of the play with its value, as it stands where it means the same."""
        begin, end = source.span((*path, key), last)
        lines = source.text(begin, end, document.at((*path, key), key=True).column)
        comments = source.comments_before(begin)
        try:
            if alike(parse_yaml("\n".join(lines), document.file).value, {key: value}):
                return [*comments, *lines]
        except LoadError:
            pass  # words of YAML 1.1: written anew
        return [*comments, *source.comments_in(begin, end), *dumped({key: value})]

    def _variables(
        self, source: Source, document: Document, path: Where, play: Mapping[str, object],
        variables: Mapping[str, object], end: int,
    ) -> list[str]:  # fmt: skip
        own = play.get("vars")
        if isinstance(own, Mapping) and any(k in own and not k.startswith(WEAK) for k in variables):
            # What a role says in its vars/ is stronger than the play.
            return dumped({"vars": sources({**own, **{k: v for k, v in variables.items() if not k.startswith(WEAK)}})})
        lines = self._section(source, document, path, "vars", own, end) if isinstance(own, Mapping) else ["vars:"]
        plainly = {k.removeprefix(WEAK): v for k, v in variables.items()}
        more = {k: v for k, v in plainly.items() if not isinstance(own, Mapping) or k not in own}
        return [*lines, *indented(dumped(sources(more)), 2)] if more else lines

    def _role(
        self, document: Document, problems: Problems, role: object, path: Where, variables: dict[str, object],
        params: dict[str, object], handlers: list[str],
    ) -> list[str]:  # fmt: skip
        """A role of the play: its defaults are parameters of the runbook, so that the inventory wins over them."""
        given = {"role": role} if isinstance(role, str) else role
        if not isinstance(given, Mapping):
            problems.add(path, "the name of a role is expected")
            return []
        name = str(given.get("role") or given.get("name"))
        folder = self._role_folder(document, problems, name, path, self._playbook)
        if folder is None:
            return []
        lines: list[str] = []
        meta = file_of(folder / "meta", "main")
        needs = read_yaml(meta, yaml11=True).value if meta is not None else None
        for each in listed(needs.get("dependencies")) if isinstance(needs, Mapping) else []:
            lines += self._role(document, problems, each, path, variables, params, handlers)
        specs = isinstance(needs, Mapping) and needs.get("argument_specs")
        if specs or file_of(folder / "meta", "argument_specs") is not None:
            self._note(document, path, f"what the role {name} is given is not validated in the runbook")
        for key, value in variables_of(folder / "defaults").items():
            if _typed(value):
                params.setdefault(key, {"type": _typed(value), "default": value})
            else:
                variables.setdefault(f"{WEAK}{key}", value)
                self._note(
                    document, path, f"the default of {key} of the role {name} is stronger than the inventory now"
                )
        variables.update(variables_of(folder / "vars"))
        file = file_of(folder / "handlers", "main")
        if file is not None:
            inner = read_yaml(file, yaml11=True)
            found = Problems(inner)
            _without_includes(found, inner.value, ())
            handlers += self._tasks(inner, found, inner.value, (), len(inner.text.split("\n")), file)
            found.raise_any()
        main = file_of(folder / "tasks", "main")
        if main is None:
            return lines
        known = ("role", "name", "tags", "when", "vars", "become", "become_user", "environment", "no_log")
        extra = {k: v for k, v in given.items() if k not in known}
        own = given.get("vars")
        want: dict[str, object] = {"name": f"role {name}", "include_steps": self._file(main, self._playbook)}
        both = {**(own if isinstance(own, Mapping) else {}), **extra}
        if any(_speaks(p, r"role_name|role_path") for p in folder.rglob("*") if p.is_file()):
            beside = os.path.relpath(folder, self._folder)
            named = {"role_name": name, "ansible_role_name": name, "role_path": f"{{{{ playbook_dir }}}}/{beside}"}
            both = {**named, **both}
        if both:
            want["vars"] = both
        apply = {k: given[k] for k in ("when", "tags", "become", "become_user", "environment", "no_log") if k in given}
        if "tags" in apply:
            want["tags"] = apply["tags"]
        if apply:
            want["apply"] = apply
        return [*lines, *entry(dumped(sources(want)))]

    def _moved(self, value: object, key: str) -> object:
        """`vars_files` as the new place finds them."""
        if key != "vars_files":
            return value
        found = []
        for each in listed(value):
            names = [str(name) for name in listed(each)]
            there = next((p for n in names for p in (self._top / "vars" / n, self._top / n) if os.path.isfile(p)), None)
            found.append(os.path.relpath(there, self._folder) if there is not None else names[0])
        return found


def _without_includes(problems: Problems, handlers: object, path: Where) -> None:
    """A handler of a runbook is a step."""
    for number, handler in enumerate(handlers if isinstance(handlers, list) else ()):
        for key in handler if isinstance(handler, Mapping) else ():
            if plain(str(key)) in INCLUDES and not plain(str(key)).startswith("import_"):
                problems.add(
                    (*path, number), "a handler that includes a file cannot be one of a runbook",
                    "write its tasks under handlers, each with `listen:` and the name that it is told of by",
                )  # fmt: skip


def _speaks(file: Path, of: str) -> bool:
    try:
        return re.search(of, file.read_text("utf-8")) is not None
    except (OSError, UnicodeDecodeError):
        return False


def _typed(value: object) -> str:
    """The type of a parameter with this default; empty where a template says what it is."""
    if isinstance(value, bool):
        return "bool"
    kinds = {int: "int", float: "float", str: "str", list: "list", dict: "dict"}
    return "" if _templated(value) else kinds.get(type(value), "")


def _templated(value: object) -> bool:
    if isinstance(value, Mapping):
        return any(_templated(v) for v in value.values())
    return any(_templated(v) for v in value) if isinstance(value, list) else isinstance(value, Template)
