"""Whatever stands in a runbook file: it loads, or it is a LoadError with a place. Nothing else ever escapes."""

from __future__ import annotations

import copy
import random
from pathlib import Path

import pytest
import yaml
from yaml_mutations import STRANGE, places

from playbook_engine.app.settings import Settings
from playbook_engine.app.wiring import App
from playbook_engine.engine.compile import compile_plan
from playbook_engine.loading.json_schema import runbook_schema
from playbook_engine.loading.lint import undefined
from playbook_engine.loading.linting.codes import ADVISED
from playbook_engine.loading.linting.examine import advised
from playbook_engine.loading.procedure import procedure
from playbook_engine.loading.runbooks import Loader
from playbook_engine.model.errors import EngineError, LoadError, LoadErrors
from playbook_engine.model.host import Host
from playbook_engine.model.plan import Options

RUNBOOKS = Path(__file__).parents[2] / "runbooks"
FILES = sorted(RUNBOOKS.glob("*.yml"))
CASES = 40  # of each file
KEYS = [
    "that", "vars", "loop", "when", "name", "params", "unless", "checks", "rollback", "services", "serial",
    "phases", "environment", "notify", "listen", "tags", "become_user", "threshold", "set_fact", "assert",
    "debug", "command", "import_runbook", "loop_control", "choices", "default", "needs", "register", "until",
    "expect", "copy", "for",
]  # fmt: skip


def spoiled(value: object, chance: random.Random) -> object:
    """A copy in which up to three things were replaced, taken out, put in, or given to a strange key."""
    value = copy.deepcopy(value)
    for _ in range(chance.randint(1, 3)):
        path = chance.choice(places(value) or [()])
        if not path:
            continue
        holder: object = value
        for part in path[:-1]:
            holder = holder[part]  # type: ignore[index]
        what = chance.choice(["replace", "replace", "delete", "add", "wrap"])
        strange = copy.deepcopy(chance.choice(STRANGE))
        if what == "delete":
            del holder[path[-1]]  # type: ignore[attr-defined]
        elif what == "add" and isinstance(holder, dict):
            holder[chance.choice(KEYS)] = strange
        elif what == "add" and isinstance(holder, list):
            holder.insert(0, strange)
        elif what == "wrap":
            holder[path[-1]] = chance.choice([[holder[path[-1]]], {"a": holder[path[-1]]}])  # type: ignore[index]
        else:
            holder[path[-1]] = strange  # type: ignore[index]
    return value


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
def test_it_loads_or_it_is_refused(file: Path, tmp_path: Path) -> None:
    app = App(Settings.of({"RUNBOOK_STATE": str(tmp_path)}))
    chance = random.Random(file.stem)
    loader = Loader([RUNBOOKS], app.templar)
    whole = yaml.safe_load(file.read_text())
    bad = tmp_path / "bad.yml"
    loaded = 0
    for _ in range(CASES):
        text = yaml.safe_dump(spoiled(whole, chance), allow_unicode=True, sort_keys=False)
        bad.write_text(text)
        try:
            runbook = loader.load(str(bad))
            problems = undefined(runbook, app.templar, (), app.read_file)
            for finding in advised(runbook, app.templar, app.read_file, app.vault.file):
                assert finding.code in ADVISED
                assert finding.where is not None, text
            compile_plan(runbook, [Host(name="h.test")], {}, kind="run", options=Options())
            procedure(runbook)
            loaded += not problems
        except EngineError as error:
            errors = error.errors if isinstance(error, LoadErrors) else (error,)
            for each in errors:
                assert isinstance(each, LoadError), text
                assert each.message, text
                assert each.where is not None, (each.message, text)
                assert "Input should" not in each.message, f"pydantic's words: {each.message}"
        except Exception as error:
            raise AssertionError(f"{error!r} for\n{text}") from error
    assert loaded < CASES


def test_the_schema_is_json() -> None:
    import json

    schema = runbook_schema()
    assert json.loads(json.dumps(schema)) == schema
    text = json.dumps(schema)
    references = {part.split('"')[0] for part in text.split('"#/$defs/')[1:]}
    assert references <= set(schema["$defs"])  # type: ignore[call-overload]
