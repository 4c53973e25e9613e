"""A link that dies while a step runs: noticed in time, in doubt, and what runs on the host runs on."""

from __future__ import annotations

import json
import time

import pytest
from live_hosts import CommandLine, Said, Shop

from playbook_engine.lab.spec import HostSpec

pytestmark = [pytest.mark.live, pytest.mark.xdist_group("lost-links")]

# What happens to the host, and within how many seconds it must be noticed.
FAULTS = {"blackhole": 31, "partition": 31, "kill-sshd": 5, "reboot": 5}
SLEEP = "sleep 1234"


@pytest.fixture(scope="module")
def said(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Said:
    """A long command on four hosts, each of which loses its link."""
    for fault in FAULTS:
        shop.host(f"lost-{fault}", HostSpec(size_bytes=16 << 20, inodes=2000))
    runbook = CommandLine(tmp_path_factory.mktemp("state"), shop.lab.inventory)
    words = ["exec", "lost-*", "-a", SLEEP, "--timeout", "10m", "--json", "-i", str(runbook.inventory)]
    child = runbook.start(*words)
    assert child.stdout
    out, intended = "", 0
    for line in child.stdout:
        out += line
        intended += json.loads(line)["event"] == "ChangeIntended"
        if intended == len(FAULTS):
            break
    time.sleep(0.5)
    for fault in FAULTS:
        shop.lab.break_(f"lost-{fault}", fault)
    rest, err = child.communicate(timeout=60)
    return Said(code=child.returncode, out=out + rest, err=err)


@pytest.mark.parametrize("fault", list(FAULTS))
def test_it_is_noticed_and_in_doubt(said: Said, fault: str) -> None:
    (end,) = said.of("StepFinished", f"lost-{fault}")
    assert (end["outcome"], end["kind"]) == ("in_doubt", "link-lost")
    assert float(str(end["seconds"])) < FAULTS[fault]
    (host,) = said.of("HostFinished", f"lost-{fault}")
    assert (host["status"], bool(host["advice"])) == ("in_doubt", True)
    assert said.of("RollbackStarted", f"lost-{fault}") == [], "nothing is pulled from under a host that is not seen"


def test_the_run_ends_as_failed_and_without_noise(said: Said) -> None:
    assert (said.code, said.err) == (2, "")


@pytest.mark.parametrize(("fault", "count"), [("blackhole", 1), ("kill-sshd", 1), ("reboot", 0)])
def test_what_was_running_runs_on(shop: Shop, said: Said, fault: str, count: int) -> None:
    look = f"cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ' | grep -c '^{SLEEP}\\|[ ]{SLEEP}' || true"
    host = shop.lab.host(f"lost-{fault}")
    assert fault == "blackhole" or host.answers(timeout=10)
    found = shop.lab.exec(host.name, ["sh", "-c", look.replace("sleep", "[s]leep")]).stdout.strip()
    assert found == str(count)
