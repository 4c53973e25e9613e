"""`reboot` on a lab host: it goes away, comes back with another boot id, and the run goes on there."""

from __future__ import annotations

from pathlib import Path

import pytest
from live_hosts import CommandLine, Shop

from playbook_engine.lab.spec import HostSpec

pytestmark = [pytest.mark.live, pytest.mark.xdist_group("reboot")]

RUNBOOK = """
name: new-kernel
on_failure: stop
steps:
  - {name: before, slurp: {src: /proc/sys/kernel/random/boot_id}, register: first}
  - name: boot anew
    reboot: {reboot_command: systemctl reboot --force --force, reboot_timeout: 60, post_reboot_delay: 1}
    irreversible: a boot cannot be taken back
    register: booted
  - {name: after, slurp: {src: /proc/sys/kernel/random/boot_id}, register: second}
  - name: another boot
    assert: {that: [first.content != second.content, booted.rebooted, booted.changed]}
"""


def test_it_waits_until_the_host_is_back(shop: Shop, runbook: CommandLine, tmp_path: Path) -> None:
    host = shop.host("reboot", HostSpec(size_bytes=16 << 20, inodes=2000))
    file = tmp_path / "new-kernel.yml"
    file.write_text(RUNBOOK)
    checked = runbook.on(shop.lab.inventory, "run", str(file), host.name, "--check", "--json")
    assert checked.of("StepFinished", host.name)[1]["outcome"] == "changed", checked.out + checked.err
    said = runbook.on(shop.lab.inventory, "run", str(file), host.name, "--json")
    assert said.code == 0, said.out + said.err
    (applied,) = said.of("ChangeApplied", host.name)
    assert applied["settled"] == "observed"
    assert [e["outcome"] for e in said.of("StepFinished", host.name)] == ["ok", "changed", "ok", "ok"]
