"""A run fails, and people hear of it: the command line, the dispatcher in its own process, a real mail server and real
HTTP sinks. The host is this machine (ansible_connection=local): what is tested is on the controller."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from live_hosts import RUNBOOK
from sinks import Mailbox, Sink, http_sink, smtp

POLICY = """\
name: team
contacts:
  - id: ana
    name: Ana Field
    channels: [{{email: ana@ops.test}}, {{webhook: "{url}/ana"}}]
  - id: bo
    name: Bo Marsh
    channels: [{{email: bo@ops.test}}, {{webhook: "{url}/bo"}}]
levels:
  - {{name: first, notify: [{{contact: ana}}], ack_timeout: {first}}}
  - {{name: second, notify: [{{contact: bo}}], ack_timeout: {second}}}
repeat: {repeat}
escalate_again_after: {again}
senders:
  email: {{host: 127.0.0.1, port: {port}, from: runbook@ops.test}}
  webhook: {{secret_env: WEBHOOK_KEY}}
"""

RUNBOOK_TEXT = """\
name: mend
title: Mend it
severity: P1
owner: sre
escalation: team
steps:
  - name: write it down
    copy: {{content: "x", dest: "{here}/written"}}
  - name: does it work
    command: test -e {here}/fine
    changed_when: false
"""

KILLED = """\
import os, sys
sys.argv = ["runbook", "run", "mend", "here.test", "-i", "hosts.ini", "--wait", "60s"]
from playbook_engine.app import performing
emit = performing.Sinks.emit
def deadly(self, event):
    emit(self, event)
    if type(event).__name__ == "EscalationRaised":
        os.kill(os.getpid(), 9)
performing.Sinks.emit = deadly
from playbook_engine.cli.main import main
main()
"""


class Team:
    """A folder with a runbook, a policy, a mail server and an HTTP sink; the commands as they are typed."""

    def __init__(self, here: Path, box: Mailbox, port: int, sink: Sink) -> None:
        self.here = here
        self.box = box
        self.port = port
        self.sink = sink
        self.env = {
            **os.environ, "RUNBOOK_STATE": str(here / "state"), "WEBHOOK_KEY": "k", "NO_COLOR": "1",
            "RUNBOOK_ACTOR": "olga@desk.test",
        }  # fmt: skip
        (here / "runbooks").mkdir()
        (here / "escalation").mkdir()
        (here / "runbooks" / "mend.yml").write_text(RUNBOOK_TEXT.format(here=here))
        (here / "hosts.ini").write_text("here.test ansible_connection=local\n")
        self.policy()

    def policy(self, **more: object) -> None:
        given = {"first": "60s", "second": "60s", "repeat": 0, "again": "30m", **more}
        (self.here / "escalation" / "team.yml").write_text(POLICY.format(url=self.sink.url, port=self.port, **given))

    def __call__(self, *words: str) -> str:
        done = subprocess.run(
            [str(RUNBOOK), *words], env=self.env, cwd=self.here, capture_output=True, text=True, timeout=60, check=False
        )
        return done.stdout + done.stderr

    def fail(self) -> None:
        assert "exit 2" in self("run", "mend", "here.test", "-i", "hosts.ini", "--wait", "60s")

    def show(self) -> dict[str, object]:
        """The last escalation, when the dispatcher has opened it: it takes a failure in after the run has ended."""
        soon(lambda: "there are no escalations yet" not in self("escalation", "show", "last"))
        found = json.loads(self("escalation", "show", "last", "--json"))
        assert isinstance(found, dict)
        return found

    def log(self) -> list[str]:
        rows = self.show()["log"]
        assert isinstance(rows, list)
        return [str(row["what"]) for row in rows]

    def dispatcher(self) -> int | None:
        """The pid of the dispatcher that works here, if one does."""
        try:
            pid = int((self.here / "state" / "escalations" / ".dispatcher").read_text())
            os.kill(pid, 0)
        except (OSError, ValueError):
            return None
        return pid

    def close(self) -> None:
        if pid := self.dispatcher():
            os.kill(pid, signal.SIGKILL)


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Team]:
    with smtp() as (box, port), http_sink() as sink:
        made = Team(tmp_path, box, port, sink)
        try:
            yield made
        finally:
            made.close()


def soon(what: Callable[[], object], seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.1)


def paths(sink: Sink, purpose: str = "page") -> list[str]:
    return [p.path for p in sink.posts if p.json()["type"] == f"escalation.{purpose}"]


def test_the_first_level_hears_of_it_takes_it_and_nobody_else_is_woken(team: Team) -> None:
    team.fail()
    soon(lambda: team.box.mails and team.sink.posts)
    (mail,) = team.box.mails
    assert mail["To"] == "ana@ops.test"
    assert str(mail["Subject"]).startswith("[P1] Mend it failed on here.test: does it work: the command ended with")
    body = mail.get_body(("plain",))
    assert body is not None
    said = body.get_content()
    escalation = str(team.show()["id"])
    for part in (
        f"TAKE IT   runbook ack {escalation}", "ELSE      'second' hears of it at", "STATE OF EACH HOST, NOW",
        "restored: 1 state proved equal to those before", "write it down (here.test) - taken back",
        "SAFE: CHANGES NOTHING", "runbook run mend here.test -i hosts.ini", "TOLD SO FAR\n  nobody before you",
    ):  # fmt: skip
        assert part in said.replace("\r\n", "\n"), said
    assert "taken by ana; without progress for 30 min it begins anew" in team("ack", "--by", "ana", "--note", "on it")
    assert team.show()["state"] == "acknowledged"
    assert "ana (command): on it" in "\n".join(team.log())
    (team.here / "fine").touch()
    assert "exit 0" in team("run", "mend", "here.test", "-i", "hosts.ini", "--wait", "60s")
    soon(lambda: team.show()["state"] == "resolved")
    soon(lambda: len(team.box.mails) == 2 and team.dispatcher() is None)
    assert str(team.box.mails[1]["Subject"]).startswith("[P1] over: every host has recovered in ")
    assert {m["To"] for m in team.box.mails} == {"ana@ops.test"}, "bo was never told of it"
    assert (paths(team.sink), paths(team.sink, "recovered")) == (["/ana"], ["/ana"])
    assert any(line.startswith("progress: run Mend it in ") for line in team.log())


def test_levels_repeats_and_the_last_call(team: Team) -> None:
    team.policy(first="1s", second="1s", repeat=1)
    team.fail()
    soon(lambda: team.show()["state"] == "exhausted")
    soon(lambda: len(paths(team.sink, "exhausted")) == 2)
    assert paths(team.sink) == ["/ana", "/bo", "/ana", "/bo"]
    assert sorted(paths(team.sink, "exhausted")) == ["/ana", "/bo"]
    soon(lambda: len(team.box.mails) == 6 and team.dispatcher() is None)
    assert "nobody has answered in 2 rounds" in team.log()
    team.fail()
    soon(lambda: len(paths(team.sink)) >= 5)
    assert "begins anew: it has failed again, and nobody had answered" in team.log()
    assert "over by olga@desk.test" in team("escalation", "resolve", "--reason", "gave up on it").replace("esc-", "", 1)


def test_an_acknowledgement_without_progress_wakes_the_first_again(team: Team) -> None:
    team.policy(again="2s")
    team.fail()
    soon(lambda: paths(team.sink) == ["/ana"])
    team("ack", "--by", "bo")
    soon(lambda: paths(team.sink) == ["/ana", "/ana"])
    assert any("begins anew: bo has acknowledged it, and nothing was done" in line for line in team.log())


def test_the_controller_is_killed_between_raising_and_sending(team: Team) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLED], env=team.env, cwd=team.here, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL
    soon(lambda: len(team.box.mails) == 1 and len(team.sink.posts) == 1)
    assert "the controller died" in str(team.show()["why"])
    assert team.show()["trigger"] == "step_failed", "what was raised before it died counts"


def test_the_dispatcher_is_killed_while_a_message_is_on_its_way(team: Team) -> None:
    """Nobody knows whether it has arrived: it is sent again, and a receiver can tell that it is the same."""
    team.sink.slow = 3.0
    team.fail()
    soon(lambda: len(team.sink.posts) == 1)
    pid = team.dispatcher()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    soon(lambda: team.dispatcher() is None)
    team.sink.slow = 0.0
    (team.here / "fine").touch()
    team("run", "mend", "here.test", "-i", "hosts.ini", "--wait", "60s")  # any run starts it again
    soon(lambda: team.show()["state"] == "resolved" and team.dispatcher() is None)
    pages = [p for p in team.sink.posts if p.json()["type"] == "escalation.page"]
    assert len({p.headers["webhook-id"] for p in pages}) == 1
    mails = [m for m in team.box.mails if "over:" not in str(m["Subject"])]
    assert len({m["Message-ID"] for m in mails}) == 1


def test_servers_that_refuse_are_tried_again_and_each_attempt_is_written_down(team: Team) -> None:
    team.sink.answers = [(500, {}), (429, {"Retry-After": "1"}), (202, {})]
    team.box.refuse["ana@ops.test"] = "550 nobody here"
    team.fail()
    soon(lambda: len(team.sink.posts) == 3)
    soon(lambda: any("attempt 3: 202" in line for line in team.log()))
    log = "\n".join(team.log())
    assert "NOT sent to Ana Field by webhook, attempt 1: 500" in log and "again in 2 s" in log
    assert "NOT sent to Ana Field by webhook, attempt 2: 429" in log
    assert "NOT sent to Ana Field by email, attempt 1: 550 nobody here; given up" in log
    assert len({p.headers["webhook-id"] for p in team.sink.posts}) == 1


def test_a_server_that_hangs_delays_neither_the_run_nor_the_other_channel(team: Team) -> None:
    team.sink.slow = 30.0
    began = time.monotonic()
    team.fail()
    assert time.monotonic() - began < 25
    soon(lambda: len(team.box.mails) == 1, 10)


def test_whom_nobody_can_reach_is_passed_over_at_once(team: Team) -> None:
    team.policy(first="50m")
    team.box.refuse["ana@ops.test"] = "550 nobody here"
    team.sink.answers = [(404, {}), (202, {})]
    team.fail()
    soon(lambda: "/bo" in [p.path for p in team.sink.posts])
    assert any(line.startswith("level 2 second: Bo Marsh; nobody on 'first' could be reached") for line in team.log())


def test_a_policy_that_cannot_do_its_work_is_found_out_before_the_run(team: Team) -> None:
    text = (team.here / "escalation" / "team.yml").read_text()
    (team.here / "escalation" / "team.yml").write_text(text.replace("Ana Field", "TBD"))
    said = team("run", "mend", "here.test", "-i", "hosts.ini", "--wait", "60s")
    assert "escalation/team.yml:4:11: 'TBD' is a placeholder, and nobody" in said
    assert not (team.here / "state" / "runs").exists()
    team.policy(first="5h")
    said = team("run", "mend", "here.test", "-i", "hosts.ini", "--wait", "60s")
    assert "is longer than the run's deadline, 4:00:00" in said and "team.yml:10:" in said


def test_the_second_failure_in_a_row_and_not_the_first(team: Team) -> None:
    path = team.here / "escalation" / "team.yml"
    path.write_text(path.read_text() + "triggers: [{on: any, attempts: 2}]\n")
    team.fail()
    soon(lambda: team.dispatcher() is None)
    assert team.sink.posts == []
    (team.here / "fine").touch()
    team("run", "mend", "here.test", "-i", "hosts.ini", "--wait", "60s")
    (team.here / "fine").unlink()
    team.fail()
    soon(lambda: team.dispatcher() is None)
    assert team.sink.posts == [], "one in between was good"
    team.fail()
    soon(lambda: paths(team.sink) == ["/ana"])


def test_a_note_that_cannot_be_read_is_put_aside_and_said(team: Team) -> None:
    watch = team.here / "state" / "escalations" / ".watch"
    watch.mkdir(parents=True)
    (watch / "20260101-000000-0").write_text('{"run": "20260101-000000-0", "policy": "name: x", "file": "x.yml"}')
    said = team("escalation", "dispatch")
    assert "20260101-000000-0: nobody hears of its failures" in said
    assert [p.name for p in watch.iterdir()] == [".unreadable-20260101-000000-0"]


def test_a_run_whose_failures_nobody_can_hear_says_so(team: Team) -> None:
    (team.here / "state" / "escalations").mkdir(parents=True)
    (team.here / "state" / "escalations" / ".watch").write_text("")
    assert "! nobody will hear of what fails in this run" in team("run", "mend", "here.test", "-i", "hosts.ini")


def test_a_check_wakes_nobody(team: Team) -> None:
    team("run", "mend", "here.test", "-i", "hosts.ini", "--check")
    assert not (team.here / "state" / "escalations").exists()


def test_without_a_policy_of_ones_own_it_is_a_file(team: Team) -> None:
    path = team.here / "runbooks" / "mend.yml"
    path.write_text(path.read_text().replace("escalation: team\n", ""))
    del team.env["RUNBOOK_ESCALATION"]
    team.fail()
    outbox = team.here / "state" / "escalations" / "outbox"
    soon(lambda: outbox.is_dir() and any(outbox.glob("esc-*.txt")))
    (letter,) = outbox.glob("esc-*.txt")
    assert "TAKE IT   runbook ack esc-" in letter.read_text()


def test_the_link_of_a_message_says_who_takes_it(team: Team) -> None:
    team.env["RUNBOOK_URL"] = "https://console.ops.test"
    team.fail()
    soon(lambda: team.sink.posts)
    link = str(team.sink.posts[0].json()["ack"])
    assert link.startswith("https://console.ops.test/ack/esc-")
    assert "the link was not made for" in team("ack", "--link", link[:-1] + ("0" if link[-1] != "0" else "1"))
    assert "the link was not made for" in team("ack", "--link", link.replace("by=ana", "by=bo"))
    assert "taken by ana" in team("ack", "--link", link)
    assert "acknowledged by ana (link)" in team.log()
