"""The contract of a step, line by line of the runbook language, on hosts in memory."""

from __future__ import annotations

import pytest
from memory_bench import Bench

from playbook_engine.model.errors import LinkLost
from playbook_engine.model.events import ChangeIntended, CheckEvaluated, RollbackVerified, StepFinished, StepUndone
from playbook_engine.model.plan import Options
from playbook_engine.transport.base import Call, Reply

HEAD = "name: r\nsteps:\n"


def test_a_false_condition_skips_and_sends_nothing(bench: Bench) -> None:
    host = bench.host()
    done = bench.run(HEAD + "  - {name: a, when: 1 > 2, command: echo hi, irreversible: x}\n")
    assert done.outcomes() == {"a": "skipped"}
    assert host.calls == []
    assert done.statuses == {"h1": "ok"}


def test_preconditions_of_a_step_are_reported_together_and_nothing_is_touched(bench: Bench) -> None:
    host = bench.host(free_bytes=5)
    done = bench.run(
        HEAD
        + """\
  - name: a
    copy: {content: x, dest: /a}
    preconditions:
      - {name: room, disk_usage: {path: /}, expect: result.free_bytes > 10}
      - {name: inodes, disk_usage: {path: /}, expect: result.free_inodes > 1000000}
"""
    )
    message = done.view.hosts["h1"].steps[0].finished.message  # type: ignore[union-attr]
    assert "room: free_bytes is 5 bytes, wanted > 10" in message
    assert "inodes: free_inodes is 100000" in message
    assert host.files == {}
    assert done.statuses == {"h1": "failed"}
    assert done.end.code == 2


def test_a_state_that_is_already_so_is_ok_and_sends_no_change(bench: Bench) -> None:
    host = bench.host(files={"/a": b"x"})
    done = bench.run(HEAD + "  - {name: a, copy: {content: x, dest: /a}}\n")
    assert done.outcomes() == {"a": "ok"}
    assert [c.op for c in host.calls] == ["look"]


def test_unless_makes_a_command_idempotent(bench: Bench) -> None:
    host = bench.host()
    text = (
        HEAD + "  - {name: a, command: start, irreversible: x, unless: [{command: status, expect: result.rc == 0}]}\n"
    )
    assert bench.run(text).outcomes() == {"a": "ok"}
    assert [c.args["cmd"] for c in host.calls] == ["status"]
    host.commands["status"] = (3, "")
    assert bench.run(text).outcomes() == {"a": "changed"}


def test_the_intent_is_in_the_journal_before_the_change_is_sent(bench: Bench) -> None:
    host = bench.host(files={"/a": b"old"})
    seen: list[bytes] = []

    def watch(call: Call) -> None:
        if call.op == "apply":
            journal = next((bench.folder / "state" / "runs").iterdir()) / "journal"
            seen.append(journal.read_bytes())

    host.rules.append(watch)  # type: ignore[arg-type]
    done = bench.run(HEAD + "  - {name: a, copy: {content: new, dest: /a}}\n")
    assert b'"e":"ChangeIntended"' in seen[0]
    assert b'"e":"ChangeApplied"' not in seen[0]
    intended = done.events("ChangeIntended")[0]
    assert isinstance(intended, ChangeIntended)
    assert intended.before["content"] == b"old"


def test_checks_are_always_made_and_fail_the_step(bench: Bench) -> None:
    host = bench.host(files={"/a": b"old"})
    done = bench.run(
        HEAD
        + "  - name: a\n    copy: {content: new, dest: /a}\n    checks: [{command: exit 1, expect: result.rc == 0}]\n"
    )
    assert done.outcomes() == {"a": "failed"}
    assert host.files == {"/a": b"old"}
    assert done.statuses == {"h1": "rolled_back"}
    proof = done.events("RollbackVerified")[0]
    assert isinstance(proof, RollbackVerified)
    assert proof.proved
    assert proof.compared == 1


def test_a_check_has_a_window_to_become_true(bench: Bench) -> None:
    host = bench.host()
    answers = iter([1, 1, 0])
    host.rules.append(
        lambda call: Reply(ok=True, result={"rc": next(answers)}) if call.args.get("cmd") == "poll" else None
    )
    done = bench.run(
        HEAD
        + "  - name: a\n    command: go\n    irreversible: x\n"
        + "    checks: [{command: poll, expect: result.rc == 0, within: 5s, every: 50ms}]\n"
    )
    assert done.outcomes() == {"a": "changed"}
    check = done.events("CheckEvaluated")[0]
    assert isinstance(check, CheckEvaluated)
    assert check.samples == 3


def test_a_check_must_hold_for_its_whole_window(bench: Bench) -> None:
    host = bench.host()
    answers = iter([0, 0, 1] + [1] * 100)
    host.rules.append(
        lambda call: Reply(ok=True, result={"rc": next(answers)}) if call.args.get("cmd") == "poll" else None
    )
    done = bench.run(
        HEAD
        + "  - name: a\n    command: go\n    irreversible: x\n"
        + "    checks: [{command: poll, expect: result.rc == 0, for: 10s, every: 50ms}]\n"
    )
    assert done.outcomes() == {"a": "failed"}
    check = done.events("CheckEvaluated")[0]
    assert isinstance(check, CheckEvaluated)
    assert "it held for" in check.detail


def test_a_failure_takes_back_in_reverse_order_what_really_changed(bench: Bench) -> None:
    host = bench.host(files={"/a": b"1", "/b": b"same"})
    done = bench.run(
        HEAD
        + """\
  - {name: a, copy: {content: "2", dest: /a}}
  - {name: b, copy: {content: same, dest: /b}}
  - {name: c, copy: {content: "3", dest: /c}}
  - {name: d, command: exit 1, rollback: [{command: undo-d}]}
"""
    )
    undone = [e.name for e in done.events("StepUndone") if isinstance(e, StepUndone)]
    assert undone == ["d", "c", "a"]
    assert host.files == {"/a": b"1", "/b": b"same"}
    assert "undo-d" in [c.args.get("cmd") for c in host.calls]
    assert done.statuses == {"h1": "rolled_back"}
    assert done.end.code == 2


def test_irreversible_changes_stay_and_are_listed(bench: Bench) -> None:
    bench.host(files={"/a": b"1"})
    done = bench.run(
        HEAD
        + """\
  - {name: a, copy: {content: "2", dest: /a}}
  - {name: clear, command: echo rm, irreversible: the cache comes back}
  - {name: b, fail: {msg: no}}
"""
    )
    assert done.statuses == {"h1": "partly_rolled_back"}
    proof = done.events("RollbackVerified")[0]
    assert isinstance(proof, RollbackVerified)
    assert proof.kept == ("clear",)


def test_a_lost_link_in_the_middle_of_a_change_stops_and_takes_nothing_back(bench: Bench) -> None:
    host = bench.host(files={"/a": b"1"})
    host.rules.append(lambda call: LinkLost("gone") if call.args.get("cmd") == "go" else None)
    done = bench.run(
        HEAD + "  - {name: a, copy: {content: '2', dest: /a}}\n  - {name: b, command: go, irreversible: x}\n"
    )
    assert done.statuses == {"h1": "in_doubt"}
    assert host.files == {"/a": b"2"}
    assert done.events("RollbackStarted") == []
    assert done.end.code == 2


def test_a_check_that_cannot_be_measured_stops_without_rollback(bench: Bench) -> None:
    host = bench.host()
    host.rules.append(
        lambda call: Reply(ok=False, kind="unmeasured", msg="no right") if call.action == "disk_usage" else None
    )
    done = bench.run(
        HEAD
        + "  - name: a\n    copy: {content: x, dest: /a}\n"
        + "    checks: [{disk_usage: {path: /}, expect: result.free_bytes > 1}]\n"
    )
    assert done.outcomes() == {"a": "unknown"}
    assert done.statuses == {"h1": "unknown"}
    assert host.files == {"/a": b"x"}


def test_a_rollback_that_cannot_be_done_is_exit_3(bench: Bench) -> None:
    host = bench.host(files={"/a": b"1"})
    host.rules.append(lambda call: Reply(ok=False, kind="read-only", msg="read-only") if call.op == "undo" else None)
    done = bench.run(HEAD + "  - {name: a, copy: {content: '2', dest: /a}}\n  - {name: b, fail: {msg: no}}\n")
    assert done.statuses == {"h1": "rollback_failed"}
    assert done.end.code == 3


def test_handlers_run_once_after_the_last_step_and_again_after_a_rollback(bench: Bench) -> None:
    host = bench.host()
    text = """\
name: r
steps:
  - {name: a, copy: {content: x, dest: /a}, notify: restart}
  - {name: b, copy: {content: x, dest: /b}, notify: restart}
handlers:
  - {name: restart, command: restart it}
"""
    bench.run(text)
    assert [c.args.get("cmd") for c in host.calls if c.action == "command"] == ["restart it"]
    host.files.clear()
    host.calls.clear()
    done = bench.run(text + "checks:\n  - {command: exit 1, expect: result.rc == 0}\n")
    commands = [c.args.get("cmd") for c in host.calls if c.action == "command"]
    assert commands == ["restart it", "exit 1", "restart it"]
    assert done.statuses == {"h1": "rolled_back"}
    assert host.files == {}


ASLEEP = """\
name: r
steps:
  - {name: a, copy: {content: x, dest: /a}, notify: restart}
  - {name: b, copy: {content: x, dest: /b}}
%s
  - {name: no, fail: {msg: no}}
handlers:
  - {name: restart, command: restart it}
"""


def test_a_rollback_restarts_nothing_that_has_never_seen_the_change(bench: Bench) -> None:
    host = bench.host()
    done = bench.run(ASLEEP % "")
    assert done.statuses == {"h1": "rolled_back"}
    assert [c for c in host.calls if c.action == "command"] == []


def test_a_rollback_runs_a_handler_that_waits_when_something_may_have_done_its_work(bench: Bench) -> None:
    host = bench.host()
    done = bench.run(
        ASLEEP % "  - {name: c, command: start it, rollback: [{command: stop it, irreversible: it is the undo}]}"
    )
    assert done.statuses == {"h1": "rolled_back"}
    assert [c.args.get("cmd") for c in host.calls if c.action == "command"] == ["start it", "stop it", "restart it"]


def test_preconditions_hold_everybody_back_before_the_first_change(bench: Bench) -> None:
    good, bad = bench.host("good"), bench.host("bad", free_bytes=1)
    done = bench.run(
        "name: r\npreconditions: [{disk_usage: {path: /}, expect: result.free_bytes > 10}]\n"
        "steps: [{name: a, copy: {content: x, dest: /a}}]\n"
    )
    assert done.statuses == {"good": "changed", "bad": "failed"}
    assert good.files
    assert not bad.files
    first_change = next(n for n, r in enumerate(done.view.records) if type(r.event).__name__ == "StepStarted")
    looked = [n for n, r in enumerate(done.view.records) if type(r.event).__name__ == "PreconditionEvaluated"]
    assert max(looked) < first_change


def test_a_precondition_may_say_that_there_is_nothing_to_do(bench: Bench) -> None:
    host = bench.host()
    done = bench.run(
        "name: r\npreconditions: [{disk_usage: {path: /}, expect: result.free_bytes < 10, otherwise: skip}]\n"
        "steps: [{name: a, copy: {content: x, dest: /a}}]\n"
    )
    assert done.statuses == {"h1": "ok"}
    assert host.files == {}


def test_check_mode_changes_nothing_and_says_what_would_be(bench: Bench) -> None:
    host = bench.host(files={"/a": b"1"})
    done = bench.run(
        HEAD + "  - {name: a, copy: {content: '2', dest: /a}}\n  - {name: b, command: go, irreversible: x}\n",
        options=Options(check=True),
    )
    assert done.outcomes() == {"a": "changed", "b": "changed"}
    assert host.files == {"/a": b"1"}
    assert {c.op for c in host.calls} <= {"look", "peek", "probe"}
    assert done.events("ChangeIntended") == []


def test_serial_stops_when_the_canary_fails(bench: Bench) -> None:
    for name in ("h1", "h2", "h3"):
        bench.host(name)
    bench.hosts["h1"].commands["go"] = (1, "")
    done = bench.run("name: r\nserial: [1, 100%]\nsteps: [{name: a, command: go, irreversible: x}]\n")
    assert done.statuses == {"h1": "failed", "h2": "aborted", "h3": "aborted"}
    assert bench.hosts["h2"].calls == []
    assert done.end.code == 8


def test_max_fail_percentage_lets_some_fail(bench: Bench) -> None:
    for name in ("h1", "h2", "h3", "h4"):
        bench.host(name)
    bench.hosts["h1"].commands["go"] = (1, "")
    done = bench.run("name: r\nserial: 2\nmax_fail_percentage: 50\nsteps: [{name: a, command: go, irreversible: x}]\n")
    assert done.statuses == {"h1": "failed", "h2": "changed", "h3": "changed", "h4": "changed"}
    assert done.end.code == 2


def test_until_retries_and_gives_up(bench: Bench) -> None:
    host = bench.host()
    host.commands["go"] = (0, "no")
    text = (
        HEAD
        + "  - {name: a, command: go, changed_when: false, register: r,"
        + " until: r.stdout == 'yes', retries: 2, delay: 0}\n"
    )
    done = bench.run(text)
    assert done.outcomes() == {"a": "failed"}
    assert len(host.calls) == 3
    assert len(done.events("RetryScheduled")) == 2


def test_failed_when_and_changed_when_have_the_last_word(bench: Bench) -> None:
    bench.host(commands={"grep": (1, "")})
    done = bench.run(
        HEAD
        + "  - {name: a, command: grep, failed_when: result.rc > 1, changed_when: result.rc == 0, irreversible: x}\n"
    )
    assert done.outcomes() == {"a": "ok"}


def test_ignored_errors_do_not_stop(bench: Bench) -> None:
    bench.host()
    done = bench.run(
        HEAD
        + "  - {name: a, command: exit 1, ignore_errors: true, irreversible: x, register: r}\n"
        + "  - {name: b, debug: {msg: on}, when: r is failed}\n"
    )
    assert done.outcomes() == {"a": "failed", "b": "ok"}
    assert done.statuses == {"h1": "ok"}


def test_a_loop_registers_all_its_results(bench: Bench) -> None:
    host = bench.host()
    done = bench.run(
        HEAD
        + """\
  - {name: a, copy: {content: "{{ item }}", dest: "/{{ item }}"}, loop: [x, y], register: r}
  - {name: b, assert: {that: ["r.results | length == 2", "r is changed"]}}
"""
    )
    assert done.statuses == {"h1": "changed"}
    assert host.files == {"/x": b"x", "/y": b"y"}


def test_text_from_a_host_is_never_a_template(bench: Bench) -> None:
    bench.host(commands={"cat": (0, "{{ 7 * 7 }}")})
    done = bench.run(
        HEAD
        + """\
  - {name: a, command: cat, changed_when: false, register: r}
  - {name: b, copy: {content: "{{ r.stdout }}", dest: /out}}
"""
    )
    assert done.statuses == {"h1": "changed"}
    assert bench.hosts["h1"].files["/out"] == b"{{ 7 * 7 }}"


def test_an_unreachable_host_does_not_hold_up_the_others(bench: Bench) -> None:
    bench.host("h1", up=False)
    bench.host("h2")
    done = bench.run(HEAD + "  - {name: a, copy: {content: x, dest: /a}}\n")
    assert done.statuses == {"h1": "unreachable", "h2": "changed"}
    assert done.end.code == 4


def test_no_log_hides_arguments_and_output_but_keeps_the_result_for_the_next_step(bench: Bench) -> None:
    bench.host(commands={"token": (0, "s3cr3t-value")})
    done = bench.run(
        HEAD
        + """\
  - {name: a, command: token, changed_when: false, register: r, no_log: true}
  - {name: b, assert: {that: ["r.stdout == 's3cr3t-value'"]}, no_log: true}
"""
    )
    assert done.statuses == {"h1": "ok"}
    journal = next((bench.folder / "state" / "runs").iterdir()) / "journal"
    assert "s3cr3t-value" not in journal.read_text().replace("r.stdout == 's3cr3t-value'", "")
    assert [s.finished.shown for s in done.view.hosts["h1"].steps if s.finished] == [{"hidden": "no_log"}] * 2


@pytest.mark.parametrize("action", ["copy", "template"])
def test_a_name_that_came_out_empty_is_no_folder(bench: Bench, action: str) -> None:
    """The folder of the runbook was taken for it, and copied with all that is in it."""
    host = bench.host()
    text = "name: r\nvars: {nothing: ''}\nsteps:\n  - %s: {src: '{{ nothing }}', dest: /a}\n"
    done = bench.run(text % action)
    (end,) = (e for e in done.events("StepFinished") if isinstance(e, StepFinished))
    assert "src is empty: the name of a file is expected" in end.message
    assert host.files == {}
