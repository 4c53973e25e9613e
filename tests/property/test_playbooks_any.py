"""Whatever stands in a playbook, or in a runbook with blocks and files of steps: it is read, converted and carried out
on hosts in memory, or it is refused with a place. No mistake of an author is ever a fault of the engine."""

from __future__ import annotations

import copy
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from memory_bench import Bench
from yaml_mutations import STRANGE, places

from playbook_engine.app.converting import converted
from playbook_engine.app.playing import prepare_play
from playbook_engine.app.settings import Settings
from playbook_engine.app.wiring import App
from playbook_engine.model.errors import EngineError, LoadError, LoadErrors
from playbook_engine.model.events import HostFinished
from playbook_engine.model.plan import Options

PLAYBOOKS = Path(__file__).parents[1] / "cases" / "plays" / "files"
MUTANTS = 150  # of all playbooks together, in each of the seeds
STEPS = 60  # runs, in each of the seeds
KEYS = [
    "hosts", "tasks", "roles", "vars", "vars_files", "vars_prompt", "handlers", "pre_tasks", "block", "rescue",
    "always", "when", "loop", "with_items", "with_dict", "loop_control", "register", "notify", "listen", "tags",
    "become_user",
    "environment", "serial", "strategy", "order", "module_defaults", "include_tasks", "import_tasks", "import_playbook",
    "include_role", "include_vars", "meta", "delegate_to", "run_once", "throttle", "until", "retries", "delay", "args",
    "changed_when", "failed_when", "ignore_errors", "ignore_unreachable", "action", "local_action", "name", "apply",
    "max_fail_percentage", "connection", "set_fact", "debug", "assert", "include_steps",
]  # fmt: skip


def misspelt(key: object, chance: random.Random) -> str:
    """One letter out, in, or in the wrong place."""
    text = str(key)
    at = chance.randrange(len(text) + 1)
    return chance.choice(
        [text[:at] + text[at + 1 :], f"{text[:at]}x{text[at:]}", text[:at] + text[at + 1 : at + 2] + text[at : at + 1]]
    )


def mutant(value: object, chance: random.Random) -> object:
    """A copy with up to three mistakes: something replaced, left out, put in, nested deeper, said twice, misspelt."""
    value = copy.deepcopy(value)
    for _ in range(chance.randint(1, 3)):
        path = chance.choice(places(value) or [()])
        if not path:
            continue
        holder, key = value, path[-1]
        for part in path[:-1]:
            holder = holder[part]  # type: ignore[index]
        strange = copy.deepcopy(chance.choice(STRANGE))
        what = chance.choice(["replace", "replace", "delete", "add", "wrap", "twice", "misspell"])
        match holder, what:
            case (dict() | list(), "delete"):
                del holder[key]
            case dict(), "add":
                holder[chance.choice(KEYS)] = strange
            case list(), "add":
                holder.insert(0, strange)
            case dict() | list(), "wrap":
                inner = holder[key]
                holder[key] = chance.choice([[inner], {"a": inner}, {"block": [inner]}, [{"block": inner}]])
            case list(), "twice":
                holder.append(copy.deepcopy(holder[key]))
            case dict(), "misspell":
                holder[misspelt(key, chance)] = holder.pop(key)
            case dict() | list(), _:
                holder[key] = strange
    return value


def refused(error: EngineError, text: str) -> None:
    """A refusal is one only with a place and words of our own."""
    for each in error.errors if isinstance(error, LoadErrors) else (error,):
        assert each.message, text
        assert "Input should" not in each.message, f"pydantic's words: {each.message}"
        assert each.where is not None, (each.message, text)
        assert each.where.line > 0, (each.message, text)


@pytest.mark.parametrize("seed", range(3))
def test_a_playbook_is_read_and_converted_or_refused(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(seed)
    app = App(Settings.of({"RUNBOOK_STATE": str(tmp_path / "state")}))
    folders = []
    for given in sorted(PLAYBOOKS.iterdir()):
        if (given / "site.yml").exists() and not given.name.startswith("err-yaml"):
            folders.append(Path(shutil.copytree(given, tmp_path / given.name)))
    good = 0

    def attempt(what: Callable[[], object], text: str) -> None:
        nonlocal good
        try:
            what()
            good += 1
        except EngineError as error:
            refused(error, text)
        except Exception as error:
            raise AssertionError(f"{error!r} for\n{text}") from error

    for _ in range(MUTANTS):
        folder = chance.choice(folders)
        monkeypatch.chdir(folder)
        file = chance.choice([f for f in sorted(folder.rglob("*.yml")) if "hosts" not in f.name])
        whole = file.read_text()
        text = yaml.safe_dump(mutant(yaml.safe_load(whole), chance), allow_unicode=True, sort_keys=False)
        file.write_text(text)
        site = Path("site.yml")
        attempt(
            lambda: prepare_play(
                app, site, inventory=["hosts.ini"], limit=None, extra=(), command="", options=Options(),  # noqa: B023
                ask=lambda *_: "x",
            ),
            text,
        )  # fmt: skip
        attempt(lambda: converted(app, site, Path()), text)  # noqa: B023
        file.write_text(whole)
    assert 0 < good < 2 * MUTANTS


BLOCKS = """\
name: r
strategy: linear
on_failure: stop
steps:
  - name: a block
    when: inventory_hostname != 'h9'
    throttle: 1
    block:
      - {name: once, command: migrate, run_once: true, register: told, irreversible: x}
      - {name: file, copy: {content: "{{ told.rc }}", dest: "/{{ inventory_hostname }}"}, notify: [handled]}
      - {name: fails, fail: {msg: wrong}, when: inventory_hostname == 'h1', ignore_errors: false}
    rescue:
      - {name: mended, debug: {msg: "{{ ansible_failed_task.name }}"}, register: mended}
    always:
      - {name: fact, set_fact: {seen: "{{ item }}"}, loop: [1, 2], loop_control: {label: "{{ item }}", index_var: n}}
  - {name: more, include_steps: "more-{{ inventory_hostname }}.yml", apply: {tags: [t]}, vars: {x: 1}}
  - {meta: flush_handlers}
  - {name: tries, command: again, irreversible: x, until: result.rc == 0, retries: 2, delay: 0, changed_when: false}
  - {name: names, include_vars: {file: names.yml}}
handlers:
  - {name: handled, command: restart, irreversible: x, listen: all}
"""
MORE = "- {name: 'in {{ x }}', command: 'x {{ x }}', run_once: true, irreversible: x}\n"


@pytest.mark.parametrize("seed", range(2))
def test_a_runbook_of_blocks_and_files_is_carried_out_or_refused(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    whole, more = yaml.safe_load(BLOCKS), yaml.safe_load(MORE)
    statuses: set[str] = set()
    for number in range(STEPS):
        folder = tmp_path / str(number)
        folder.mkdir()
        bench = Bench(folder)
        for name in ("h1", "h2", "h3"):
            bench.host(name)
            inner = mutant(more, chance) if chance.random() < 0.2 else more
            (folder / f"more-{name}.yml").write_text(yaml.safe_dump(inner, allow_unicode=True, sort_keys=False))
        (folder / "names.yml").write_text(chance.choice(["a: 1\n", "- 1\n", "- [}\n", "a: '{{ nobody }}'\n"]))
        text = yaml.safe_dump(mutant(whole, chance), allow_unicode=True, sort_keys=False)
        options = Options(forks=chance.choice([1, 50]), check=chance.random() < 0.2)
        try:
            done = bench.run(text, options=options)
        except EngineError as error:
            refused(error, text)
            continue
        except Exception as error:
            raise AssertionError(f"{error!r} for\n{text}") from error
        for end in done.events("HostFinished"):
            assert isinstance(end, HostFinished)
            assert "a fault in the engine" not in end.message, f"{end.message}\n{end.advice}\n{text}"
            statuses.add(end.status)
    assert {"changed", "failed"} <= statuses


@pytest.mark.parametrize("task", ["import_tasks", "include_role: {name", "import_role: {name"])
def test_a_name_too_long_for_a_file_names_none(task: str, tmp_path: Path) -> None:
    app = App(Settings.of({"RUNBOOK_STATE": str(tmp_path / "state")}))
    site = tmp_path / "site.yml"
    site.write_text(f"- hosts: h1.test\n  tasks:\n    - {task}: {'x' * 5000}{'}' if '{' in task else ''}\n")
    with pytest.raises(LoadError, match="there is no") as caught:
        prepare_play(
            app, site, inventory=["h1.test,"], limit=None, extra=(), command="", options=Options(), ask=None
        )  # fmt: skip
    assert caught.value.where is not None
    assert caught.value.where.line == 3
    with pytest.raises(LoadError, match="there is no"):
        converted(app, site, tmp_path)
