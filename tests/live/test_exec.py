"""The first minute of a newcomer, and the worst one: exec, look, roll back; Ctrl-C; a controller that was killed."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest
from live_hosts import CommandLine, Shop

from playbook_engine.app.settings import Settings
from playbook_engine.app.wiring import App
from playbook_engine.journal.fold import RunView, fold
from playbook_engine.lab.host import LabHost
from playbook_engine.lab.spec import HostSpec
from playbook_engine.model.outcome import HostStatus

pytestmark = [pytest.mark.live, pytest.mark.xdist_group("exec")]

FILE = "/etc/app.conf"

THREE = """
name: three
title: Three steps, the middle one slow
steps:
  - name: first
    copy: {content: one, dest: /root/one}
  - name: second
    command: sleep 2
    timeout: 3s
    rollback:
      - command: 'true'
  - name: third
    copy: {content: three, dest: /root/three}
"""


@pytest.fixture(scope="module")
def host(shop: Shop) -> LabHost:
    return shop.host("exec", HostSpec(size_bytes=16 << 20, inodes=2000))


def content(host: LabHost, path: str = FILE) -> str | None:
    """What stands in a file of the host; None where there is none. Past the engine."""
    done = host.exec(["cat", path])
    return done.stdout if done.returncode == 0 else None


def view(runbook: CommandLine, run: str) -> RunView:
    app = App(Settings.of(runbook.env))
    found = fold(run, app.store.read(run).records)
    assert found is not None
    return found


def newest(runbook: CommandLine) -> str:
    return App(Settings.of(runbook.env)).store.runs()[-1]


@pytest.fixture
def changed(runbook: CommandLine, host: LabHost) -> CommandLine:
    """A file was there, and a run has changed it."""
    host.exec(["sh", "-c", f"rm -rf /root/one /root/three; printf old > {FILE}; chmod 640 {FILE}"], check=True)
    said = runbook.on(None, "exec", host.name, "-m", "copy", "-a", f"content=new dest={FILE} mode=0600")
    assert said.code == 0, said.out + said.err
    assert "changed" in said.out
    assert f"take it back: runbook rollback {newest(runbook)}" in said.out
    assert content(host) == "new"
    return runbook


def test_exec_then_rollback(changed: CommandLine, host: LabHost) -> None:
    said = changed("rollback", "last")
    assert said.code == 0, said.out + said.err
    assert "proved" in said.out
    assert content(host) == "old"
    assert host.exec(["stat", "-c", "%a", FILE]).stdout == "640\n"
    again = changed("rollback", "last")
    assert (again.code, "nothing to take back" in again.out) == (0, True)


def test_a_second_exec_changes_nothing(changed: CommandLine, host: LabHost) -> None:
    said = changed.on(None, "exec", host.name, "-m", "copy", "-a", f"content=new dest={FILE} mode=0600", "--json")
    assert [e["status"] for e in said.of("HostFinished")] == ["ok"]
    assert said.of("ChangeIntended") == []


def test_json_is_events_and_nothing_else(runbook: CommandLine, host: LabHost) -> None:
    said = runbook.on(None, "exec", host.name, "-a", "echo hello", "--json")
    names = [e["event"] for e in said.events()]
    assert (names[0], names[-1], said.err) == ("RunStarted", "RunFinished", "")
    (end,) = said.of("StepFinished")
    assert end["shown"]["stdout"] == "hello"  # type: ignore[index]
    (run,) = said.of("RunFinished")
    assert (run.get("exit_code", 0), said.code) == (0, 0)


def test_a_check_says_what_would_be_done_and_does_nothing(changed: CommandLine, host: LabHost) -> None:
    said = changed.on(None, "exec", host.name, "-m", "copy", "-a", f"content=newer dest={FILE}", "-C", "-D")
    assert said.code == 0, said.out + said.err
    assert "-new\n" in said.out
    assert "+newer\n" in said.out
    assert "nothing is changed" in said.out
    assert content(host) == "new"
    mark = ["exec", host.name, "-m", "shell", "-a", "touch /root/mark", "-C"]
    assert changed.on(None, *mark).code == 0
    assert content(host, "/root/mark") is None


def test_a_check_of_a_rollback_takes_nothing_back(changed: CommandLine, host: LabHost) -> None:
    said = changed("rollback", "last", "--check")
    assert (said.code, "would take back" in said.out) == (0, True)
    assert content(host) == "new"
    assert changed("rollback", "last").code == 0
    assert content(host) == "old"


def test_what_somebody_edited_since_is_not_overwritten(changed: CommandLine, host: LabHost) -> None:
    host.exec(["sh", "-c", f"echo edited >> {FILE}"], check=True)
    said = changed("rollback", "last")
    assert said.code == 3
    assert re.search(r"changed (by somebody )?since", said.out)
    assert "--force" in said.out
    assert content(host) == "newedited\n"
    assert changed("rollback", "last", "--force").code == 0
    assert content(host) == "old"


def test_a_command_with_its_undo(runbook: CommandLine, host: LabHost) -> None:
    command = ["-m", "shell", "-a", "touch /root/flag", "--undo", "rm /root/flag"]
    assert runbook.on(None, "exec", host.name, *command).code == 0
    assert content(host, "/root/flag") == ""
    assert runbook("rollback", "last").code == 0
    assert content(host, "/root/flag") is None


def test_a_command_without_an_undo_is_kept_and_said(runbook: CommandLine, host: LabHost) -> None:
    said = runbook.on(None, "exec", host.name, "-a", "true")
    assert "take it back" not in said.out
    said = runbook("rollback", "last", "--json")
    assert [e["outcome"] for e in said.of("StepUndone")] == ["kept"]


def start_three(runbook: CommandLine, host: LabHost, folder: Path) -> subprocess.Popen[str]:
    """Three steps; returns when the second one runs."""
    host.exec(["rm", "-f", "/root/one", "/root/three"], check=True)
    (folder / "three.yml").write_text(THREE)
    child = runbook.start(
        "run", str(folder / "three.yml"), host.name, "-i", str(runbook.inventory), "--json"
    )  # fmt: skip
    assert child.stdout
    for line in child.stdout:
        event = json.loads(line)
        if event["event"] == "ChangeIntended" and event["name"] == "second":
            return child
    raise AssertionError(child.communicate())


def test_ctrl_c_stops_after_the_step(runbook: CommandLine, host: LabHost, tmp_path: Path) -> None:
    child = start_three(runbook, host, tmp_path)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=20)
    assert child.returncode == 99, out + err
    run = newest(runbook)
    seen = view(runbook, run)
    assert seen.finished is not None
    assert (seen.finished.interrupted, seen.finished.exit_code) == (True, 99)
    steps = [(s.started.name, s.finished.outcome if s.finished else None) for s in seen.hosts[host.name].steps]
    assert steps == [("first", "changed"), ("second", "changed")], "the step that ran was finished, no other begun"
    assert seen.hosts[host.name].status is HostStatus.ABORTED
    assert (content(host, "/root/one"), content(host, "/root/three")) == ("one", None)
    assert "interrupted" in runbook("show", run).out
    assert runbook("rollback", run).code == 0
    assert content(host, "/root/one") is None


def test_a_killed_controller_leaves_a_journal_that_says_how_far_it_was(
    runbook: CommandLine, host: LabHost, tmp_path: Path
) -> None:
    child = start_three(runbook, host, tmp_path)
    child.kill()
    child.communicate(timeout=20)
    run = newest(runbook)
    journal = App(Settings.of(runbook.env)).store.read(run)
    assert (journal.live, journal.closed) == (False, False)
    seen = view(runbook, run)
    assert seen.finished is None
    one, two = seen.hosts[host.name].changes
    assert (one.intended.name, one.applied, two.intended.name, two.applied) == ("first", True, "second", None)
    shown = runbook("show", run)
    assert shown.code == 0, shown.out + shown.err
    assert "first" in shown.out
    assert runbook("rollback", run, "--check").code == 0
    time.sleep(3.5)  # what was sent may run on to its deadline
    said = runbook("rollback", run)
    assert said.code == 0, said.out + said.err
    assert content(host, "/root/one") is None
