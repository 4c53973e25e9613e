"""What makes up a system besides files, changed on a lab host over SSH, and taken back: the rollback is proved."""

from __future__ import annotations

from pathlib import Path

import pytest
from live_hosts import CommandLine, Shop

from playbook_engine.lab.spec import HostSpec

pytestmark = [pytest.mark.live, pytest.mark.xdist_group("system-actions")]

RUNBOOK = """
name: furnish
steps:
  - {name: the group, group: {name: shop, gid: 4300}}
  - name: the account
    user: {name: shop, uid: 4300, group: shop, home: /srv/app, shell: /bin/sh, generate_ssh_key: yes, ssh_key_type: rsa}
  - {name: who may log in, authorized_key: {user: shop, key: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0dHgiKqm2u3R4 me"}}
  - {name: the name, hostname: {name: app1.example.test}}
  - {name: routing, sysctl: {name: net.ipv4.ip_forward, value: "1", sysctl_file: /etc/sysctl.d/60-app.conf}}
  - {name: scratch, mount: {path: /srv/scratch, src: tmpfs, fstype: tmpfs, opts: size=1m, state: mounted}}
  - name: the job
    cron: {name: tidy, job: /bin/true, minute: "5", user: shop, cron_file: /srv/app-cron}
  - name: a log
    copy: {content: "2026-11-30T12:00:00Z ERROR one\\n2026-11-30T12:01:00Z ERROR two\\n", dest: /srv/app.log}
checks:
  - {name: the log was read, log_scan: {path: /srv/app.log, pattern: ERROR}, expect: result.matches == 2}
  - {name: the account is seen, getent: {database: passwd, key: shop}}
"""
SEEN = (
    "hostname; cat /proc/sys/net/ipv4/ip_forward; getent passwd shop; getent group shop; grep -c scratch /proc/mounts;"
    "cat /srv/app-cron /srv/app/.ssh/authorized_keys; stat -c '%U %a' /srv/app/.ssh/authorized_keys /srv/app/.ssh"
)
THERE = """app1.example.test
1
shop:x:4300:4300::/srv/app:/bin/sh
shop:x:4300:
1
#Ansible: tidy
5 * * * * shop /bin/true
ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0dHgiKqm2u3R4 me
shop 600
shop 700
"""


def test_a_system_is_furnished_and_taken_back(shop: Shop, runbook: CommandLine, tmp_path: Path) -> None:
    host = shop.host("system", HostSpec(size_bytes=32 << 20, inodes=4000))
    file = tmp_path / "furnish.yml"
    file.write_text(RUNBOOK)

    def seen() -> str:
        return shop.lab.exec(host.name, ["sh", "-c", f"({SEEN}) 2>/dev/null"]).stdout

    before = seen()
    checked = runbook.on(shop.lab.inventory, "run", str(file), host.name, "--check")
    assert seen() == before, checked.out
    said = runbook.on(shop.lab.inventory, "run", str(file), host.name, "--json")
    assert said.code == 0, said.out + said.err
    assert seen() == THERE
    again = runbook.on(shop.lab.inventory, "run", str(file), host.name, "--json")
    assert [e["outcome"] for e in again.of("StepFinished", host.name)] == ["ok"] * 8, again.out
    run = str(said.of("RunStarted")[0]["run"])
    back = runbook("rollback", run, "--json")
    assert back.code == 0, back.out + back.err
    assert seen() == before
