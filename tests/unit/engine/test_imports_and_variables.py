"""Imports, scopes of rollback, and who wins among variables."""

from __future__ import annotations

from memory_bench import Bench

from playbook_engine.model.events import ScopeFinished
from playbook_engine.model.plan import Options

INNER = """\
name: inner
params:
  text: {type: str, default: standard}
  count: {type: int, default: 1}
steps:
  - {name: inner file, copy: {content: "{{ text }}{{ count }}", dest: /inner}}
  - {name: inner end, command: exit 1, irreversible: x, when: text == "break"}
"""


def outer(bench: Bench, steps: str, head: str = "") -> str:
    (bench.folder / "inner.yml").write_text(INNER)
    return f"name: outer\n{head}steps:\n{steps}"


def test_an_import_that_fails_takes_back_its_own_changes_and_no_others(bench: Bench) -> None:
    host = bench.host()
    text = outer(
        bench,
        "  - {name: first, copy: {content: a, dest: /first}}\n"
        "  - {import_runbook: inner, params: {text: break}}\n"
        "  - {name: never, copy: {content: b, dest: /never}}\n",
    )
    done = bench.run(text)
    assert host.files == {"/first": b"a"}
    assert done.statuses["h1"] in ("partly_rolled_back", "rolled_back")


def test_an_import_that_has_finished_stays_when_a_later_step_fails(bench: Bench) -> None:
    host = bench.host()
    text = outer(
        bench,
        "  - import_runbook: inner\n"
        "  - {name: mine, copy: {content: a, dest: /mine}}\n"
        "  - {name: breaks, fail: {msg: no}}\n",
    )
    done = bench.run(text)
    assert host.files == {"/inner": b"standard1"}
    assert done.statuses == {"h1": "rolled_back"}


def test_on_failure_stop_leaves_everything(bench: Bench) -> None:
    host = bench.host()
    text = (
        "name: r\non_failure: stop\nsteps:\n"
        "  - {name: a, copy: {content: x, dest: /a}}\n  - {name: b, fail: {msg: no}}\n"
    )
    done = bench.run(text)
    assert host.files == {"/a": b"x"}
    assert done.statuses == {"h1": "failed"}
    assert done.events("RollbackStarted") == []


def test_on_failure_continue_goes_on_and_says_so(bench: Bench) -> None:
    host = bench.host()
    text = (
        "name: r\non_failure: continue\nsteps:\n  - {name: b, fail: {msg: no}}\n"
        "  - {name: a, copy: {content: x, dest: /a}}\n"
    )
    done = bench.run(text)
    assert host.files == {"/a": b"x"}
    assert done.statuses == {"h1": "failed"}


def test_who_wins_among_the_values_of_a_parameter(bench: Bench) -> None:
    host = bench.host()
    bench.variables["h1"] = {"text": "inventory"}
    text = outer(bench, "  - import_runbook: inner\n")
    bench.run(text)
    assert host.files["/inner"] == b"inventory1"
    bench.run(outer(bench, "  - {import_runbook: inner, params: {text: given, count: '7'}}\n"))
    assert host.files["/inner"] == b"given7"
    bench.run(outer(bench, "  - {import_runbook: inner, params: {text: given}}\n"), text="typed")
    assert host.files["/inner"] == b"typed1"


def test_an_import_whose_preconditions_say_skip_is_skipped_alone(bench: Bench) -> None:
    host = bench.host()
    (bench.folder / "inner.yml").write_text(
        INNER + "preconditions: [{disk_usage: {path: /}, expect: result.free_bytes < 1, otherwise: skip}]\n"
    )
    done = bench.run(
        "name: outer\nsteps:\n  - import_runbook: inner\n  - {name: after, copy: {content: a, dest: /after}}\n"
    )
    assert host.files == {"/after": b"a"}
    scopes = {e.scope: e.outcome for e in done.events("ScopeFinished") if isinstance(e, ScopeFinished)}
    assert scopes == {"s1": "skipped", "main": "ok"}


def test_tags_choose_steps_those_of_an_import_too(bench: Bench) -> None:
    host = bench.host()
    text = outer(
        bench,
        "  - {import_runbook: inner, tags: [deep]}\n"
        "  - {name: a, copy: {content: a, dest: /a}, tags: [top]}\n"
        "  - {name: b, copy: {content: b, dest: /b}, tags: [always]}\n"
        "  - {name: c, copy: {content: c, dest: /c}, tags: [never, rare]}\n",
    )
    bench.run(text, options=Options(tags=("deep",)))
    assert sorted(host.files) == ["/b", "/inner"]
    host.files.clear()
    bench.run(text, options=Options(skip_tags=("deep", "always")))
    assert sorted(host.files) == ["/a"]
    host.files.clear()
    bench.run(text, options=Options(tags=("rare",)))
    assert sorted(host.files) == ["/b", "/c"]


def test_registered_values_and_facts_reach_what_comes_after(bench: Bench) -> None:
    host = bench.host(commands={"who": (0, "me")})
    done = bench.run(
        """\
name: r
steps:
  - {name: ask, command: who, changed_when: false, register: who}
  - {name: keep, set_fact: {kept: "{{ who.stdout }}!"}}
  - {name: write, copy: {content: "{{ kept }} {{ ansible_facts.service_mgr }}", dest: /out}}
"""
    )
    assert done.statuses == {"h1": "changed"}
    assert host.files["/out"] == b"me! runit"
    assert sum(c.action == "facts" for c in host.calls) == 1
