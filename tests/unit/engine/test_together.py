"""Hosts that have to do with one another: step by step, one for all, a few at a time, and who is out."""

from __future__ import annotations

import threading
import time

from memory_bench import Bench, Result

from playbook_engine.model.errors import Unreachable
from playbook_engine.model.events import StepFinished, StepStarted
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


def test_when_the_one_is_lost_another_one_does_it(bench: Bench) -> None:
    bench.host("h1").rules.append(lambda call: Unreachable("gone") if call.op == "run" else None)
    bench.host("h2")
    done = bench.run(ONCE.format(head="strategy: linear\n"))
    assert done.statuses["h2"] in ("changed", "unreachable")
    assert done.statuses["h1"] == "unreachable"


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
