"""Ctrl-C on real hosts: once, twice; pause and abort from another terminal; and no orphan on the host (P9)."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path

import pytest
from live_hosts import CommandLine, Said, Shop

from playbook_engine.lab.spec import HostSpec

pytestmark = [pytest.mark.live, pytest.mark.xdist_group("interrupts")]

HOSTS = "stop-1,stop-2,stop-sh"
BOOK = """\
name: slow
steps:
  - {name: a file, copy: {content: "new\\n", dest: /etc/slow.conf}, when: inventory_hostname != "stop-sh"}
  - {name: slow, shell: "setsid sleep 4SECONDS & sleep SECONDS", rollback: [{shell: "echo undone >> /run/undone"}]}
  - {name: never, shell: "echo never >> /run/never", rollback: [{command: "true"}]}
"""


@pytest.fixture
def hosts(shop: Shop) -> list[str]:
    for name in HOSTS.split(","):
        python = "none" if name == "stop-sh" else "system"
        shop.host(name, HostSpec(size_bytes=16 << 20, inodes=2000, python=python))
        shop.lab.exec(name, ["sh", "-c", "rm -f /etc/slow.conf /run/undone /run/never /run/go"])
    return HOSTS.split(",")


def begun(runbook: CommandLine, folder: Path, seconds: int, slow: str = "sleep SECONDS") -> subprocess.Popen[str]:
    """A run whose hosts are all in their slow step."""
    book = folder / "slow.yml"
    book.write_text(BOOK.replace("sleep SECONDS", slow).replace("SECONDS", str(seconds)))
    child = runbook.start("run", str(book), HOSTS, "--yes", "--json", "-i", str(runbook.inventory))
    assert child.stdout
    there = 0
    for line in child.stdout:
        event = json.loads(line)
        there += event["event"] == "ChangeIntended" and event.get("name") == "slow"
        if there == 3:
            break
    time.sleep(0.5)
    return child


def rest(child: subprocess.Popen[str]) -> Said:
    out, err = child.communicate(timeout=60)
    return Said(code=child.returncode, out=out, err=err)


def orphans(shop: Shop, host: str) -> str:
    look = "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ' | grep -o 'slee[p] [0-9]*' || true"
    return shop.lab.exec(host, ["sh", "-c", look]).stdout


def test_once_finishes_the_step_and_stops(shop: Shop, hosts: list[str], runbook: CommandLine, tmp_path: Path) -> None:
    child = begun(runbook, tmp_path, 2)
    child.send_signal(signal.SIGINT)
    said = rest(child)
    assert said.code == 99, said.err
    assert {(e["host"], e["status"]) for e in said.of("HostFinished")} == {(h, "aborted") for h in hosts}
    assert {e["outcome"] for e in said.of("StepFinished")} == {"changed"}, "the step that ran was finished"
    assert said.of("RollbackStarted") == []
    assert "resume" in runbook("status").out
    resumed = runbook("resume", "last")
    assert resumed.code == 0, resumed.out
    for host in hosts:
        assert shop.lab.exec(host, ["cat", "/run/never"]).stdout == "never\n"


def test_twice_ends_the_step_on_the_host_and_takes_back(
    shop: Shop, hosts: list[str], runbook: CommandLine, tmp_path: Path
) -> None:
    child = begun(runbook, tmp_path, 600)
    child.send_signal(signal.SIGINT)
    time.sleep(0.3)
    began = time.monotonic()
    child.send_signal(signal.SIGINT)
    said = rest(child)
    assert time.monotonic() - began < 20
    assert said.code == 99, said.err
    assert {(e["host"], e["status"]) for e in said.of("HostFinished")} == {(h, "rolled_back") for h in hosts}
    for host in hosts:
        assert "sleep 600" not in orphans(shop, host), "its process group was killed"
        assert shop.lab.exec(host, ["cat", "/run/undone"]).stdout == "undone\n"
        assert shop.lab.exec(host, ["ls", "/etc/slow.conf"]).returncode != 0
        assert shop.lab.exec(host, ["ls", "/run/never"]).returncode != 0
    for host in hosts[:2]:
        assert "4600" not in orphans(shop, host), "and so was what had left the group"


def test_a_third_time_leaves_a_run_that_can_be_resumed(
    shop: Shop, hosts: list[str], runbook: CommandLine, tmp_path: Path
) -> None:
    child = begun(runbook, tmp_path, 3)
    for _ in range(3):
        child.send_signal(signal.SIGINT)
        time.sleep(0.02)
    rest(child)
    said = runbook("resume", "last", "--json")
    ends = {str(e["host"]): (e["status"], str(e.get("message"))) for e in said.of("HostFinished")}
    status, message = ends.pop("stop-sh", ("changed", ""))
    assert {s for s, _ in ends.values()} <= {"changed", "rolled_back"}
    # Without Python nobody remembers whether a step of the rollback was done: that has to be asked.
    assert status in ("changed", "rolled_back") or "cannot be learned" in message


@pytest.mark.parametrize(("word", "code"), [("pause", 10), ("abort", 99)])
def test_from_another_terminal(
    shop: Shop, hosts: list[str], runbook: CommandLine, tmp_path: Path, word: str, code: int
) -> None:
    child = begun(runbook, tmp_path, 60, "n=0; until [ -e /run/go ] || [ $n = SECONDS ]; do sleep 1; n=$((n+1)); done")
    assert runbook(word, "last", "--reason", "the dba is called").code == 0
    for host in hosts:
        shop.lab.exec(host, ["touch", "/run/go"])
    said = rest(child)
    assert said.code == code, said.err
    assert {(e["host"], e["status"]) for e in said.of("HostFinished")} == {(h, "aborted") for h in hosts}
    assert all("the dba is called" in str(e["message"]) for e in said.of("HostFinished"))
    again = runbook(word, "last")
    assert (again.code, "is not going on" in again.err) == (5, True)
    assert runbook("resume", "last").code == 0
