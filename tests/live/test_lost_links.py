"""A link that dies while a step runs: noticed in time; what runs goes on; and a new link learns how it ended."""

from __future__ import annotations

import json
import time

import pytest
from live_hosts import CommandLine, Said, Shop

from playbook_engine.lab.spec import HostSpec

pytestmark = [pytest.mark.live, pytest.mark.xdist_group("lost-links")]

# What happens to the host, how its step ends, and within how many seconds: 30 s to notice, 30 s to try again.
FAULTS = {
    "blackhole": ("in_doubt", 75), "partition": ("in_doubt", 75),
    "kill-sshd": ("changed", 20), "reboot": ("in_doubt", 20),
}  # fmt: skip
STEP = "sleep 9; echo x >> /root/counter; echo said it"


@pytest.fixture(scope="module")
def runbook(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    return CommandLine(tmp_path_factory.mktemp("state"), shop.lab.inventory)


@pytest.fixture(scope="module")
def said(shop: Shop, runbook: CommandLine) -> Said:
    """A command on four hosts, each of which loses its link."""
    for fault in FAULTS:
        shop.host(f"lost-{fault}", HostSpec(size_bytes=16 << 20, inodes=2000))
    words = ["exec", "lost-*", "-m", "shell", "-a", STEP, "--timeout", "2m", "--json", "-i", str(runbook.inventory)]
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
    rest, err = child.communicate(timeout=110)
    return Said(code=child.returncode, out=out + rest, err=err)


@pytest.mark.parametrize("fault", list(FAULTS))
def test_how_the_step_ends_and_when(said: Said, fault: str) -> None:
    outcome, within = FAULTS[fault]
    (end,) = said.of("StepFinished", f"lost-{fault}")
    assert end["outcome"] == outcome, end
    assert float(str(end["seconds"])) < within
    assert said.of("RollbackStarted", f"lost-{fault}") == [], "nothing is pulled from under a host that is not seen"


def test_the_record_of_the_host_is_as_good_as_its_answer(said: Said) -> None:
    (applied,) = said.of("ChangeApplied")
    assert (applied["host"], applied["settled"]) == ("lost-kill-sshd", "record")
    (end,) = said.of("StepFinished", "lost-kill-sshd")
    assert end["shown"]["stdout"] == "said it"  # type: ignore[index]


def test_a_reboot_is_told_from_a_lost_link(said: Said) -> None:
    messages = {str(e["host"]): str(e["message"]) for e in said.of("HostFinished") if e.get("message")}
    assert "the host was rebooted meanwhile" in messages["lost-reboot"]
    assert "it did not come back" in messages["lost-blackhole"]


def test_the_run_ends_as_failed_and_without_noise(said: Said) -> None:
    assert (said.code, said.err) == (2, "")


def test_whoever_resumes_learns_it_and_sends_nothing_twice(shop: Shop, said: Said, runbook: CommandLine) -> None:
    for fault in ("blackhole", "partition"):
        shop.lab.heal(f"lost-{fault}")
    resumed = runbook("resume", "last", "--json")
    ends = {str(e["host"]): e["status"] for e in resumed.of("HostFinished")}
    assert ends == {"lost-blackhole": "changed", "lost-partition": "changed", "lost-reboot": "in_doubt"}, resumed.out
    for fault, count in (("blackhole", 1), ("partition", 1), ("kill-sshd", 1), ("reboot", 0)):
        counted = shop.lab.exec(f"lost-{fault}", ["sh", "-c", "cat /root/counter 2>/dev/null | wc -l"]).stdout.strip()
        assert (fault, counted) == (fault, str(count))
    again = runbook("resume", "last", "--again", "s1", "--reason", "the counter is empty", "--json")
    assert again.code == 0, again.out + again.err
    assert shop.lab.exec("lost-reboot", ["cat", "/root/counter"]).stdout == "x\n"
