"""Lists of tasks as lists of steps; what files that are taken in hold becomes files of steps beside the runbooks."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from playbook_engine.catalog import catalog
from playbook_engine.inventory.vars_files import read_vars_file
from playbook_engine.loading.playbook.rewriting import Source, dumped, indented, sources, with_facts
from playbook_engine.loading.playbook.tasks import CONTROLLER, HERE, Defaults, TaskTranslator
from playbook_engine.loading.playbook.words import BLOCK, plain
from playbook_engine.loading.problems import Problems
from playbook_engine.loading.steps import UNSAID
from playbook_engine.loading.values import WHOLE
from playbook_engine.loading.yaml_source import Document, Where, read_yaml
from playbook_engine.model.source import SourcePos

STEPS = "steps"
"""The folder of the files that are taken in, beside the runbooks."""
LOCAL = {"copy": "files", "template": "templates", "script": "files", "unarchive": "files", "assemble": "files"}
"""Actions whose `src` is a file of the controller, and the folder that it is looked for in."""
MODES = ("mode", "directory_mode")
CONDITIONS = ("when", "changed_when", "failed_when", "until")
TAKEN = frozenset({"include_tasks", "import_tasks", "include_role", "import_role"})


@dataclass(slots=True, kw_only=True)
class Note:
    """Something that a person should look at."""

    where: SourcePos
    what: str


@dataclass(slots=True, kw_only=True)
class Converted:
    """`runbooks` are the names of the files to run, in this order; `texts` all files by their name from the folder."""

    runbooks: list[str] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    unsaid: list[Note] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)


class TaskConverter:
    """Converts tasks of one playbook into steps for runbooks in `folder`."""

    def __init__(self, playbook: Path, folder: Path) -> None:
        self._top = playbook.parent
        self._playbook = playbook
        self._folder = folder
        self._defaults: Defaults = {}
        self.made = Converted()

    # ---------------------------------------------------------------- tasks

    def _tasks(
        self, document: Document, problems: Problems, tasks: object, path: Where, last: int, file: Path
    ) -> list[str]:  # fmt: skip
        """The lines of a list of steps."""
        lines: list[str] = []
        for number, task in enumerate(listed(tasks)):
            place = (*path, number)
            if not isinstance(task, Mapping):
                problems.add(place, "a task is a mapping")
                continue
            lines += self._task(document, problems, task, place, last, file)
        return lines

    def _task(
        self, document: Document, problems: Problems, task: Mapping[str, object], path: Where, last: int, file: Path
    ) -> list[str]:  # fmt: skip
        source = Source(document)
        begin, end = source.span(path, last)
        comments = source.comments_before(begin)
        if "block" in task:
            return [*comments, *entry(self._block(document, problems, task, path, end, file))]
        word = next((plain(str(k)) for k in task if plain(str(k)) in TAKEN), "")
        if word:
            want = self._taken_in(document, problems, task, word, path, file)
        else:
            translated = TaskTranslator(document, problems).step(task, path, self._defaults)
            if translated is None:
                return []
            want = self._step(document, task, translated, path, file)
        if want is None:
            return []
        bare = {k: v for k, v in want.items() if k != "irreversible"}
        flow = document.line(document.at(path).line)[document.at(path).column - 1 :].startswith("{")
        kept = source.kept(path, bare, end)
        if kept is not None and not (flow and "irreversible" in want):
            more = dumped({"irreversible": want["irreversible"]}) if "irreversible" in want else []
            return [*comments, *entry([*kept, *more])]
        return [*comments, *source.comments_in(begin, end), *entry(dumped(sources(want)))]

    def _step(
        self, document: Document, task: Mapping[str, object], translated: dict[str, object], path: Where, file: Path
    ) -> dict[str, object]:  # fmt: skip
        """The mapping of a step, in the order of the task."""
        action = next(k for k in translated if k in catalog.names())
        spec = catalog.get(action)
        want = dict(translated)
        if "name" not in task:
            want.pop("name", None)
        written = next((str(k) for k in task if plain(str(k)) == action), action)
        want = {(written if k == action else k): v for k, v in want.items()}
        first = [plain(str(k)) for k in task]
        want = dict(sorted(want.items(), key=lambda kv: first.index(plain(kv[0])) if plain(kv[0]) in first else 99))
        want[written] = _quoted(self._placed(want[written], action, file))
        if isinstance(task.get("notify"), str):
            want["notify"] = task["notify"] if "," not in str(task["notify"]) else [task["notify"]]
        if isinstance(task.get("listen"), str):
            want["listen"] = task["listen"]
        reads = str(task.get("changed_when")).lower() == "false"
        if spec.changes and not spec.reversible and not reads:
            want["irreversible"] = UNSAID
            named = str(task.get("name") or action)
            self.made.unsaid.append(Note(where=document.at(path), what=f"{named} ({action})"))
        if want.get("delegate_to") == HERE:
            want["delegate_to"] = CONTROLLER
        for key in CONDITIONS:
            if key in want:
                want[key] = _bare(want[key])
        if "environment" in want and "environment" not in spec.params:
            del want["environment"]  # it starts no program: the runbook would say that it means nothing
        if "retries" in task and "until" not in task:
            want["until"] = "result is succeeded"
        return want

    def _placed(self, args: object, action: str, file: Path) -> object:
        """`src` as the new place finds it."""
        if action not in LOCAL or not isinstance(args, Mapping) or args.get("remote_src"):
            return args
        src = args.get("src")
        if not isinstance(src, str) or "{{" in src or os.path.isabs(src):
            return args
        base = file.parent
        places = [base / LOCAL[action] / src, base / src]
        if base.name in ("tasks", "handlers"):
            places[:0] = [base.parent / LOCAL[action] / src]
        found = next((p for p in places if os.path.exists(p)), None)
        if found is None:
            return args
        new = self._folder / self._target(file) if file != self._playbook else self._folder / "x"
        here = [new.parent / LOCAL[action] / src, new.parent / src]
        if any(os.path.exists(p) and p.resolve() == found.resolve() for p in here):
            return args
        return {**args, "src": os.path.relpath(found, new.parent)}

    def _block(
        self, document: Document, problems: Problems, task: Mapping[str, object], path: Where, last: int, file: Path
    ) -> list[str]:  # fmt: skip
        lines: list[str] = []
        for key in task:
            if key not in BLOCK:
                problems.unknown_key((*path, key), BLOCK, "key of a block")
        own = {k: v for k, v in task.items() if k not in ("block", "rescue", "always", "notify", "timeout")}
        lines += dumped(sources(own)) if own else []
        for key in ("block", "rescue", "always"):
            if task.get(key):
                inner = self._tasks(document, problems, task[key], (*path, key), last, file)
                lines += [f"{key}:", *indented(inner, 2)]
        return lines

    # ---------------------------------------------------------------- other files

    def _target(self, file: Path) -> str:
        """Where the steps of a file of tasks go, from the folder of the runbooks."""
        try:
            return str(Path(STEPS) / file.resolve().relative_to(self._top.resolve()))
        except ValueError:
            return str(Path(STEPS) / "other" / file.name)

    def _taken_in(
        self, document: Document, problems: Problems, task: Mapping[str, object], word: str, path: Where, file: Path
    ) -> dict[str, object] | None:  # fmt: skip
        key = next(str(k) for k in task if plain(str(k)) == word)
        given = task[key]
        options = dict(given) if isinstance(given, Mapping) else {}
        others = {k: v for k, v in task.items() if k not in (key, "ignore_errors", "args")}
        translated = TaskTranslator(document, problems).step({**others, "debug": None}, path, {})
        if translated is None:
            return None
        want = {k: v for k, v in translated.items() if k != "debug" and (k != "name" or "name" in task)}
        apply = dict(options.get("apply") or {})
        if word.startswith("import_"):  # what is said of the import counts for each of its tasks
            for inherited in ("when", "become", "become_user", "environment", "no_log", "ignore_errors", "tags"):
                if inherited in want:
                    apply.setdefault(inherited, want[inherited])
            for inherited in set(want) & {"when", "become", "become_user", "environment", "no_log"}:
                del want[inherited]
        want = {
            k: v for k, v in want.items() if k in ("name", "vars", "when", "loop", "loop_control", "tags", "register")
        }
        if word.endswith("role"):
            name = str(options.get("name") or options.get("role") or given)
            if "{{" in name:
                problems.add((*path, key), "a role whose name is a template cannot be converted", key=True)
                return None
            role = self._role_folder(document, problems, name, path, file)
            if role is None:
                return None
            main = file_of(role / "tasks", str(options.get("tasks_from") or "main"))
            if main is None:
                problems.add((*path, key), f"the role {name} has no tasks", key=True)
                return None
            defaults = {**variables_of(role / "defaults"), **variables_of(role / "vars")}
            want["vars"] = {**defaults, **dict(want.get("vars") or {})}  # type: ignore[call-overload]
            want = {
                **({"name": want.pop("name")} if "name" in want else {}),
                "include_steps": self._file(main, file),
                **want,
            }
        else:
            text = str(options.get("file") or given)
            want = {
                **({"name": want.pop("name")} if "name" in want else {}),
                "include_steps": self._include(document, problems, text, path, file), **want,
            }  # fmt: skip
        return {**want, **({"apply": apply} if apply else {})}

    def _include(self, document: Document, problems: Problems, text: str, path: Where, file: Path) -> str:
        """The name of an included file as the new place knows it; what it names is converted too."""
        base = file.parent
        if "{{" in text:
            shape = re.sub(r"\*+", "*", re.sub(r"\{\{.*?\}\}", "*", text))
            for found in sorted(base.glob(shape)):
                if found.suffix in (".yml", ".yaml") and found.resolve() != self._playbook.resolve():
                    self._file(found, file)
            prefix = f"{STEPS}/" if file == self._playbook else ""
            return f"{prefix}{text}"
        found = base / text
        if not os.path.isfile(found):
            problems.add(path, f"there is no file {text!r}", f"looked for {found}")
            return text
        return self._file(found, file)

    def _file(self, tasks: Path, by: Path) -> str:
        """Converts a file of tasks. Its name, relative to the converted file that names it."""
        target = self._target(tasks)
        if target not in self.made.texts:
            self.made.texts[target] = ""  # it may take in itself
            document = read_yaml(tasks, yaml11=True)
            problems = Problems(document)
            last = len(document.text.split("\n"))
            lines = self._tasks(document, problems, document.value, (), last, tasks)
            problems.raise_any()
            self.made.texts[target] = self._looked_up(with_facts("\n".join(lines or ["[]"])), tasks) + "\n"
        origin = self._folder / (self._target(by) if by != self._playbook else "x")
        return os.path.relpath(self._folder / target, origin.parent)

    def _looked_up(self, text: str, file: Path) -> str:
        """The text with files of lookups named as the new place finds them."""

        def moved(match: re.Match[str]) -> str:
            places = [file.parent / match[2], file.parent.parent / "files" / match[2], file.parent.parent / match[2]]
            found = next((p for p in places if os.path.isfile(p)), None)
            if found is None:
                return match[0]
            beside = os.path.relpath(found, self._folder / Path(self._target(file)).parent)
            return f"{match[1]}{beside}{match[3]}"

        return re.sub(r"""(lookup\(\s*['"](?:file|template)['"]\s*,\s*['"])([^'"{]+)(['"])""", moved, text)

    def _role_folder(
        self, document: Document, problems: Problems, name: str, path: Where, file: Path
    ) -> Path | None:  # fmt: skip
        places = [self._top / "roles", self._top, file.parent.parent.parent, Path("~/.ansible/roles").expanduser()]
        found = next((place / name for place in places if os.path.isdir(place / name)), None)
        if found is None:
            problems.add(path, f"there is no role {name!r}", f"looked in {', '.join(str(p) for p in places)}")
        return found

    def _note(self, document: Document, path: Where, what: str) -> None:
        self.made.notes.append(Note(where=document.at(path, key=True), what=what))


def _quoted(args: object) -> object:
    """Arguments with modes as text: YAML 1.1 has read 0644 as 420."""
    if not isinstance(args, Mapping):
        return args
    modes = {k: f"{v:04o}" for k, v in args.items() if k in MODES and isinstance(v, int) and not isinstance(v, bool)}
    return {k: modes.get(k, v) for k, v in args.items()}


def _bare(condition: object) -> object:
    """A condition without the braces around it."""
    if isinstance(condition, list):
        return [_bare(each) for each in condition]
    if isinstance(condition, str) and WHOLE.fullmatch(condition.strip()):
        return condition.strip()[2:-2].strip()
    return condition


def entry(lines: list[str]) -> list[str]:
    """A mapping's lines as an entry of a list."""
    if not lines:
        return []
    return [f"- {lines[0]}", *indented(lines[1:], 2)]


def listed(value: object) -> list[object]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def file_of(folder: Path, name: str) -> Path | None:
    return next((p for s in (".yml", ".yaml", "") if os.path.isfile(p := folder / f"{name}{s}")), None)


def variables_of(folder: Path) -> dict[str, object]:
    file = file_of(folder, "main")
    return read_vars_file(file) if file is not None else {}
