"""A drill's file: what loads, and what is refused, at its line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from playbook_engine.drill.scenario import Kind
from playbook_engine.drill.scenario_model import HOST_FAULTS, FaultModel, scenario_schema
from playbook_engine.drill.scenarios import Scenarios, fits
from playbook_engine.loading.runbooks import Loader
from playbook_engine.model.errors import LoadError, LoadErrors
from playbook_engine.templating.environment import Templar

RUNBOOKS = Path(__file__).parents[3] / "runbooks"
GOOD = """\
name: fills
runbook: mend
hosts:
  - {name: db1, size: 64MiB}
faults:
  - fault: fill
  - {fault: kill-controller, at_step: second}
expect:
  status: changed
  changed: [first]
  notified:
    - {level: on call, within: 3m}
"""
KILL = "{fault: kill-controller, at_step: second}"
MEND = "name: mend\nsteps:\n  - {name: first, debug: {msg: x}}\n  - {name: second, debug: {msg: y}}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "drills").mkdir()
    (tmp_path / "mend.yml").write_text(MEND)
    return tmp_path


def refused(folder: Path, text: str) -> list[tuple[int, str]]:
    (folder / "drills" / "d.yml").write_text(text)
    with pytest.raises(LoadError) as found:
        Scenarios([folder], Templar()).load("d")
    errors = found.value.errors if isinstance(found.value, LoadErrors) else (found.value,)
    return [(e.where.line if e.where else 0, e.message) for e in errors]


def test_every_shipped_drill_loads_and_fits_its_runbook() -> None:
    found = Scenarios([RUNBOOKS], Templar())
    loader = Loader([RUNBOOKS], Templar())
    per_runbook: dict[str, list[str]] = {}
    for name in found.names():
        scenario = found.load(name)
        assert scenario.name == name, "a drill is called as its file is"
        assert scenario.description, name
        if scenario.kind is Kind.LIVE:
            assert fits(scenario, loader.load(scenario.runbook)) == [], name
            per_runbook.setdefault(scenario.runbook, []).append(str(scenario.expect.exit_code))
    for runbook in loader.names():
        ends = per_runbook.get(runbook, [])
        assert len(ends) >= 2, f"{runbook} has {len(ends)} drills"
        assert set(ends) - {"0"}, f"no drill of {runbook} fails"
        assert "0" in ends or runbook == "audit", f"no drill of {runbook} heals"


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("runbook: mend\n", "", 1, "runbook is missing"),
        ("hosts:\n  - {name: db1, size: 64MiB}\n", "", 1, "hosts is missing"),
        ("fault: fill", "fault: flil", 6, "'flil' is none of"),
        ("fault: fill", "fault: fill\n    host: db2", 7, "there is no host 'db2': db1"),
        (KILL, "{fault: kill-controller}", 7, "when is the controller to be killed?"),
        (KILL, "{fault: fail-check}", 7, "which check is to fail?"),
        ("fault: fill", "fault: corrupt-file", 6, "which file is to be corrupted?"),
        ("size: 64MiB", "sise: 64MiB", 4, "unknown key 'sise'"),
        ("  status: changed", "  status: changd", 9, "'changd' is none of"),
        ("  status: changed", "  hosts: {db9: ok}", 9, "there is no host 'db9': db1"),
        ("name: fills", "name: fills\nkind: tabletop", 5, "a tabletop drill has no hosts"),
        ("name: fills", "name: fills\ntrigger: gone", 2, "'gone' is none of"),
        ("{name: db1, size: 64MiB}", "{name: db1}\n  - {name: db2}", 7, "which host is it? there are several"),
    ],
)  # fmt: skip
def test_is_refused_at_its_line(folder: Path, old: str, new: str, line: int, said: str) -> None:
    assert old in GOOD
    found = refused(folder, GOOD.replace(old, new, 1))
    assert any(at == line and said in message for at, message in found), found


def test_names_that_the_runbook_does_not_have_are_told(folder: Path) -> None:
    text = GOOD.replace("at_step: second", "at_step: secnd").replace("changed: [first]", "changed: [frist]")
    (folder / "drills" / "d.yml").write_text(text + "  verdicts: {room: met}\n")
    scenario = Scenarios([folder], Templar()).load("d")
    found = fits(scenario, Loader([folder], Templar()).load("mend"))
    assert [(e.message, e.advice) for e in found] == [
        ("mend has no step 'secnd'", "did you mean 'second'?"),
        ("mend has no step 'frist'", "did you mean 'first'?"),
        ("mend has no check 'room'", "there are: "),
    ]
    assert found[0].where is not None and found[0].where.line == 7


def test_a_name_near_another_is_suggested(folder: Path) -> None:
    (folder / "drills" / "fills.yml").write_text(GOOD)
    with pytest.raises(LoadError, match="there is no drill 'filll'") as error:
        Scenarios([folder], Templar()).load("filll")
    assert error.value.advice == "did you mean fills?"


def test_the_schema_knows_every_fault_of_the_lab() -> None:
    known = set(FaultModel.model_json_schema()["properties"]["fault"]["enum"])
    assert known == HOST_FAULTS | {"kill-controller", "fail-check"}
    assert "kill-controller" in json.dumps(scenario_schema())
