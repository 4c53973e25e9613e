"""A person who is asked before each step (`--step`)."""

from __future__ import annotations

import pytest
from memory_bench import Bench, MemoryApp

from playbook_engine.app.resume import resume
from playbook_engine.app.runs import view_of
from playbook_engine.model.events import StepFinished
from playbook_engine.model.plan import Options

ASK = Options(ask=True)
STEPS = """
name: r
steps:
  - {name: a, command: a, irreversible: x}
  - {name: looped, command: "b {{ item }}", irreversible: x, loop: [1, 2]}
  - {name: c, command: c, irreversible: x, register: said}
  - {name: d, debug: {msg: "{{ said is defined }}"}}
"""


def commands(bench: Bench) -> list[object]:
    return [c.args["cmd"] for h in bench.hosts.values() for c in h.calls if c.op == "run"]


def test_each_step_is_asked_about_once_whatever_its_loop_and_its_hosts(bench: Bench) -> None:
    bench.host("h1")
    bench.host("h2")
    asked: list[str] = []

    def confirm(name: str) -> str:
        asked.append(name)
        return "no" if name == "a" else "yes"

    done = bench.run(STEPS, options=ASK, confirm=confirm)
    assert asked == ["a", "looped", "c", "d"]
    assert sorted(map(str, commands(bench))) == ["b 1", "b 1", "b 2", "b 2", "c", "c"]
    ends = [e for e in done.events("StepFinished") if isinstance(e, StepFinished) and e.name == "a"]
    assert [(e.outcome, e.kind) for e in ends] == [("skipped", "declined")] * 2
    assert {e.message for e in ends} == {"not wanted by the person who was asked"}


def test_continue_asks_about_nothing_more(bench: Bench) -> None:
    bench.host()
    asked: list[str] = []

    def confirm(name: str) -> str:
        asked.append(name)
        return "continue" if name == "looped" else "no"

    bench.run(STEPS, options=ASK, confirm=confirm)
    assert asked == ["a", "looped"]
    assert commands(bench) == ["b 1", "b 2", "c"]


@pytest.mark.parametrize("refused", ["a", "looped", "c"])
def test_what_was_not_wanted_is_not_done_when_the_run_goes_on(bench: Bench, refused: str) -> None:
    """The host is lost in the last step; whoever goes on with the run is not asked, and does not do it either."""
    host = bench.host()
    text = STEPS + "  - {name: last, command: last, irreversible: x}\n"

    def confirm(name: str) -> str:
        if name == "last":
            host.up = False
        return "no" if name == refused else "yes"

    done = bench.run(text, options=ASK, confirm=confirm)
    assert done.statuses["h1"] in ("unreachable", "in_doubt")
    host.up = True
    host.lost.clear()
    app = MemoryApp(bench.folder / "state", [host])
    end = resume(app, done.end.run, Options(), [], "runbook resume")
    assert end.code == 0
    wanted = {"a": ["a"], "looped": ["b 1", "b 2"], "c": ["c"]}
    rest = [c for name, cs in wanted.items() if name != refused for c in cs]
    assert commands(bench) == [*rest, "last"]
    ends = [s.finished for s in view_of(app, end.run).hosts["h1"].steps if s.started.name == "d"]
    assert [e.result["msg"] for e in ends if e is not None] == [refused != "c"]
