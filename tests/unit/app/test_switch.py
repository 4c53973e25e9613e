"""The kill switch: a file STOP in the state folder stops what runs and lets nothing begin."""

from __future__ import annotations

from pathlib import Path

import pytest
from memory_bench import Bench, MemoryApp, Result

from playbook_engine.app.runs import take_back
from playbook_engine.app.switch import KillSwitch
from playbook_engine.model.errors import UsageError
from playbook_engine.model.events import RunFinished
from playbook_engine.model.plan import Options
from playbook_engine.transport.base import Call

TWO = "name: r\nsteps: [{name: a, copy: {content: x, dest: /a}}, {name: b, copy: {content: x, dest: /b}}]\n"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def throw_during(bench: Bench, op: str, path: str = "", reason: str = "") -> None:
    """The switch is thrown while h1 is asked for `op`."""

    def rule(call: Call) -> None:
        if call.op == op and call.args.get("dest", "") == (path or call.args.get("dest", "")):
            (bench.folder / "state" / "STOP").write_text(reason)

    bench.hosts["h1"].rules.append(rule)


def back(bench: Bench, done: Result) -> dict[str, str]:
    app = MemoryApp(bench.folder / "state", list(bench.hosts.values()))
    end = take_back(app, done.end.run, Options(), (), (), "runbook rollback")
    return {name: str(status) for name, status in end.statuses.items()}


def test_a_run_stops_at_its_next_step_and_the_journal_says_so(bench: Bench) -> None:
    host = bench.host()
    throw_during(bench, "apply", reason="\n  the wrong cluster, call Ada\nmore\n")
    done = bench.run(TWO)
    assert host.files == {"/a": b"x"}, "the step that ran is finished, the next one does not begin"
    assert (done.statuses, done.end.code) == ({"h1": "aborted"}, 2)
    (event,) = done.events("RunFinished")
    assert isinstance(event, RunFinished)
    assert event.message == f"the kill switch is on ({bench.folder / 'state' / 'STOP'}): the wrong cluster, call Ada"


def test_a_preview_stops_too(bench: Bench) -> None:
    bench.host()
    throw_during(bench, "look")
    done = bench.run(TWO, options=Options(check=True))
    assert done.statuses == {"h1": "aborted"}


def test_a_rollback_that_is_under_way_finishes(bench: Bench) -> None:
    host = bench.host()
    done = bench.run(TWO)
    throw_during(bench, "undo", "/b")
    assert back(bench, done) == {"h1": "rolled_back"}
    assert host.files == {}


def test_the_rollback_of_a_failed_step_finishes(bench: Bench) -> None:
    host = bench.host()
    throw_during(bench, "undo", "/b")
    done = bench.run(f"{TWO[:-2]}, {{name: c, fail: {{msg: no}}}}]\n")
    assert (done.statuses, host.files) == ({"h1": "rolled_back"}, {})


@pytest.mark.parametrize("kind", ["run", "audit", "check"])
def test_nothing_begins_while_it_is_on(bench: Bench, kind: str) -> None:
    host = bench.host()
    (bench.folder / "state").mkdir()
    switch = bench.folder / "state" / "STOP"
    switch.touch()
    with pytest.raises(UsageError, match="no run begins: the kill switch is on") as refused:
        bench.run(TWO, kind=kind)
    assert refused.value.advice is not None and f"rm {switch}" in refused.value.advice
    assert not host.calls and not (bench.folder / "state" / "runs").exists()
    switch.unlink()
    assert bench.run(TWO, kind=kind).statuses == {"h1": "changed"}


def test_no_rollback_begins_either(bench: Bench) -> None:
    bench.host()
    done = bench.run(TWO)
    (bench.folder / "state" / "STOP").touch()
    with pytest.raises(UsageError, match="kill switch"):
        back(bench, done)


def test_whatever_is_called_so_is_the_switch(tmp_path: Path) -> None:
    switch = KillSwitch(tmp_path)
    assert switch.thrown() == ""
    switch.path.symlink_to("/nowhere")
    assert "kill switch is on" in switch.thrown()
    switch.path.unlink()
    switch.path.mkdir()
    assert "its reason cannot be read" in switch.thrown()
    assert KillSwitch(tmp_path / "no such folder").thrown() == ""
