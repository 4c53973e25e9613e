"""The look at the next step rides with this one's request: fewer trips, and never another outcome."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from memory_bench import Bench

from playbook_engine.model.plan import Options
from playbook_engine.transport import scripted
from playbook_engine.transport.base import Call, Reply

FRAMES: list[list[str]] = []


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    FRAMES.clear()
    real = scripted.ScriptedSession.ask

    def ask(self: scripted.ScriptedSession, calls: Sequence[Call]) -> list[Reply]:
        if calls[0].op != "lock":
            FRAMES.append([f"{c.op} {c.args.get('dest') or c.args.get('cmd') or c.action}" for c in calls])
        return real(self, calls)

    monkeypatch.setattr(scripted.ScriptedSession, "ask", ask)
    return Bench(tmp_path)


def copies(*paths: str) -> str:
    return "".join(f"  - {{name: {p}, copy: {{content: x, dest: {p}}}}}\n" for p in paths)


def test_one_trip_for_a_step_that_changes_something(bench: Bench) -> None:
    host = bench.host()
    done = bench.run(
        f"name: r\nsteps:\n  - {{name: c, command: 'true', changed_when: false}}\n{copies('/a', '/b', '/c')}"
    )
    assert done.statuses == {"h1": "changed"}
    assert host.files == {"/a": b"x", "/b": b"x", "/c": b"x"}
    assert FRAMES == [["run true", "look /a"], ["apply /a", "look /b"], ["apply /b", "look /c"], ["apply /c"]]


def test_less_than_one_where_there_is_nothing_to_do(bench: Bench) -> None:
    bench.host(files={"/a": b"x", "/b": b"x", "/c": b"x", "/d": b"x"})
    assert bench.run(f"name: r\nsteps:\n{copies('/a', '/b', '/c', '/d')}").statuses == {"h1": "ok"}
    assert FRAMES == [["look /a", "look /b"], ["look /c", "look /d"]]


def test_the_items_of_a_loop(bench: Bench) -> None:
    host = bench.host(files={"/a": b"old", "/b": b"older"})
    done = bench.run("name: r\nsteps:\n  - {copy: {content: x, dest: '{{ item }}'}, loop: [/a, /b]}\n")
    assert FRAMES[1:] == [["apply /a", "look /b"], ["apply /b"]]
    assert [c.intended.before["content"] for c in done.view.hosts["h1"].changes] == [b"old", b"older"]
    assert host.files == {"/a": b"x", "/b": b"x"}


def test_a_look_is_of_no_use_when_the_step_turns_out_otherwise(bench: Bench) -> None:
    """`was` has another value when the look is made; what counts is the look at what is really asked for."""
    host = bench.host()
    host.commands["hostname"] = (0, "h1\n")
    done = bench.run(
        """\
        name: r
        vars: {was: {stdout: nothing}}
        steps:
          - {command: hostname, changed_when: false, register: was}
          - {copy: {content: '{{ was.stdout }}', dest: /a}}
        """
    )
    assert done.statuses == {"h1": "changed"}
    assert host.files == {"/a": b"h1"}
    assert FRAMES[1:] == [["look /a"], ["apply /a"]]


def test_the_same_file_twice_is_seen_as_the_first_left_it(bench: Bench) -> None:
    host = bench.host()
    text = "name: r\nsteps: [{copy: {content: '1', dest: /a}}, {copy: {content: '2', dest: /a}}, {shell: exit 1, "
    done = bench.run(f"{text}irreversible: it is a test}}]\n")
    assert done.statuses == {"h1": "partly_rolled_back"}
    assert [c.intended.before.get("content") for c in done.view.hosts["h1"].changes[:2]] == [None, b"1"]
    assert host.files == {}


def test_a_failed_look_ahead_is_no_failure(bench: Bench) -> None:
    """It has half a second: whoever needs longer is looked at in its turn."""
    host = bench.host()

    def rule(call: Call) -> Reply | None:
        slow = call.op == "look" and call.args.get("dest") == "/b" and call.timeout < 1
        return Reply(ok=False, kind="timeout", msg="it took its time") if slow else None

    host.rules.append(rule)
    assert bench.run(f"name: r\nsteps:\n{copies('/a', '/b')}").statuses == {"h1": "changed"}
    assert ["look /b"] in FRAMES


@pytest.mark.parametrize(
    "second",
    [
        "copy: {content: x, dest: /b}, when: 1 > 2",
        "copy: {content: x, dest: /b}, preconditions: [{command: 'true'}]",
        "copy: {content: x, dest: /b}, unless: [{command: 'false'}]",
        'copy: {content: \'{{ lookup("pipe", "echo x") }}\', dest: /b}',
        "copy: {content: '{{ ansible_facts.hostname }}', dest: /b}",
        "copy: {content: x, dest: /b}, loop: [1]",
        "command: cat /b, irreversible: it is a test",
    ],
)
def test_where_more_has_to_be_known_nothing_is_looked_at_ahead(bench: Bench, second: str) -> None:
    bench.host()
    bench.run(f"name: r\nsteps:\n  - {{copy: {{content: x, dest: /a}}}}\n  - {{{second}}}\n")
    assert FRAMES[:2] == [["look /a"], ["apply /a"]]


@pytest.mark.parametrize("more", ["checks: [{command: 'true'}]", "until: result.changed", "async: 5s"])
def test_after_a_step_that_is_not_over_with_its_answer(bench: Bench, more: str) -> None:
    bench.host()
    bench.run(f"name: r\nsteps:\n  - {{command: 'true', irreversible: it is a test, {more}}}\n{copies('/b')}")
    assert FRAMES[0] == ["run true"]


def test_a_host_without_python_is_asked_one_thing_at_a_time(bench: Bench) -> None:
    bench.host(python=None)
    bench.run(f"name: r\nsteps:\n{copies('/a', '/b')}")
    assert all(len(frame) == 1 for frame in FRAMES)


def test_a_preview_says_the_same(bench: Bench) -> None:
    host = bench.host(files={"/b": b"x"})
    done = bench.run(f"name: r\nsteps:\n{copies('/a', '/b', '/c')}", options=Options(check=True))
    assert done.outcomes() == {"/a": "changed", "/b": "ok", "/c": "changed"}
    assert host.files == {"/b": b"x"}
