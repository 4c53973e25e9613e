"""Hosts that have to do with one another: step by step, one for all, a few at a time, and who is out."""

from __future__ import annotations

import threading
import time

import pytest
from memory_bench import Bench, Result

from playbook_engine.engine.lockstep import Lockstep
from playbook_engine.engine.result import StepResult
from playbook_engine.model.errors import HostError, Unreachable
from playbook_engine.model.events import HostFinished, StepFinished, StepStarted
from playbook_engine.model.outcome import HostStatus
from playbook_engine.model.plan import Options
from playbook_engine.transport.base import Call, Reply


def order(done: Result) -> list[str]:
    return [e.name for e in done.events("StepStarted") if isinstance(e, StepStarted)]


def test_step_by_step_no_host_begins_a_step_before_all_have_ended_the_one_before(bench: Bench) -> None:
    for name in ("h1", "h2", "h3"):
        bench.host(name)
    slow = bench.hosts["h2"]
    slow.rules.append(lambda call: time.sleep(0.1) if call.args.get("cmd") == "a" else None)  # type: ignore[func-returns-value]
    steps = "".join(f"  - {{name: {n}, command: {n}, irreversible: x}}\n" for n in "abc")
    done = bench.run(f"name: r\nstrategy: linear\nsteps:\n{steps}")
    assert order(done) == ["a"] * 3 + ["b"] * 3 + ["c"] * 3


def test_at_their_own_pace_hosts_do_not_wait(bench: Bench) -> None:
    bench.host("h1")
    slow = bench.host("h2")
    began = threading.Event()

    def wait(call: Call) -> Reply | None:
        if call.args.get("cmd") == "a":
            began.wait(5)
        return None

    def tell(call: Call) -> Reply | None:
        if call.args.get("cmd") == "b":
            began.set()
        return None

    slow.rules.append(wait)
    bench.hosts["h1"].rules.append(tell)
    done = bench.run("name: r\nsteps: [{command: a, irreversible: x}, {command: b, irreversible: x}]\n")
    assert done.statuses == {"h1": "changed", "h2": "changed"}
    assert began.is_set()


def test_step_by_step_a_rescue_comes_before_what_follows_the_block(bench: Bench) -> None:
    bench.host("h1")
    bench.host("h2")
    done = bench.run(
        "name: r\nstrategy: linear\nsteps:\n  - block: [{name: a, fail: {msg: x}, when: inventory_hostname == 'h1'}]\n"
        "    rescue: [{name: r, debug: {msg: x}}]\n  - {name: b, debug: {msg: x}}\n"
    )
    assert order(done) == ["a", "a", "r", "b", "b"]


def test_a_host_that_is_out_does_not_hold_up_the_others(bench: Bench) -> None:
    bench.host("h1")
    bench.host("h2")
    done = bench.run(
        "name: r\nstrategy: linear\non_failure: stop\nsteps:\n"
        "  - {name: a, fail: {msg: x}, when: inventory_hostname == 'h1'}\n"
        "  - {name: b, copy: {content: '{{ ansible_play_hosts }} {{ ansible_play_hosts_all }}', dest: /b}}\n"
    )
    assert done.statuses == {"h1": "failed", "h2": "changed"}
    assert bench.hosts["h2"].files["/b"] == b"['h2'] ['h1', 'h2']"


ONCE = """\
name: r
on_failure: stop
{head}steps:
  - {{name: once, command: migrate, run_once: true, register: r, irreversible: x}}
  - {{name: seen, copy: {{content: "{{{{ r.rc }}}}", dest: /seen}}}}
"""


def test_one_host_does_it_for_all_of_its_batch(bench: Bench) -> None:
    for name in ("h1", "h2", "h3"):
        bench.host(name)
    done = bench.run(ONCE.format(head="serial: 2\nstrategy: linear\n"))
    assert [e.host for e in done.events("StepFinished") if isinstance(e, StepFinished) and e.name == "once"] == [
        "h1",
        "h3",
    ]
    assert all(host.files == {"/seen": b"0"} for host in bench.hosts.values())


def test_what_fails_for_one_that_does_it_for_all_fails_for_all(bench: Bench) -> None:
    for name in ("h1", "h2"):
        bench.host(name).commands = {"migrate": (3, "no")}
    done = bench.run(ONCE.format(head="strategy: linear\n"))
    assert done.statuses == {"h1": "failed", "h2": "failed"}
    assert len([c for h in bench.hosts.values() for c in h.calls if c.op == "run"]) == 1


def test_when_the_one_is_lost_it_has_failed_for_the_others(bench: Bench) -> None:
    bench.host("h1").rules.append(lambda call: Unreachable("gone") if call.op == "run" else None)
    bench.host("h2")
    done = bench.run(ONCE.format(head="strategy: linear\n"))
    assert done.statuses == {"h1": "unreachable", "h2": "failed"}


def test_so_many_hosts_at_most_are_at_a_step(bench: Bench) -> None:
    now, most, lock = [0], [0], threading.Lock()

    def busy(call: Call) -> Reply | None:
        if call.op != "run":
            return None
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.02)
        with lock:
            now[0] -= 1
        return None

    for n in range(6):
        bench.host(f"h{n}").rules.append(busy)
    done = bench.run("name: r\nsteps: [{command: a, irreversible: x, throttle: 2}]\n")
    assert set(done.statuses.values()) == {"changed"}
    assert 1 <= most[0] <= 2


def test_two_hosts_that_delegate_one_step_to_a_third_do_not_mix_up_what_they_saw(bench: Bench) -> None:
    for name in ("h1", "h2", "h3"):
        bench.host(name)
    bench.run(
        "name: r\nsteps:\n  - {copy: {content: '{{ inventory_hostname }}', dest: '/from-{{ inventory_hostname }}'},"
        " delegate_to: h3, when: inventory_hostname != 'h3'}\n"
    )
    assert bench.hosts["h3"].files == {"/from-h1": b"h1", "/from-h2": b"h2"}


def test_the_variables_that_another_host_has_set(bench: Bench) -> None:
    for name in ("h1", "h2"):
        bench.host(name)
    bench.run(
        "name: r\nstrategy: linear\nsteps:\n  - {set_fact: {mine: 'of {{ inventory_hostname }}'}}\n"
        "  - {copy: {content: '{{ hostvars.h1.mine }}', dest: /a}}\n"
    )
    assert bench.hosts["h2"].files == {"/a": b"of h1"}


def test_a_host_that_cannot_be_reached_may_be_ignored(bench: Bench) -> None:
    lost = bench.host("h1")
    lost.rules.append(lambda call: Unreachable("gone") if call.args.get("dest") == "/lost" else None)
    done = bench.run(
        "name: r\nsteps:\n  - {name: a, copy: {content: x, dest: /lost}, ignore_unreachable: true, register: r}\n"
        "  - {name: b, copy: {content: '{{ r.unreachable }}', dest: /b}}\n"
    )
    assert done.statuses == {"h1": "changed"}
    assert lost.files == {"/b": b"True"} or lost.files == {"/b": b"true"}


def test_a_step_may_only_say_what_it_would_do_or_do_it_all_the_same(bench: Bench) -> None:
    host = bench.host()
    text = (
        "name: r\nsteps:\n  - {name: a, copy: {content: x, dest: /a}, check_mode: true}\n"
        "  - {name: b, copy: {content: x, dest: /b}, check_mode: false}\n"
    )
    assert bench.run(text, options=Options(check=True)).statuses == {"h1": "changed"}
    assert host.files == {"/b": b"x"}
    host.files.clear()
    bench.run(text)
    assert host.files == {"/b": b"x"}


def test_a_run_may_begin_with_a_step(bench: Bench) -> None:
    host = bench.host()
    text = (
        "name: r\nsteps:\n  - {name: a, copy: {content: x, dest: /a}}\n"
        "  - block: [{name: b, copy: {content: x, dest: /b}}, {name: c, copy: {content: x, dest: /c}}]\n"
        "  - {name: d, copy: {content: x, dest: /d}}\n"
    )
    bench.run(text, options=Options(start_at="c"))
    assert sorted(host.files) == ["/c", "/d"]


def test_handlers_run_in_the_order_in_which_they_are_written_and_when_they_are_flushed(bench: Bench) -> None:
    bench.host()
    done = bench.run(
        "name: r\nsteps:\n  - {name: a, command: x, irreversible: x, notify: [second, first]}\n"
        "  - {meta: flush_handlers}\n  - {name: b, command: x, irreversible: x, notify: topic}\n"
        "handlers:\n  - {name: first, command: x, irreversible: x, notify: third}\n"
        "  - {name: second, debug: {msg: x}}\n"
        "  - {name: third, debug: {msg: x}, listen: topic}\n"
    )
    assert order(done) == ["a", "first", "second", "third", "b", "third"]


WHICH = """\
name: r
on_failure: stop
strategy: linear
steps:
  - include_steps: "{{ which }}.yml"
  - {name: end, debug: {msg: x}}
"""


def included(bench: Bench, options: Options) -> Result:
    """Three hosts: the first one includes a file of its own, the others one with a step that is done once."""
    (bench.folder / "a.yml").write_text("- {name: a, command: a, irreversible: x}\n")
    (bench.folder / "b.yml").write_text("- {name: b, command: b, run_once: true, irreversible: x}\n")
    for name, which in (("h1", "a"), ("h2", "b"), ("h3", "b")):
        if name not in bench.hosts:
            bench.host(name)
        bench.variables[name] = {"which": which}
    return bench.run(WHICH, options=options)


def test_a_host_in_another_file_does_not_do_it_for_all(bench: Bench) -> None:
    done = included(bench, Options(forks=1))
    assert done.statuses == {"h1": "changed", "h2": "changed", "h3": "changed"}
    assert order(done)[3:5] == ["a", "b"], "one file goes before the other"


def test_a_host_that_is_lost_in_its_own_file_does_not_hold_up_the_others(bench: Bench) -> None:
    bench.host("h1").rules.append(lambda call: Unreachable("gone") if call.op == "run" else None)
    done = included(bench, Options(forks=1))
    assert done.statuses == {"h1": "unreachable", "h2": "changed", "h3": "changed"}


def test_who_has_gone_on_does_not_do_for_all_what_it_has_not_done() -> None:
    together = Lockstep([["h1", "h2"]], str)
    key, place = ("main", "s1", 0), (0,)
    arrived = threading.Thread(target=together.arrive, args=("h1", place), daemon=True)
    arrived.start()
    together.arrive("h2", place)
    arrived.join(5)
    answers: list[StepResult | None] = []
    waits = threading.Thread(target=lambda: answers.append(together.once("h2", key)), daemon=True)
    waits.start()  # h1 is at the same place and the first of the two: it is to do it
    threading.Thread(target=together.arrive, args=("h1", (1,)), daemon=True).start()
    waits.join(5)
    assert answers == [None]
    together.finished("h2", HostStatus.OK)


def test_a_host_is_not_lost_with_the_one_that_does_it_for_all(bench: Bench) -> None:
    bench.host("h1").rules.append(lambda call: Unreachable("gone") if call.op == "run" else None)
    for name in ("h2", "h3", "h4", "h5"):
        bench.host(name)
    done = bench.run(
        "name: r\non_failure: stop\nstrategy: linear\nsteps:\n"
        "  - block: [{name: a, fail: {msg: x}, run_once: true}]\n"
        "    rescue: [{name: r, command: mend, irreversible: x, run_once: true}]\n"
        "    always: [{name: z, copy: {content: x, dest: /z}}]\n",
        options=Options(forks=1),
    )
    assert done.statuses == {"h1": "unreachable", **dict.fromkeys(("h2", "h3", "h4", "h5"), "failed")}
    assert all(host.files == {"/z": b"x"} for host in bench.hosts.values())


@pytest.mark.parametrize("word", ["throttle: 1", "run_once: true"])
def test_who_waits_for_others_begins_nothing_when_the_run_is_stopped(bench: Bench, word: str) -> None:
    for name in ("h1", "h2", "h3", "h4", "h5"):
        # It uses up the time that the run has, and then it is lost: what it was to do, nobody does any more.
        bench.host(name).rules.append(lambda call: lost() if call.op == "run" else None)

    def lost() -> HostError:
        time.sleep(0.3)
        return Unreachable("gone")

    done = bench.run(
        f"name: r\nstrategy: linear\ndeadline: 0.2s\nsteps: [{{name: a, command: a, irreversible: x, {word}}}]\n"
    )
    assert len([c for h in bench.hosts.values() for c in h.calls if c.op == "run"]) == 1
    assert set(done.statuses.values()) <= {"unreachable", "aborted", "failed"}


@pytest.mark.parametrize("word", ["ignore_errors", "ignore_unreachable"])
def test_what_cannot_be_said_of_ignoring_is_no_fault_of_the_engine(bench: Bench, word: str) -> None:
    bench.host("h1").commands = {"a": (3, "no")}
    bench.host("h2").rules.append(lambda call: Unreachable("gone") if call.op == "run" else None)
    step = f"{{name: a, command: a, irreversible: x, throttle: 1, {word}: '{{{{ nobody }}}}'}}"
    done = bench.run(f"name: r\non_failure: stop\nsteps: [{step}]\n")
    assert done.statuses == {"h1": "failed", "h2": "unreachable"}
    messages = [e.message for e in done.events("HostFinished") if isinstance(e, HostFinished)]
    assert any("'nobody' is not defined" in m for m in messages)
    assert not any("fault" in m for m in messages)


def test_when_a_loop_ends_is_not_known_so_the_step_has_failed(bench: Bench) -> None:
    bench.host("h1")
    done = bench.run(
        "name: r\non_failure: stop\nsteps:\n"
        "  - {name: a, command: a, irreversible: x, loop: [1, 2], loop_control: {break_when: nobody.x}}\n"
    )
    (end,) = done.events("HostFinished")
    assert isinstance(end, HostFinished)
    assert end.status == "failed"
    assert "break_when" in end.message
    assert "fault" not in end.message


def test_a_file_of_variables_that_is_none_is_a_failure_of_the_step(bench: Bench) -> None:
    bench.host("h1")
    (bench.folder / "bad.yml").write_text("- [}\n")
    done = bench.run("name: r\nsteps: [{name: a, include_vars: {file: bad.yml}}]\n")
    assert done.outcomes() == {"a": "failed"}
    assert done.statuses == {"h1": "failed"}
