"""`rollback RUN` in the situations where taking back is not simply the reverse."""

from __future__ import annotations

import pytest
from memory_bench import Bench, MemoryApp, Result

from playbook_engine.app.runs import RunEnd, take_back
from playbook_engine.model.errors import JournalError, LinkLost, NotFound
from playbook_engine.model.plan import Options
from playbook_engine.transport.base import Call, Reply


def back(bench: Bench, done: Result, **options: object) -> RunEnd:
    app = MemoryApp(bench.folder / "state", list(bench.hosts.values()))
    return take_back(app, done.end.run, Options(**options), (), (), "runbook rollback")  # type: ignore[arg-type]


def test_a_damaged_journal_is_not_taken_for_a_run_without_changes(bench: Bench) -> None:
    bench.host()
    done = bench.run("name: r\nsteps: [{name: a, copy: {content: x, dest: /a}}]\n")
    journal = bench.folder / "state" / "runs" / done.end.run / "journal"
    lines = journal.read_bytes().splitlines(keepends=True)
    lines[3] = lines[3].replace(b'"e"', b'"E"')
    journal.write_bytes(b"".join(lines))
    with pytest.raises(JournalError, match="only the 3 before it are believed"):
        back(bench, done)


def test_a_command_that_may_still_run_is_not_taken_back(bench: Bench) -> None:
    host = bench.host()
    host.rules.append(lambda call: LinkLost("gone") if call.args.get("cmd") == "slow" else None)
    done = bench.run("name: r\nsteps: [{name: a, command: slow, rollback: [{command: undo}]}]\n")
    assert done.statuses == {"h1": "in_doubt"}
    host.calls.clear()
    assert back(bench, done).statuses["h1"] == "in_doubt"
    assert host.calls == []
    assert back(bench, done, force=True).statuses["h1"] == "rolled_back"


def test_two_steps_on_one_thing_are_proved_by_the_first_state_before(bench: Bench) -> None:
    host = bench.host()
    service = {"running": False, "enabled": False, "name": "app"}

    def answer(call: Call) -> Reply | None:
        if call.action != "service":
            return None
        if call.op == "look":
            return Reply(ok=True, plan=[{"aspect": "state"}], state=dict(service), before=dict(service))
        if call.op == "apply":
            service.update(running=True, enabled=True)
        if call.op == "undo":
            assert isinstance(call.before, dict)
            service.update(call.before)
        return Reply(ok=True, state=dict(service), result=dict(service))

    host.rules.append(answer)
    done = bench.run(
        """\
name: r
steps:
  - {name: start, service: {name: app, state: started, enabled: true}}
  - {name: restart, service: {name: app, state: restarted}}
  - {name: breaks, fail: {msg: no}}
"""
    )
    assert done.statuses == {"h1": "rolled_back"}
    assert service == {"running": False, "enabled": False, "name": "app"}


def test_taking_back_is_no_failure_of_a_budget(bench: Bench) -> None:
    for name in ("h1", "h2", "h3"):
        bench.host(name)
    done = bench.run("name: r\nserial: 1\nmax_fail_percentage: 5\nsteps: [{name: a, copy: {content: x, dest: /a}}]\n")
    end = back(bench, done)
    assert {str(s) for s in end.statuses.values()} == {"rolled_back"}
    assert end.code == 0


def test_an_empty_name_is_no_run(bench: Bench) -> None:
    bench.host()
    done = bench.run("name: r\nsteps: [{name: a, copy: {content: x, dest: /a}}]\n")
    with pytest.raises(NotFound, match="the name is empty"):
        done.app.store.find("")


def test_the_preview_says_what_would_be_refused(bench: Bench) -> None:
    host = bench.host()
    done = bench.run("name: r\nsteps: [{name: a, copy: {content: x, dest: /a}}]\n")
    assert back(bench, done, check=True).code == 0
    host.files["/a"] = b"edited by hand"
    end = back(bench, done, check=True)
    assert end.code == 2
    assert host.files == {"/a": b"edited by hand"}


def test_where_nothing_can_be_taken_back_it_is_said(bench: Bench) -> None:
    bench.host()
    done = bench.run("name: r\nsteps: [{name: a, command: go, irreversible: gone is gone}]\n")
    end = back(bench, done)
    assert end.statuses["h1"] == "failed"
    assert end.code == 2


def test_a_runbook_of_checks_alone_is_measured_under_check_too(bench: Bench) -> None:
    bench.host(free_bytes=1)
    done = bench.run(
        "name: r\nchecks: [{disk_usage: {path: /}, expect: result.free_bytes > 10}]\n", options=Options(check=True)
    )
    assert done.statuses == {"h1": "failed"}


def test_the_lines_of_a_secret_are_secrets(bench: Bench) -> None:
    bench.host()
    done = bench.run(
        """\
name: r
params:
  key: {type: str, secret: true, required: true}
  both: {type: dict, secret: true, required: true}
steps:
  - {name: a, debug: {msg: "{{ key }} {{ both.password }}"}}
""",
        key="first-line-of-it\nsecond-line-of-it\n",
        both={"password": "inner-password"},
    )
    text = (bench.folder / "state" / "runs" / done.end.run / "journal").read_text()
    for secret in ("first-line-of-it", "second-line-of-it", "inner-password"):
        assert secret not in text
