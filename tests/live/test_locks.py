"""Two controllers that share nothing but a host: who waits, who is refused, who takes over, and what the host says."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from live_hosts import CommandLine, Shop, variables, write_inventory

from playbook_engine.lab.spec import HostSpec

pytestmark = [pytest.mark.live, pytest.mark.xdist_group("locks")]

BOOK = """\
name: long
steps:
  - {name: first, shell: "echo first >> /root/steps; sleep 5", irreversible: it counts}
  - {name: second, shell: "echo second >> /root/steps", irreversible: it counts}
"""


@pytest.fixture(params=["python", "sh"])
def host(request: pytest.FixtureRequest, shop: Shop) -> str:
    python = "none" if request.param == "sh" else "system"
    name = f"locked-{request.param}"
    shop.host(name, HostSpec(size_bytes=16 << 20, inodes=2000, python=python))
    shop.lab.exec(name, ["rm", "-f", "/root/steps"])
    return name


@pytest.fixture
def rival(shop: Shop, tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path / "rival", shop.lab.inventory)


@pytest.fixture
def holder(host: str, runbook: CommandLine, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A run that is in its first step."""
    book = tmp_path / "long.yml"
    book.write_text(BOOK)
    child = runbook.start("run", str(book), host, "--json", "--reason", "rotating keys", "-i", str(runbook.inventory))
    assert child.stdout
    for line in child.stdout:
        if json.loads(line)["event"] == "ChangeIntended":
            break
    time.sleep(0.3)
    yield child
    child.communicate(timeout=60)


def steps(shop: Shop, host: str) -> list[str]:
    return shop.lab.exec(host, ["cat", "/root/steps"]).stdout.split()


def test_the_second_is_told_who_why_since_when_and_what_to_do(
    host: str, holder: subprocess.Popen[str], runbook: CommandLine, rival: CommandLine
) -> None:
    said = rival.on(None, "exec", host, "-a", "true", "--json")
    (end,) = said.of("HostFinished")
    (run,) = [p.name for p in (runbook.state / "runs").iterdir()]
    assert (said.code, end["status"]) == (2, "aborted")
    for word in (run, "rotating keys", "UTC", "working at this host since"):
        assert word in str(end["message"])
    assert "--wait 5m" in str(end["advice"])
    assert f"--take-over {run}" in str(end["advice"])
    assert said.of("ChangeIntended") == []


def test_whoever_waits_gets_in_when_the_first_has_ended(
    shop: Shop, host: str, holder: subprocess.Popen[str], rival: CommandLine
) -> None:
    said = rival.on(None, "exec", host, "-m", "shell", "-a", "echo rival >> /root/steps", "--wait", "30s")
    assert said.code == 0, said.out
    assert steps(shop, host) == ["first", "second", "rival"]


def test_looking_needs_no_lock(host: str, holder: subprocess.Popen[str], rival: CommandLine) -> None:
    assert rival.on(None, "exec", host, "-m", "stat", "-a", "path=/etc").code == 0
    assert rival.on(None, "exec", host, "-a", "touch /etc/x", "--check").code == 0


@pytest.mark.parametrize("host", ["python"], indirect=True)  # through plain sh the lock is advice
def test_what_is_taken_over_changes_nothing_more(
    shop: Shop, host: str, holder: subprocess.Popen[str], runbook: CommandLine, rival: CommandLine
) -> None:
    (run,) = [p.name for p in (runbook.state / "runs").iterdir()]
    book = runbook.state.parent / "mine.yml"
    book.write_text(
        "name: mine\nsteps: [{name: a, shell: 'echo mine >> /root/steps; sleep 3', irreversible: it counts}]\n"
    )
    said = rival.on(None, "run", str(book), host, "--take-over", run, "--wait", "20s", "--json")
    assert said.code == 0, said.out + said.err
    out, _ = holder.communicate(timeout=60)
    (end,) = [e for e in map(json.loads, out.splitlines()) if e["event"] == "HostFinished"]
    assert (end["status"], holder.returncode) == ("aborted", 2), end
    assert [e for e in map(json.loads, out.splitlines()) if e["event"] == "RollbackStarted"] == []
    assert steps(shop, host) == ["first", "mine"], "the first finished its step; its second was not begun"
    resumed = runbook("resume", "last", "--wait", "20s")
    assert resumed.code == 0, resumed.out
    assert steps(shop, host) == ["first", "mine", "second"]


def test_a_dead_owners_lock_is_free_at_once(shop: Shop, host: str, runbook: CommandLine, rival: CommandLine) -> None:
    child = runbook.start("exec", host, "-a", "sleep 1", "-i", str(runbook.inventory))
    time.sleep(0.8)
    child.kill()
    child.communicate()
    said = rival.on(None, "exec", host, "-a", "true", "--wait", "10s")
    assert said.code == 0, said.out


def test_nothing_is_left_of_a_lock(shop: Shop, host: str, rival: CommandLine) -> None:
    shop.lab.exec(host, ["sh", "-c", "rm -f /run/runbook-*"])  # of the dead one above, which nobody resumed
    assert rival.on(None, "exec", host, "-a", "true").code == 0
    look = "grep -c @runbook /proc/net/unix; ls /run /dev/shm | grep runbook"
    assert shop.lab.exec(host, ["sh", "-c", look]).stdout.split() == ["0"]


def test_what_was_done_as_another_user_is_come_back_to(shop: Shop, runbook: CommandLine, tmp_path: Path) -> None:
    """Two agents share the lock, and each leaves its own last words."""
    there = shop.host("locked-python", HostSpec(size_bytes=16 << 20, inodes=2000))
    own = write_inventory(tmp_path / "i.yml", {"h": variables(there, ansible_user="app")})
    book = tmp_path / "who.yml"
    book.write_text(
        "name: who\nsteps:\n  - {name: mine, shell: id -un >> /tmp/who, irreversible: it counts}\n"
        "  - {name: roots, become: true, shell: id -un >> /tmp/who; sleep 3, irreversible: it counts}\n"
        "  - {name: mine again, shell: id -un >> /tmp/who, irreversible: it counts}\n"
    )
    shop.lab.exec(there.name, ["sh", "-c", "rm -f /tmp/who; touch /tmp/who; chmod 666 /tmp/who"])
    child = runbook.start("run", str(book), "h", "--json", "-i", str(own))
    assert child.stdout
    for line in child.stdout:
        if (event := json.loads(line))["event"] == "ChangeIntended" and event["name"] == "roots":
            break
    time.sleep(1)
    child.kill()
    child.communicate()
    said = runbook("resume", "--json")
    assert said.code == 0, said.out + said.err
    assert shop.lab.exec(there.name, ["cat", "/tmp/who"]).stdout == "app\nroot\napp\n"
