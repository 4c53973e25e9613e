"""`plan` and `apply` on hosts in memory: exactly what was saved is done, or nothing is touched and it is said why."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from textwrap import dedent

import pytest
from memory_bench import Bench, MemoryApp, Result

from playbook_engine.app.clock import SystemClock
from playbook_engine.app.plans import apply, load, make
from playbook_engine.app.resume import resume
from playbook_engine.engine.compile import compile_plan
from playbook_engine.loading.runbooks import Loader
from playbook_engine.model.errors import PlanRefused
from playbook_engine.model.host import ConnectionSpec, Host
from playbook_engine.model.plan import Options
from playbook_engine.transport.base import Call, Reply
from playbook_engine.transport.scripted import MemoryHost

GOLDEN = Path(__file__).parents[2] / "golden" / "plan" / "plan.json"
TWO = """\
name: r
steps:
  - {name: one, copy: {content: new, dest: /one}}
  - {name: two, copy: {content: new, dest: /two}}
"""


class LaterClock(SystemClock):
    """A clock that is ahead."""

    def __init__(self, ahead: timedelta) -> None:
        self.ahead = ahead

    def utc(self) -> str:
        return (datetime.now(UTC) + self.ahead).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(slots=True)
class Planned:
    """A plan that was made, and how it can be applied."""

    bench: Bench
    file: Path
    code: int
    run: str

    @property
    def content(self) -> dict[str, object]:
        read = json.loads(self.file.read_text())
        assert isinstance(read, dict)
        return read

    def verdicts(self, host: str = "h1") -> dict[str, tuple[str, str]]:
        """By the step's name and the item's label: verdict, and why."""
        hosts = self.content["hosts"]
        assert isinstance(hosts, list)
        (found,) = [h for h in hosts if h["host"] == host]
        return {
            f"{s['name']}{' ' + s['label'] if 'label' in s else ''}": (s["verdict"], s.get("why", ""))
            for s in found["steps"]
        }

    def apply(self, ahead: timedelta = timedelta(0)) -> Result:
        app = MemoryApp(self.bench.folder / "state", list(self.bench.hosts.values()))
        app.clock = LaterClock(ahead)
        return Result(app, apply(app, load(app, self.file), Options(), "runbook apply", []))

    def refused(self, match: str, ahead: timedelta = timedelta(0)) -> str:
        """Applying is refused, and no host was asked to change anything."""
        for host in self.bench.hosts.values():
            host.calls.clear()
        with pytest.raises(PlanRefused, match=match) as error:
            self.apply(ahead)
        asked = {c.op for h in self.bench.hosts.values() for c in h.calls}
        assert asked <= {"look", "peek", "probe"}
        assert error.value.exit_code == 1 and error.value.advice
        return error.value.render()


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def plan(bench: Bench, text: str, **given: object) -> Planned:
    file = bench.folder / "runbook.yml"
    file.write_text(dedent(text))
    app = MemoryApp(bench.folder / "state", list(bench.hosts.values()))
    hosts = [
        Host(name=n, variables=bench.variables.get(n, {}), connection=ConnectionSpec(connection="memory"))
        for n in bench.hosts
    ]
    compiled = compile_plan(
        Loader([bench.folder], app.templar).load(str(file)), hosts, given, kind="plan",
        options=Options(check=True, diff=True, reason="because"), command="runbook plan",
    )  # fmt: skip
    end, path, _ = make(app, compiled, bench.folder / "plan.json", 3600, [])
    return Planned(bench, path, int(end.code), end.run)


def fragile(host: MemoryHost, path: str) -> None:
    """Whenever `path` was written, somebody else changes /two."""

    def rule(call: Call) -> Reply | None:
        if call.op == "apply" and call.args.get("dest") == path:
            host.files["/two"] = b"by somebody else"
        return None

    host.rules.append(rule)


# ---------------------------------------------------------------- what a plan says


def test_a_plan_changes_nothing_and_its_application_does_what_it_says(bench: Bench) -> None:
    host = bench.host(files={"/one": b"old"})
    made = plan(bench, TWO)
    assert (made.code, host.files) == (0, {"/one": b"old"})
    assert {v for v, _ in made.verdicts().values()} == {"will_change"}
    done = made.apply()
    assert (done.statuses, host.files) == ({"h1": "changed"}, {"/one": b"new", "/two": b"new"})
    assert (done.view.started.kind, done.view.started.plan_run) == ("run", made.run)
    kinds = [row.kind for row in done.app.index.runs()]
    assert kinds == ["plan", "check", "run"]


def test_neither_the_runbook_nor_the_inventory_is_read_again(bench: Bench) -> None:
    host = bench.host()
    made = plan(bench, TWO + "  - {name: three, copy: {content: '{{ what }}', dest: /three}}\n", what="planned")
    (bench.folder / "runbook.yml").unlink()
    made.apply()
    assert host.files["/three"] == b"planned"


@pytest.mark.parametrize(
    ("steps", "name", "verdict", "why"),
    [
        ("{name: a, copy: {content: x, dest: /a}}", "a", "will_change", ""),
        ("{name: a, copy: {content: there, dest: /there}}", "a", "will_not", ""),
        ("{name: a, copy: {content: x, dest: /a}, when: false}", "a", "will_not", "when: false is false"),
        ("{name: a, command: go, irreversible: x}", "a", "unknown", "a command: what it would do cannot be known"),
        ("{name: a, command: look, changed_when: false}", "a", "will_not", "a command that only reads"),
        (
            "{name: r, command: look, changed_when: false, register: it},"
            " {name: a, copy: {content: x, dest: /a}, when: it.rc == 0}",
            "a", "unknown", "depends on it, which an earlier step gives when it is done",
        ),
        (
            "{name: r, command: look, irreversible: x, register: it}, {name: f, set_fact: {v: '{{ it.stdout }}'}},"
            " {name: a, copy: {content: '{{ v }}', dest: /a}}",
            "a", "unknown", "depends on v, which an earlier step gives when it is done",
        ),
        (
            "{name: r, command: look, irreversible: x, register: it},"
            " {name: a, copy: {content: x, dest: '{{ item }}'}, loop: '{{ it.stdout_lines }}'}",
            "a", "unknown", "depends on it, which an earlier step gives when it is done",
        ),
        (
            "{name: r, command: look, irreversible: x, until: it.rc == 0, register: it}",
            "r", "unknown", "a command: what it would do cannot be known",
        ),
        ("{name: f, fail: {msg: no}}, {name: a, copy: {content: x, dest: /a}}", "a", "unknown", "not looked at: f: no"),
        ("{name: ok, approve: {msg: go on}, register: it}", "ok", "will_not", "somebody would be asked"),
        (
            "{name: ok, approve: {msg: go on}, register: it}, {name: a, copy: {content: '{{ it.reason }}', dest: /a}}",
            "a", "unknown", "depends on it, which an earlier step gives when it is done",
        ),
        ("{name: f, fail: {msg: no}}", "f", "unknown", "it would not end well: no"),
        ("{name: a, copy: {content: x, dest: /a}, tags: never}", "a", "will_not", "left out by its tags"),
        (
            "{name: r, redis: {host: 127.0.0.1}}",
            "r", "unknown", "left out by --check: it writes a key, reads it back and deletes it",
        ),
    ],
)  # fmt: skip
def test_every_step_has_a_verdict(bench: Bench, steps: str, name: str, verdict: str, why: str) -> None:
    bench.host(files={"/there": b"there"})
    found = plan(bench, f"name: r\nsteps: [{steps}]\n").verdicts()[name]
    if found[1].startswith("left out by --check"):
        why = found[1]  # the words are the action's own
    assert found == (verdict, why)


def test_items_of_a_loop_are_told_one_by_one(bench: Bench) -> None:
    host = bench.host(files={"/b": b"x"})
    made = plan(bench, "name: r\nsteps: [{name: f, copy: {content: x, dest: '/{{ item }}'}, loop: [a, b, c]}]\n")
    assert made.verdicts() == {"f a": ("will_change", ""), "f b": ("will_not", ""), "f c": ("will_change", "")}
    made.apply()
    assert host.files == {"/a": b"x", "/b": b"x", "/c": b"x"}


def test_a_handler_is_told_when_it_would_run(bench: Bench) -> None:
    bench.host(files={"/b": b"x"})
    text = (
        "name: r\nsteps: [{name: s, copy: {content: x, dest: /%s}, notify: [again]}]\n"
        "handlers: [{name: again, command: restart}]\n"
    )
    assert plan(bench, text % "a").verdicts()["again"][0] == "unknown"
    assert "again" not in plan(bench, text % "b").verdicts()


def test_an_import_that_depends_on_what_is_not_known(bench: Bench) -> None:
    bench.host()
    (bench.folder / "inner.yml").write_text("name: inner\nsteps: [{name: i, copy: {content: x, dest: /a}}]\n")
    steps = "{name: r, command: look, changed_when: false, register: it}, {import_runbook: inner, when: it.rc == 0}"
    found = plan(bench, f"name: r\nsteps: [{steps}]\n").verdicts()["i"]
    assert found == ("unknown", "whether it is imported depends on what an earlier step gives when it is done")


def test_a_host_that_cannot_be_reached_is_unknown_and_no_drift_while_it_stays_so(bench: Bench) -> None:
    bench.host()
    bench.host("h2", up=False)
    made = plan(bench, TWO)
    assert made.code == 4
    verdict, why = made.verdicts("h2")["one"]
    assert verdict == "unknown" and why.startswith("unreachable: h2")
    assert made.apply().statuses == {"h1": "changed", "h2": "unreachable"}


def test_a_host_that_is_back_is_a_difference(bench: Bench) -> None:
    bench.host()
    bench.host("h2", up=False)
    made = plan(bench, TWO)
    bench.hosts["h2"].up = True
    said = made.refused("not as they were")
    assert "h2: the preview ended unreachable" in said
    assert re.search(r"h2: one: was unknown \(unreachable: .*\), is will_change", said)


# ---------------------------------------------------------------------- the file


def test_the_file_is_for_its_owner_and_holds_no_secret(bench: Bench) -> None:
    bench.host()
    secret = "s3cr3t-of-the-house"
    made = plan(
        bench,
        """\
        name: r
        params:
          token: {type: str, secret: true}
          port: {type: int, default: 80}
        steps:
          - {name: "with {{ token }}", copy: {content: "t={{ token }}", dest: /a}}
          - {name: hidden, copy: {content: "{{ token }}", dest: /b}, no_log: true}
          - {name: "told {{ token }}", command: "login {{ token }}", irreversible: x}
          - {name: says it, fail: {msg: "bad {{ token }}"}}
        """,
        token=secret,
        note=f"as {secret} says",
    )
    text = made.file.read_text()
    assert secret not in text
    assert stat.S_IMODE(made.file.stat().st_mode) == 0o600
    assert made.content["parameters"] == {"port": 80, "token": "********", "note": "as ******** says"}


def test_a_file_that_is_there_is_replaced_whole_with_its_mode(bench: Bench) -> None:
    bench.host()
    (bench.folder / "plan.json").write_text("old")
    os.chmod(bench.folder / "plan.json", 0o644)
    made = plan(bench, TWO)
    assert made.content["run"] == made.run
    assert stat.S_IMODE(made.file.stat().st_mode) == 0o600
    assert [p.name for p in bench.folder.iterdir() if p.name.startswith(".plan")] == []


def test_the_file_reads_as_it_was_reviewed(bench: Bench) -> None:
    host = bench.host("web1.test", files={"/there": b"x"})

    def differences(call: Call) -> Reply | None:
        if call.action == "lineinfile" and call.op == "look":
            change = {"path": "/etc/app.conf", "aspect": "content", "before": "10 bytes", "after": "12 bytes",
                      "diff": "--- before\n+++ after\n@@ -1 +1 @@\n-port=80\n+port=8080\n"}  # fmt: skip
            return Reply(ok=True, plan=[change], state={"path": "/etc/app.conf", "sha256": "aa"}, before={})
        return None

    host.rules.append(differences)
    bench.host("web2.test", up=False)
    made = plan(
        bench,
        """\
        name: tune
        params: {port: {type: int, default: 80}, password: {type: str, secret: true}}
        steps:
          - {name: the port, lineinfile: {path: /etc/app.conf, line: "port={{ port }}"}}
          - {name: links, copy: {content: x, dest: "/{{ item }}"}, loop: [there, new]}
          - {name: clear, command: app clear, irreversible: it is a cache, register: cleared}
          - {name: the mark, copy: {content: x, dest: /mark}, when: cleared.rc == 0}
        """,
        port=8080,
        password="hunter2!",
    )
    text = made.file.read_text()
    for name, value in (("run", made.run), ("created", ""), ("expires", ""), ("seal", "")):
        text = text.replace(str(made.content[name]), value and "20261123-080333-6859")
    if os.environ.get("RUNBOOK_GOLDEN") == "write":
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text(text)
    assert text == GOLDEN.read_text()


# ---------------------------------------------------------------------- refusals


def changed(content: Mapping[str, object], edit: str) -> dict[str, object]:
    new = json.loads(json.dumps(content))
    if edit == "verdict":
        new["hosts"][0]["steps"][0]["verdict"] = "will_not"
    elif edit == "step left out":
        new["hosts"][0]["steps"].pop()
    elif edit == "more":
        new["note"] = "looks fine"
    else:
        new[edit] = "2099-01-01T00:00:00Z" if edit == "expires" else "0" * 64
    assert isinstance(new, dict)
    return new


@pytest.mark.parametrize("edit", ["verdict", "step left out", "more", "expires", "actor", "plan_sha256", "seal"])
def test_an_edited_file_is_refused(bench: Bench, edit: str) -> None:
    bench.host()
    made = plan(bench, TWO)
    made.file.write_text(json.dumps(changed(made.content, edit)))
    made.refused("does not fit the journal of")


@pytest.mark.parametrize("text", ["", "[]", "no json", "{}", '{"format": "runbook plan 1"}', "[" * 5000])
def test_something_else_is_no_plan(bench: Bench, text: str) -> None:
    bench.host()
    made = plan(bench, TWO)
    made.file.write_text(text)
    made.refused("is no plan")


def test_a_plan_of_another_version_is_named(bench: Bench) -> None:
    bench.host()
    made = plan(bench, TWO)
    made.file.write_text(json.dumps({**made.content, "format": "runbook plan 2"}))
    made.refused("this version of runbook reads 'runbook plan 1'")


def test_a_damaged_or_a_missing_journal_is_refused(bench: Bench) -> None:
    bench.host()
    made = plan(bench, TWO)
    journal = bench.folder / "state" / "runs" / made.run / "journal"
    whole = journal.read_bytes()
    journal.write_bytes(whole.replace(b'"kind":"plan"', b'"kind":"plam"'))
    made.refused("is of no use")
    journal.write_bytes(b"".join(whole.splitlines(keepends=True)[:-1]))
    made.refused("is not whole")
    journal.unlink()
    assert "RUNBOOK_STATE" in made.refused("the journal of the plan is missing")
    made.file.write_text(json.dumps({**made.content, "run": "../../../../etc"}))
    made.refused("missing")


def test_an_expired_plan_is_refused(bench: Bench) -> None:
    bench.host()
    made = plan(bench, TWO)
    made.refused("the plan expired at", timedelta(minutes=61))
    assert made.apply(timedelta(minutes=59)).statuses == {"h1": "changed"}


def test_a_plan_is_applied_once(bench: Bench) -> None:
    bench.host()
    made = plan(bench, "name: r\nsteps: [{name: a, command: go, irreversible: x}]\n")
    done = made.apply()
    made.refused(f"applied already, by {done.end.run}")


# ------------------------------------------------------------------------- drift


def test_a_file_that_was_changed_since_refuses_the_whole_apply(bench: Bench) -> None:
    bench.host()
    bench.host("h2", files={"/two": b"old"})
    made = plan(bench, TWO)
    bench.hosts["h2"].files["/two"] = b"other"
    said = made.refused("nothing was touched")
    assert re.search(r"h2: two: /two sha256: was \w{12}, is \w{12}", said)
    assert "h1" not in said.split("help:")[0]
    assert bench.hosts["h1"].files == {}


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (None, b"new", "two: was will_change, is will_not"),
        (b"new", b"old", "two: was will_not, is will_change"),
        (None, b"old", "two: /two sha256: was None"),
    ],
)
def test_whatever_differs_is_named(bench: Bench, before: bytes | None, after: bytes, said: str) -> None:
    host = bench.host(files={"/two": before} if before else {})
    made = plan(bench, TWO)
    host.files["/two"] = after
    assert said in made.refused("not as they were")


def test_the_files_that_a_runbook_places_are_those_of_the_plan(bench: Bench) -> None:
    host = bench.host()
    (bench.folder / "app.conf").write_text("one")
    made = plan(bench, "name: r\nsteps: [{name: a, copy: {src: app.conf, dest: /a}}]\n")
    (bench.folder / "app.conf").unlink()
    made.apply()
    assert host.files == {"/a": b"one"}


def test_a_file_that_only_a_host_can_name_is_compared(bench: Bench) -> None:
    bench.host()
    (bench.folder / "h1.conf").write_text("one")
    src = "{{ ansible_facts.hostname }}.conf"
    made = plan(bench, f"name: r\nsteps: [{{name: a, copy: {{src: '{src}', dest: /a}}, irreversible: x}}]\n")
    (bench.folder / "h1.conf").write_text("two")
    made.refused("a file or a value that it uses has changed")


def test_a_host_that_moves_while_the_plan_is_applied_is_not_touched_there(bench: Bench) -> None:
    host = bench.host(files={"/two": b"old"})
    made = plan(bench, TWO)
    fragile(host, "/one")
    done = made.apply()
    assert done.statuses == {"h1": "rolled_back"}
    assert host.files == {"/two": b"by somebody else"}
    (end,) = [s.finished for s in done.view.hosts["h1"].steps if s.started.name == "two"]
    assert end is not None
    assert (end.outcome, end.kind) == ("failed", "drift")
    assert end.message == "not touched: /two, or what is to become of it, is not what it was when this was planned"


def test_what_had_nothing_to_do_and_now_has_is_drift_too(bench: Bench) -> None:
    host = bench.host(files={"/two": b"new"})
    made = plan(bench, TWO)
    fragile(host, "/one")
    done = made.apply()
    assert (done.statuses, host.files) == ({"h1": "rolled_back"}, {"/two": b"by somebody else"})


def test_what_the_run_itself_has_changed_is_no_drift(bench: Bench) -> None:
    host = bench.host(files={"/a": b"0"})
    made = plan(bench, "name: r\nsteps: [{copy: {content: '1', dest: /a}}, {copy: {content: '2', dest: /a}}]\n")
    assert made.apply().statuses == {"h1": "changed"}
    assert host.files == {"/a": b"2"}


def test_what_it_has_changed_before_it_was_resumed_is_no_drift_either(bench: Bench) -> None:
    host = bench.host(files={"/a": b"0"})
    made = plan(
        bench,
        """\
        name: r
        steps:
          - {name: one, copy: {content: '1', dest: /a}}
          - {name: two, copy: {content: '2', dest: /a}}
        """,
    )
    switch = bench.folder / "state" / "STOP"
    host.rules.append(lambda call: switch.touch() if call.op == "apply" else None)
    done = made.apply()
    assert (done.statuses, host.files) == ({"h1": "aborted"}, {"/a": b"1"})
    switch.unlink()
    host.rules.clear()
    end = resume(done.app, done.end.run, Options(), [], "runbook resume")
    assert ({k: str(v) for k, v in end.statuses.items()}, host.files) == ({"h1": "changed"}, {"/a": b"2"})


def test_behind_a_command_nothing_is_certain(bench: Bench) -> None:
    """It may have changed anything: the plan cannot tell its doing from somebody else's."""
    host = bench.host(files={"/two": b"old"})
    made = plan(bench, "name: r\nsteps: [{command: go, irreversible: x}, {copy: {content: new, dest: /two}}]\n")

    def rule(call: Call) -> Reply | None:
        if call.op == "run":
            host.files["/two"] = b"by the command"
        return None

    host.rules.append(rule)
    assert made.apply().statuses == {"h1": "changed"}
    assert host.files == {"/two": b"new"}


def test_an_ordinary_run_expects_nothing(bench: Bench) -> None:
    host = bench.host(files={"/two": b"old"})
    fragile(host, "/one")
    done = bench.run(TWO)
    assert (done.statuses, host.files["/two"]) == ({"h1": "changed"}, b"new")


def test_a_plan_that_was_stopped_is_not_written(bench: Bench) -> None:
    host = bench.host()

    def rule(_call: Call) -> None:
        (bench.folder / "state" / "STOP").touch()

    host.rules.append(rule)
    with pytest.raises(PlanRefused, match="stopped before all was looked at"):
        plan(bench, TWO)
    assert not (bench.folder / "plan.json").exists()
