"""Two runs compared: each thing that can differ shows, alone, and what is alike says so."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from memory_bench import Bench, MemoryApp
from report_recorder import Recorder
from report_samples import written

from playbook_engine.app.diff import diff
from playbook_engine.app.runs import take_back
from playbook_engine.model.events import StepFinished, StepStarted
from playbook_engine.model.plan import Options
from playbook_engine.report.diff_text import show
from playbook_engine.report.render import render
from playbook_engine.report.run_diff import Difference, RunDiff, run_diff
from playbook_engine.report.terminal import Paper

TEXT = """\
name: page
params:
  content: {type: str, default: x}
  token: {type: str, secret: true, default: hunter2hunter2}
preconditions:
  - {name: room, disk_usage: {path: /}, expect: result.free_bytes > 10}
steps:
  - {name: a, copy: {content: "{{ content }}", dest: /a}}
"""
STOP = "STOP\x1b[2J <b>| `x`"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    bench = Bench(tmp_path)
    for name in ("h1", "h2"):
        bench.host(name, files={"/a": b"old"})
    return bench


def compared(bench: Bench, one: str, two: str) -> RunDiff:
    return diff(MemoryApp(bench.folder / "state", []), one, two)


def text(found: RunDiff) -> str:
    paper = Paper(colour=False, width=200)
    show(paper, found)
    return paper.text()


def parts(found: RunDiff) -> dict[str, tuple[object, ...]]:
    """What differs, by part, without what does not."""
    named = {"asked": found.asked, "hosts": found.hosts, "steps": found.steps, "checks": found.checks}
    named |= {"changes": found.changes, "criteria": found.criteria, "times": found.times}  # type: ignore[dict-item]
    return {name: rows for name, rows in named.items() if rows}


def again(bench: Bench, text: str = TEXT, **given: object) -> str:
    """The same once more, from the same state."""
    for host in bench.hosts.values():
        host.files = {"/a": b"old"}
    return bench.run(text, **given).end.run


def test_two_runs_of_the_same_are_the_same(bench: Bench) -> None:
    one, two = again(bench), again(bench)
    found = compared(bench, one, two)
    assert (parts(found), found.same) == ({}, True)
    assert text(found).splitlines()[0] == f"{one} and {two}: no differences"


def test_what_one_run_changed_and_the_other_found_done(bench: Bench) -> None:
    one, two = bench.run(TEXT).end.run, bench.run(TEXT).end.run
    found = compared(bench, one, two)
    assert parts(found) == {
        "hosts": (Difference(name="ended", before="changed", now="ok", hosts=("h1", "h2")),),
        "steps": (Difference(name="a", before="changed", now="ok", hosts=("h1", "h2")),),
        "changes": (Difference(name="/a content", before="made, in force", now="", hosts=("h1", "h2")),),
    }
    assert not found.same
    assert "/a content  h1 and h2  made, in force  not there" in text(found)


def test_a_run_that_was_taken_back_differs_in_what_became_of_its_changes(bench: Bench) -> None:
    one, two = again(bench), again(bench)
    app = MemoryApp(bench.folder / "state", list(bench.hosts.values()))
    take_back(app, two, Options(), (), (), "rollback")
    (change,) = compared(bench, one, two).changes
    assert (change.before, change.now) == ("made, in force", "made, taken back")


def test_how_they_were_asked_differs_and_a_secret_does_not_show(bench: Bench) -> None:
    one, two = again(bench, token="first-secret"), again(bench, content="y", token="second-secret")
    found = compared(bench, one, two)
    assert found.asked == (Difference(name="parameter content", before="x", now="y"),)
    three = again(bench, TEXT.replace("> 10", "> 11"), options=Options(tags=("all",), check=True))
    asked = {d.name: (d.before, d.now) for d in compared(bench, one, three).asked}
    assert asked.pop("runbook sha256")[0] != ""
    assert asked == {"kind": ("run", "run (check only)"), "tags": ("[]", '["all"]')}
    for form in ("md", "html", "json"):
        assert "-secret" not in render(compared(bench, one, two), form)


def test_a_host_that_is_new_or_gone_is_that_and_nothing_else(bench: Bench) -> None:
    one = again(bench)
    del bench.hosts["h2"]
    bench.host("h3")
    two = again(bench)
    found = compared(bench, one, two)
    assert found.hosts == (
        Difference(name="ended", before="", now="changed", hosts=("h3",)),
        Difference(name="ended", before="changed", now="", hosts=("h2",)),
    )
    assert set(parts(found)) == {"hosts", "asked"}


def test_a_step_that_was_put_in_moves_none_of_the_others(bench: Bench) -> None:
    more = TEXT.replace("steps:\n", "steps:\n  - {name: first, copy: {content: z, dest: /z}}\n")
    found = compared(bench, again(bench), again(bench, more))
    assert found.steps == (Difference(name="first", before="", now="changed", hosts=("h1", "h2")),)


def test_steps_of_one_name_are_told_apart(bench: Bench) -> None:
    twice = TEXT + "  - {name: a, copy: {content: b, dest: /b}}\n"
    one = again(bench, twice)
    for host in bench.hosts.values():
        host.files = {"/a": b"old", "/b": b"b"}
    found = compared(bench, one, bench.run(twice).end.run)
    assert found.steps == (Difference(name="a (2)", before="changed", now="ok", hosts=("h1", "h2")),)


def test_a_precondition_that_does_not_hold_any_more(bench: Bench) -> None:
    one = again(bench)
    bench.hosts["h2"].free_bytes = 5
    found = compared(bench, one, again(bench))
    assert found.checks == (Difference(name="precondition: room", before="met", now="not met", hosts=("h2",)),)


def test_audits_are_compared_by_their_criteria_with_values(recorder: Recorder) -> None:
    slow = {"value": 450, "unit": "ms", "threshold": "< 200", "metric": "p95_ms", "verdict": "not_met"}
    one, two = written(recorder), written(recorder, API_latency=slow, leave_out=("cache",))
    found = run_diff(recorder.subject(one), recorder.subject(two), ({}, {}), recorder.clock.now)
    assert [(p.name, p.change) for p in found.criteria] == [("API latency", "opened"), ("cache", "lost")]
    assert "api: API latency  db1.test  met 120 ms  not met 450 ms  opened" in text(found)
    assert "not met 450 ms" in render(found, "md")
    assert found.checks == (), "they are said once"
    late = run_diff(recorder.subject(one), recorder.subject(two), ({}, {}), datetime(2030, 1, 1, tzinfo=UTC))
    assert late.criteria[0].change == "opened", "that both are old is no difference"


def test_criteria_of_a_host_that_only_one_has_are_not_compared(bench: Bench) -> None:
    text = TEXT + "checks:\n  - {name: room, disk_usage: {path: /}, expect: result.free_bytes > 10}\n"
    one = again(bench, text)
    del bench.hosts["h2"]
    bench.hosts["h1"].free_bytes = 5
    found = compared(bench, one, again(bench, text.replace("preconditions", "owner: sre\npreconditions", 1)))
    assert [(p.host, p.change) for p in found.criteria if p.host != "h1"] == []


def test_a_handler_is_no_step_of_that_name(bench: Bench) -> None:
    step = "  - {name: b, copy: {content: b, dest: /b}}\n"
    handler = TEXT.replace("dest: /a}", "dest: /a}, notify: b") + "handlers:\n" + step
    found = compared(bench, again(bench, TEXT + step), again(bench, handler))
    assert {d.name: (d.before, d.now) for d in found.steps} == {"b": ("changed", ""), "handler: b": ("", "changed")}


def timed(recorder: Recorder, **spans: float) -> str:
    with recorder.run(
        "name: page\nsteps:\n  - {name: a, irreversible: nothing to it, command: 'true'}\n",
        kind="run",
        hosts=sorted(spans),
    ) as run:
        for host, span in spans.items():
            run.emit(StepStarted(host=host, step="s1", name="a", action="command", scope="main"))
            run.emit(StepFinished(host=host, step="s1", name="a", action="command", outcome="ok", seconds=span))
    return run.name


def test_a_time_differs_when_it_is_twice_as_long_and_a_second(recorder: Recorder) -> None:
    one = recorder.subject(timed(recorder, h1=1.0, h2=10.0, h3=0.001, h4=2.0))
    two = recorder.subject(timed(recorder, h1=1.9, h2=15.0, h3=0.9, h4=9.0))
    found = run_diff(one, two, ({}, {}), recorder.clock.now)
    assert found.times == (Difference(name="a", before="2 s", now="9 s", hosts=("h4",)),)
    assert found.same, "time alone is no difference"
    assert "took much longer or shorter" in text(found)


def test_the_host_with_the_largest_difference_stands_for_the_others(recorder: Recorder) -> None:
    one, two = timed(recorder, h1=1.0, h2=1.0), timed(recorder, h1=5.0, h2=50.0)
    found = run_diff(recorder.subject(one), recorder.subject(two), ({}, {}), recorder.clock.now)
    assert found.times == (Difference(name="a", before="1 s", now="50 s", hosts=("h2", "h1")),)


def test_of_a_journal_that_is_not_whole_nobody_says_that_it_is_alike(bench: Bench) -> None:
    one, two = again(bench), again(bench)
    journal = MemoryApp(bench.folder / "state", []).store.folder(two) / "journal"
    journal.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[:-1]))
    found = compared(bench, one, two)
    assert (parts(found), found.same) == ({}, False)
    assert f"! {two}: the journal has no closing record" in text(found)
    for form in ("md", "html"):
        assert "no closing record" in render(found, form)


def test_what_a_host_said_is_text(bench: Bench) -> None:
    hostile = {"content": STOP}
    found = compared(bench, again(bench), again(bench, **hostile))
    assert "\x1b" not in text(found)
    assert "<b>" not in render(found, "html")
    assert "\\<b\\>\\|" in render(found, "md")
    told = json.loads(render(found, "json"))
    assert told["schema"] == "playbook-engine/diff-report/1"
    assert told["asked"] == [{"name": "parameter content", "before": "x", "now": "STOP\\x1b[2J <b>| `x`", "hosts": []}]
