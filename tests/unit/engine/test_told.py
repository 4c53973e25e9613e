"""What a step tells others: the handlers that it notifies, what it registers, what it includes for all."""

from __future__ import annotations

import pytest
from memory_bench import Bench, MemoryApp

from playbook_engine.app.resume import resume
from playbook_engine.app.runs import take_back
from playbook_engine.model.events import StepFinished
from playbook_engine.model.plan import Options
from playbook_engine.transport.scripted import MemoryHost


def commands(host: MemoryHost) -> list[object]:
    return [c.args["cmd"] for c in host.calls if c.op == "run"]


HANDLER = """
name: r
vars: {{svc: nginx}}
steps:
  - {{name: change, command: change, rollback: [{{command: back, irreversible: x}}], notify: "{notify}"}}
  - {{name: end, command: "{end}", irreversible: x}}
handlers:
  - {{name: "restart {{{{ svc }}}}", command: restart, irreversible: x{listen}}}
"""


@pytest.mark.parametrize(
    ("notify", "listen"),
    [
        ("restart {{ svc }}", ""), ("restart nginx", ""), ("restart {{ 'nginx' }}", ""),
        ("web {{ svc }}", ", listen: web nginx"),
    ],
)  # fmt: skip
def test_a_handler_is_told_of_by_a_name_with_a_template(bench: Bench, notify: str, listen: str) -> None:
    host = bench.host()
    assert bench.run(HANDLER.format(notify=notify, listen=listen, end="end")).end.code == 0
    assert commands(host) == ["change", "end", "restart"]


def test_it_runs_again_when_the_change_is_taken_back(bench: Bench) -> None:
    host = bench.host()
    done = bench.run("""
        name: r
        vars: {svc: nginx}
        steps:
          - {name: a, copy: {content: x, dest: /a}, notify: "restart {{ 'nginx' }}"}
        handlers:
          - {name: "restart {{ svc }}", command: restart}
        checks:
          - {command: exit 1, expect: result.rc == 0}
        """)
    assert [c.args["cmd"] for c in host.calls if c.action == "command"] == ["restart", "exit 1", "restart"]
    assert done.statuses == {"h1": "rolled_back"}


def test_a_name_that_turns_out_to_be_no_handlers_fails_its_step_before_anything_is_sent(bench: Bench) -> None:
    host = bench.host()
    done = bench.run(HANDLER.format(notify="start {{ svc }}", listen="", end="end"))
    assert done.outcomes() == {"change": "failed"}
    (end,) = (e for e in done.events("StepFinished") if isinstance(e, StepFinished))
    assert "notifies 'start nginx', and there is no handler of this name" in end.message
    assert commands(host) == []


def test_a_command_that_ran_is_registered_though_what_it_means_cannot_be_said(bench: Bench) -> None:
    bench.host()
    done = bench.run("""
        name: r
        steps:
          - name: a
            command: a
            irreversible: x
            register: r
            failed_when: result.nosuch.thing == 1
            ignore_errors: true
          - debug: {msg: "{{ r.rc }} {{ r.changed }} {{ r.failed }}"}
            name: b
        """)
    (_, end) = (e for e in done.events("StepFinished") if isinstance(e, StepFinished))
    assert end.result["msg"] == "0 True True"


def test_a_runbook_does_not_go_on_before_what_it_waits_for(bench: Bench) -> None:
    bench.host()
    done = bench.run("""
        name: r
        steps:
          - {name: a, command: a, irreversible: x, until: result.rc == 9, retries: 1, delay: 0, failed_when: false}
        """)
    assert done.outcomes() == {"a": "failed"}


def test_who_includes_a_file_for_all_goes_on_with_it_after_a_resume(bench: Bench) -> None:
    first, second = bench.host("h1"), bench.host("h2")
    (bench.folder / "more.yml").write_text(
        "- {name: one, command: one, irreversible: x}\n- {name: two, command: two, irreversible: x}\n"
    )
    text = """
        name: r
        strategy: linear
        steps:
          - {name: more, include_steps: more.yml, run_once: true}
          - {name: end, command: end, irreversible: x}
        """

    def confirm(name: str) -> str:
        if name == "two":
            first.up = False
        return "yes"

    done = bench.run(text, options=Options(ask=True), confirm=confirm)
    assert done.end.code != 0
    assert "one" in commands(first)
    first.up = True
    first.lost.clear()
    app = MemoryApp(bench.folder / "state", [first, second])
    assert resume(app, done.end.run, Options(), [], "runbook resume").code == 0
    assert commands(first) == ["one", "two", "end"]
    assert set(commands(second)) == {"end"}


def test_every_handler_of_a_topic_runs_again_when_the_change_is_taken_back(bench: Bench) -> None:
    host = bench.host()
    bench.run("""
        name: r
        steps:
          - {name: a, copy: {content: x, dest: /a}, notify: web}
        handlers:
          - {name: one, command: one, listen: web}
          - {name: two, command: two, listen: web}
        checks:
          - {command: exit 1, expect: result.rc == 0}
        """)
    assert [c.args["cmd"] for c in host.calls if c.action == "command"] == ["one", "two", "exit 1", "one", "two"]


def test_taking_back_tells_the_handlers_of_the_runbook_that_the_change_was_in(bench: Bench) -> None:
    host = bench.host()
    (bench.folder / "inner.yml").write_text(
        "name: inner\nsteps: [{name: b, copy: {content: x, dest: /b}, notify: restart}]\n"
        "handlers: [{name: restart, command: inner restart}]\n"
    )
    done = bench.run("""
        name: r
        steps:
          - {name: a, copy: {content: x, dest: /a}, notify: restart}
          - import_runbook: inner
        handlers:
          - {name: restart, command: outer restart}
        """)
    before = [c.args["cmd"] for c in host.calls if c.action == "command"]
    assert sorted(before) == ["inner restart", "outer restart"]
    assert take_back(done.app, done.end.run, Options(), (), (), "runbook rollback").code == 0
    assert sorted(c.args["cmd"] for c in host.calls if c.action == "command") == sorted(before * 2)
