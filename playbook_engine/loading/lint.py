"""What can be said of a loaded runbook without running it: names that nobody defines, values that nobody tells."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from playbook_engine.catalog import catalog
from playbook_engine.loading.places import CODE, Finder
from playbook_engine.loading.problems import in_order
from playbook_engine.loading.results import attributes, slip
from playbook_engine.model.errors import LoadError, TemplateError, VaultError
from playbook_engine.model.runbook import Block, Entry, Import, Include, Probe, Runbook, Step
from playbook_engine.model.source import SourcePos
from playbook_engine.model.spelling import did_you_mean, nearest
from playbook_engine.templating.environment import Templar
from playbook_engine.templating.node import Template, templates_in

ENGINE = frozenset(
    {"inventory_hostname", "inventory_hostname_short", "group_names", "groups", "hostvars", "ansible_facts",
     "ansible_check_mode", "ansible_diff_mode", "ansible_play_hosts", "ansible_play_hosts_all", "ansible_play_batch",
     "play_hosts", "ansible_run_tags", "ansible_skip_tags", "ansible_search_path", "ansible_forks",
     "ansible_verbosity", "playbook_dir", "runbook_name"}
)  # fmt: skip
"""The variables that the engine itself sets. (The names that every template knows are the templar's to say.)"""

FAILED = frozenset({"ansible_failed_task", "ansible_failed_result"})
"""What the steps under `rescue` and `always` know of the one that failed."""
RESULT = "result"
AS_VALUE = re.compile(r"(?<![\w.\"'|])(query|lookup|q|now|range|dict|namespace|undef)\s*[.\[]")
"""A name of a function of every template, used as if it were a variable: then a variable it must be."""


ReadFile = Callable[[str, str, str], bytes]
"""(runbook file, kind `file` or `template`, name) -> content; raises LoadError."""


def undefined(
    runbook: Runbook, templar: Templar, known: Iterable[str], read: ReadFile | None = None
) -> list[LoadError]:  # fmt: skip
    """Every use of a name that neither the runbook, its inventory (`known`), nor the engine defines.

    Also what is one slip away from a value that the action tells, and parameters that an import needs and nobody gives.
    With `read`, the files that the runbook places too: that they are there, and what their templates name.
    """
    found: list[LoadError] = []
    _runbook(runbook, templar, set(known) | ENGINE, found, read)
    return in_order(found)


def _runbook(
    runbook: Runbook, templar: Templar, outside: set[str], found: list[LoadError], read: ReadFile | None
) -> None:  # fmt: skip
    comes = set(_defined(runbook))
    names = outside | {p.name for p in runbook.params} | set(runbook.vars) | comes
    look = _Look(runbook, templar, found, read)
    for value in (runbook.vars, runbook.environment, runbook.become_user):
        look.value(value, names)
    for probe in (*runbook.preconditions, *runbook.checks):
        look.probe(probe, names)
    for step, own in _met((*runbook.steps, *runbook.handlers, *runbook.taken_in()), names):
        if isinstance(step, Step):
            look.step(step, own)
            continue
        look.value(step.params, own)
        look.conditions(step.when, own, step.where)
        for param in step.runbook.params:
            if param.required and param.name not in step.params and param.name not in outside | comes:
                why = f": {param.description}" if param.description else ""
                message = f"{step.runbook.name} needs {param.name}{why}"
                advice = f"give it: params: {{{param.name}: ...}}"
                found.append(LoadError(message, advice=advice, where=step.where, code="missing-parameter"))
        _runbook(step.runbook, templar, outside | comes, found, read)


def _met(entries: Iterable[Entry], names: set[str]) -> Iterator[tuple[Step | Import, set[str]]]:
    """Every step and import with the names that are known where it stands."""
    for entry in entries:
        if isinstance(entry, Block):
            yield from _met(entry.steps, names)
            yield from _met((*entry.rescue, *entry.always), names | FAILED)
        elif isinstance(entry, Include):
            yield entry.step, names
            yield from _met(entry.choices.values(), names | _of_loop(entry.step))
        else:
            yield entry, names


def _of_loop(step: Step) -> set[str]:
    """The names that a loop gives its step."""
    if step.loop is None:
        return set()
    names = {step.loop_var, *([step.loop_index_var] if step.loop_index_var else [])}
    return names | ({"ansible_loop"} if step.loop_extended else set())


def placed(step: Step) -> Iterator[tuple[str, str]]:
    """The files of the controller that a step names as plain text: kind and name."""
    spec = catalog.get(step.action)
    for param in spec.params.values():
        name = step.args.get(param.name)
        if param.local and isinstance(name, str) and spec.reads_here(step.args):
            # A template with other delimiters is not looked through, only for: it is there if its mode can be told.
            plain = not any(step.args.get(f"{each}_start_string") for each in ("block", "variable", "comment"))
            yield param.local if plain else f"{param.local}-mode", param.file_named(name)


def text_of(read: ReadFile, file: str, kind: str, name: str) -> str:
    try:
        data = read(file, kind, name)
    except LoadError:
        if kind != "file":
            raise
        return _folder(read, file, name)
    return data.decode("utf-8", "replace") if kind == "template" else ""


def _folder(read: ReadFile, file: str, name: str) -> str:
    """`copy` takes a directory, too; the words about a file that is not there are the better ones."""
    try:
        read(file, "folder", name)
    except LoadError:
        read(file, "file", name)
    return ""


def _defined(runbook: Runbook) -> Iterator[str]:
    """Names that come to be while the runbook runs."""
    for probe in probes_of(runbook):
        if probe.register:
            yield probe.register
    for step in steps_of(runbook):
        if step.register:
            yield step.register
        facts = step.args.get("facts") if step.action == "set_fact" else None
        if isinstance(facts, Mapping):
            yield from facts
    for entry in runbook.flat():
        if isinstance(entry, Import):
            yield from _defined(entry.runbook)


def _made(runbook: Runbook) -> Iterator[re.Pattern[str]]:
    """The shapes of variables whose names are templates: `set_fact: {"port_{{ item }}": …}`."""
    for step in steps_of(runbook):
        named = step.args.get("named") if step.action == "set_fact" else None
        for name, _ in named if isinstance(named, list) else ():
            parts = re.split(r"\{\{.*?\}\}", str(name))
            yield re.compile(r"\w+".join(re.escape(part) for part in parts))


def steps_of(runbook: Runbook) -> Iterator[Step]:
    for entry in runbook.everything():
        if isinstance(entry, Step):
            yield entry
            yield from entry.rollback or ()


def probes_of(runbook: Runbook) -> Iterator[Probe]:
    yield from runbook.preconditions
    yield from runbook.checks
    for step in steps_of(runbook):
        yield from (*step.preconditions, *step.unless, *step.checks)


def _registered(runbook: Runbook) -> dict[str, str]:
    """Names that hold the result of one certain action: registered once, and not by a loop."""
    several: set[str] = set()
    actions: dict[str, str] = {}
    holders: list[Probe | Step] = [*probes_of(runbook), *steps_of(runbook)]
    for each in holders:
        if each.register:
            looped = isinstance(each, Step) and each.loop is not None
            if looped or actions.get(each.register, each.action) != each.action:
                several.add(each.register)
            actions[each.register] = each.action
    return {name: action for name, action in actions.items() if name not in several}


class _Look:
    """Looks at every place of one file where a name may stand."""

    def __init__(
        self, runbook: Runbook, templar: Templar, found: list[LoadError], read: ReadFile | None
    ) -> None:  # fmt: skip
        self._runbook = runbook
        self._read = read
        self._finder = Finder(runbook.text)
        self._finders: dict[str, Finder] = {"": self._finder}
        self._made = list(_made(runbook))
        self._registered = _registered(runbook)
        self._templar = templar
        self._found = found

    def _finder_of(self, file: str) -> Finder:
        """That of a file which the runbook takes in."""
        if file not in self._finders:
            try:
                text = Path(file).read_text("utf-8", "replace")
            except OSError:
                text = ""
            self._finders[file] = Finder(text)
        return self._finders[file]

    def step(self, step: Step, names: set[str]) -> None:
        self._finder = self._finder_of(step.file)
        names = names | {p.name for p in self._runbook.prompts}
        inner = names | set(step.vars) | _of_loop(step)
        self.value(step.loop, names | set(step.vars))
        outer = (step.environments, step.ignore_unreachable)
        for value in (
            step.vars,
            step.loop_label,
            step.delegate_to,
            step.become_user,
            step.environment,
            step.args,
            *outer,
        ):
            self.value(value, inner)
        if "{{" in step.name and not step.name.startswith(f"{step.action} "):  # else made of the arguments
            self.value(Template(source=step.name, where=step.where), inner)
        self.value(step.ignore_errors, inner)
        self.conditions(step.loop_break_when, inner, step.where)
        self._assertions(step, inner)
        self._files(step, inner)
        if step.action == "debug" and isinstance(step.args.get("var"), str):
            self.conditions([str(step.args["var"])], inner, step.where)
        self.conditions(step.when, inner, step.where)
        for conditions in (step.until, step.changed_when or (), step.failed_when or ()):
            self.conditions(conditions, inner | {RESULT}, step.where, step.action)
        for probe in (*step.preconditions, *step.unless, *step.checks):
            self.probe(probe, inner)
        for undo in step.rollback or ():
            self.step(undo, inner)

    def probe(self, probe: Probe, names: set[str]) -> None:
        for value in (probe.args, probe.delegate_to, probe.become_user, probe.threshold):
            self.value(value, names)
        self._assertions(probe, names)
        self.conditions(probe.when, names, probe.where)
        inner = names | {RESULT} | ({probe.register} if probe.register else set())
        self.conditions([probe.expect] if probe.expect else [], inner, probe.where, probe.action)

    def value(self, value: object, names: set[str]) -> None:
        for template in templates_in(value):
            used = self._names(template, template.where)
            for name in sorted(used - names):
                self._undefined(name, names, self._finder.in_template(template.source, name, template.where))
            for code in CODE.findall(template.source):
                for name, attribute, meant in self._slips(code, ""):
                    where = self._finder.in_template(template.source, name, template.where)
                    self._slip(name, attribute, meant, where)

    def conditions(self, conditions: Iterable[str], names: set[str], where: SourcePos | None, action: str = "") -> None:
        """`action` tells what `result` holds."""
        for text in conditions:
            for name in sorted(self._names(text, where) - names):
                self._undefined(name, names, self._finder.in_condition(text, name, where))
            for name, attribute, meant in self._slips(text, action):
                place = self._finder.in_condition(text, f"{name}.{attribute}", where)
                self._slip(name, attribute, meant, place)

    def _assertions(self, each: Step | Probe, names: set[str]) -> None:
        that = each.args.get("that") if each.action == "assert" else None
        self.conditions([str(t) for t in that] if isinstance(that, list) else [], names, each.where)

    def _files(self, step: Step, names: set[str]) -> None:
        """The files that a step places: each is there, and a template names what is defined."""
        for kind, name in placed(step):
            if self._read is None:
                return
            try:
                text = text_of(self._read, step.file or self._runbook.file, kind, name)
            except VaultError:
                continue  # it is there, and who has no password cannot look into it
            except LoadError as error:
                self._found.append(
                    LoadError(error.message, advice=error.advice, where=error.where or step.where, code="missing-file")
                )
                continue
            start = SourcePos(file=name, line=1, text=text.split("\n", 1)[0])
            for undefined_name in sorted(self._names(Template(source=text, where=start), start) - names):
                self._undefined(undefined_name, names, Finder(text).in_template(text, undefined_name, start))

    def _names(self, value: str | Template, where: SourcePos | None) -> set[str]:
        text = value if isinstance(value, str) else " ".join(CODE.findall(value.source))
        try:
            return self._templar.undeclared(value) | {m[1] for m in AS_VALUE.finditer(text)}
        except TemplateError as error:
            self._found.append(TemplateError(error.message, advice=error.advice, where=error.where or where))
        except RecursionError:
            self._found.append(TemplateError("this is nested too deeply", where=where))
        return set()

    def _slips(self, expression: str, action: str) -> Iterator[tuple[str, str, str]]:
        for name, attribute in attributes(expression):
            told_by = action if name == RESULT else self._registered.get(name, "")
            meant = slip(told_by, attribute) if told_by else None
            if meant:
                yield name, attribute, meant

    def _undefined(self, name: str, names: set[str], where: SourcePos | None) -> None:
        if any(made.fullmatch(name) for made in self._made):
            return
        advice = did_you_mean(nearest(name, names)) or "define it under params: or vars:, or give it with -e"
        if name == "item":
            advice = "it is the entry of a loop: this step has no loop:"
        elif name == RESULT:
            advice = "it stands for what was found in expect, until, changed_when and failed_when; else register: it"
        self._found.append(LoadError(f"{name!r} is not defined", advice=advice, where=where, code="undefined-variable"))

    def _slip(self, name: str, attribute: str, meant: str, where: SourcePos | None) -> None:
        message = f"{name} has no {attribute!r}"
        self._found.append(LoadError(message, advice=f"did you mean {meant}?", where=where, code="unknown-result"))
