"""Blocks with their rescue and always, and files of steps that are taken in."""

from __future__ import annotations

import pytest
from memory_bench import Bench

from playbook_engine.model.errors import LoadError, Unreachable
from playbook_engine.model.events import StepFinished
from playbook_engine.model.plan import Options
from playbook_engine.transport.base import Call, Reply

RESCUED = """\
name: r
steps:
  - {name: first, copy: {content: a, dest: /first}}
  - name: tried
    vars: {word: inner}
    block:
      - {name: in block, copy: {content: "{{ word }}", dest: /block}}
      - {name: breaks, fail: {msg: "no {{ word }}"}}
      - {name: never, copy: {content: x, dest: /never}}
    rescue:
      - {name: mends, copy: {content: "{{ ansible_failed_task.name }}: {{ ansible_failed_result.msg }}", dest: /mended}}
    always:
      - {name: in any case, copy: {content: "{{ word }}", dest: /always}}
  - {name: after, copy: {content: b, dest: /after}}
"""


def test_a_rescue_makes_good_and_what_the_block_has_changed_stays(bench: Bench) -> None:
    host = bench.host()
    done = bench.run(RESCUED)
    assert done.statuses == {"h1": "changed"}
    assert done.end.code == 0
    assert host.files == {
        "/first": b"a", "/block": b"inner", "/mended": b"breaks: no inner", "/always": b"inner", "/after": b"b",
    }  # fmt: skip
    (failed,) = [e for e in done.events("StepFinished") if isinstance(e, StepFinished) and e.outcome == "failed"]
    assert failed.rescued
    assert not failed.ignored


def test_without_a_rescue_always_runs_and_then_all_is_taken_back(bench: Bench) -> None:
    host = bench.host()
    text = RESCUED.replace("    rescue:\n", "").replace(
        next(line for line in RESCUED.splitlines() if "mends" in line), ""
    )
    done = bench.run(text)
    assert done.statuses == {"h1": "rolled_back"}
    assert host.files == {}
    assert done.outcomes()["in any case"] == "changed"
    assert "after" not in done.outcomes()


def test_a_rescue_that_fails_fails_the_host_and_always_runs_all_the_same(bench: Bench) -> None:
    host = bench.host()
    done = bench.run(
        "name: r\non_failure: stop\nsteps:\n  - block: [{name: a, fail: {msg: x}}]\n"
        "    rescue: [{name: b, fail: {msg: y}}]\n    always: [{name: c, copy: {content: c, dest: /c}}]\n"
    )
    assert done.statuses == {"h1": "failed"}
    assert host.files == {"/c": b"c"}
    assert "b: y" in done.view.hosts["h1"].finished.message  # type: ignore[union-attr]


def test_the_innermost_rescue_is_the_one_that_runs(bench: Bench) -> None:
    bench.host()
    done = bench.run(
        "name: r\nsteps:\n  - block:\n      - block: [{name: a, fail: {msg: x}}]\n"
        "        always: [{name: b, debug: {msg: b}}]\n      - {name: never, debug: {msg: n}}\n"
        "    rescue: [{name: c, debug: {msg: c}}]\n  - {name: d, debug: {msg: d}}\n"
    )
    assert done.statuses == {"h1": "ok"}
    assert list(done.outcomes()) == ["a", "b", "c", "d"]


def test_a_block_that_goes_well_runs_always_and_no_rescue(bench: Bench) -> None:
    bench.host()
    done = bench.run(
        "name: r\nsteps:\n  - block: [{name: a, debug: {msg: x}}]\n    rescue: [{name: b, debug: {msg: y}}]\n"
        "    always: [{name: c, debug: {msg: z}}]\n"
    )
    assert list(done.outcomes()) == ["a", "c"]


def test_what_a_block_says_counts_for_its_steps(bench: Bench) -> None:
    host = bench.host()
    done = bench.run(
        "name: r\nsteps:\n  - when: go\n    vars: {go: true, w: block, v: block}\n    tags: [t]\n    block:\n"
        "      - {name: a, copy: {content: '{{ w }}{{ v }}', dest: /a}, vars: {v: own}}\n"
        "      - {name: b, copy: {content: x, dest: /b}, when: not go}\n",
        options=Options(tags=("t",)),
    )
    assert host.files == {"/a": b"blockown"}
    assert done.outcomes() == {"a": "changed", "b": "skipped"}


def _gone(call: Call) -> Reply | Unreachable | None:
    return Unreachable("the host is gone") if call.args.get("dest") == "/lost" else None


LOST = """\
name: r
on_failure: stop
steps:
  - block:
      - {name: loses, copy: {content: a, dest: /lost}}
    rescue:
      - name: told
        copy: {content: "{{ ansible_failed_task.name }}", dest: /told}
        delegate_to: h2
        when: inventory_hostname == "h1"
      - {name: needs it, copy: {content: a, dest: /lost}}
    always:
      - {name: in any case, copy: {content: a, dest: /always}, delegate_to: h2, when: inventory_hostname == "h1"}
  - {name: after, copy: {content: b, dest: /after}}
"""


def test_a_rescue_runs_as_far_as_it_can_for_a_host_that_was_lost(bench: Bench) -> None:
    lost, other = bench.host(), bench.host("h2")
    lost.rules.append(_gone)
    done = bench.run(LOST)
    assert done.statuses == {"h1": "unreachable", "h2": "changed"}
    assert other.files["/told"] == b"loses"
    assert other.files["/always"] == b"a"
    assert done.outcomes()["needs it"] == "unreachable"
    assert "after" not in done.outcomes()


def test_a_host_that_was_lost_and_all_of_whose_rescue_was_done_goes_on(bench: Bench) -> None:
    lost = bench.host()
    lost.rules.append(_gone)
    bench.host("h2")
    text = LOST.replace(next(line for line in LOST.splitlines() if "needs it" in line) + "\n", "")
    done = bench.run(text)
    assert done.statuses == {"h1": "changed", "h2": "changed"}
    assert done.outcomes()["after"] == "changed"


def test_the_steps_of_a_file_see_the_item_and_the_vars_of_their_include(bench: Bench) -> None:
    host = bench.host()
    (bench.folder / "more.yml").write_text(
        "- {name: 'to {{ item }}', copy: {content: '{{ w }}', dest: '/{{ item }}'}}\n"
    )
    done = bench.run("name: r\nsteps:\n  - {include_steps: more.yml, loop: [a, b], vars: {w: x}}\n")
    assert host.files == {"/a": b"x", "/b": b"x"}
    assert [s.started.step for s in done.view.hosts["h1"].steps] == ["s1", "s1", "s1.i1.1", "s1.i1.1~2"]


def test_what_was_come_to_twice_is_taken_back_twice(bench: Bench) -> None:
    host = bench.host()
    (bench.folder / "more.yml").write_text("- {name: 'to {{ item }}', copy: {content: x, dest: '/{{ item }}'}}\n")
    done = bench.run(
        "name: r\nsteps:\n  - {include_steps: more.yml, loop: [a, b]}\n  - {name: breaks, fail: {msg: x}}\n"
    )
    assert done.statuses == {"h1": "rolled_back"}
    assert host.files == {}


def test_a_file_whose_name_is_a_template_is_read_before_the_run(bench: Bench) -> None:
    host = bench.host()
    (bench.folder / "on-a.yml").write_text("- {copy: {content: a, dest: /a}}\n")
    (bench.folder / "on-b.yml").write_text("- {copy: {content: b, dest: /b}}\n")
    bench.variables["h1"] = {"kind": "b"}
    done = bench.run("name: r\nsteps:\n  - {include_steps: 'on-{{ kind }}.yml'}\n")
    assert host.files == {"/b": b"b"}
    bench.variables["h1"] = {"kind": "c"}
    done = bench.run("name: r\nsteps:\n  - {include_steps: 'on-{{ kind }}.yml'}\n")
    assert done.statuses == {"h1": "failed"}


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "there is no file 'more.yml'"),
        ({"more.yml": "- {include_steps: more.yml}\n"}, "in a circle"),
        ({"more.yml": "a: 1\n"}, "a list of steps is expected"),
        ({"more.yml": "- {copyy: {dest: /a}}\n"}, "copyy"),
        ({"more.yml": "- {command: ls}\n"}, "cannot be taken back"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_before_the_run(bench: Bench, files: dict[str, str], said: str) -> None:
    bench.host()
    for name, text in files.items():
        (bench.folder / name).write_text(text)
    with pytest.raises(LoadError, match=said):
        bench.run("name: r\nsteps:\n  - {include_steps: more.yml}\n")


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ("[{block: [], name: x}]", "empty"),
        ("[{rescue: [{debug: {}}]}]", "belongs to a block"),
        ("[{block: [{debug: {}}], copy: {dest: /a}}]", "unknown key of a block 'copy'"),
        ("[{block: [{debug: {}}], register: x}]", "register means nothing for a block"),
        ("[{block: [{debug: {}}], loop: [1]}]", "loop means nothing for a block"),
    ],
)
def test_a_block_that_is_none_is_refused(bench: Bench, steps: str, said: str) -> None:
    bench.host()
    with pytest.raises(LoadError, match=said):
        bench.run(f"name: r\nsteps: {steps}\n")
