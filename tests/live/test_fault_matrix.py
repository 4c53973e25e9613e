"""What the fault matrix (`make reliability ONLY=fault_matrix`) stands on: that its table is whole, and that litter is
found wherever it lies. The cells themselves are tried there."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from live_hosts import CommandLine, Shop

from playbook_engine.lab.faults import Fault as LabFault
from playbook_engine.lab.spec import HostSpec
from reliability import litter
from reliability.litter import Listing
from reliability.matrix_cells import SHORT, TABLE, Fault, Job

pytestmark = [pytest.mark.live, pytest.mark.xdist_group("fault-matrix")]

SMALL = HostSpec(size_bytes=16 << 20, inodes=2000)
# Files in every place where something could be written, and a process in a session of its own.
DROP = """
for f in /new /tmp/new /var/tmp/new /root/.new /etc/new /usr/bin/new /run/new /dev/shm/new; do echo x > $f; done
echo y >> /etc/hostname; chmod 600 /etc/hosts; mkdir /srv/folder; ln -s gone /opt/link
setsid sleep 5432 </dev/null >/dev/null 2>&1 &
"""


def test_every_cell_has_its_answer() -> None:
    assert {(fault, job) for fault, row in TABLE.items() for job in row} == {(f, j) for f in Fault for j in Job}


def test_the_short_matrix_has_every_fault_but_the_one_that_takes_a_minute() -> None:
    assert {fault for fault, _ in SHORT} == set(Fault) - {Fault.CUT_OFF}
    assert {job for _, job in SHORT} == set(Job)


def test_litter_is_found_wherever_it_lies(shop: Shop) -> None:
    host = shop.host("littered", SMALL)
    before = litter.listing(host)
    assert litter.litter(before, litter.listing(host)) == []
    host.exec(["sh", "-c", DROP], check=True)
    time.sleep(0.3)
    found = litter.litter(before, litter.listing(host))
    assert sorted(line.partition(":")[0] for line in found) == sorted(
        [
            "/new", "/tmp/new", "/var/tmp/new", "/root/.new", "/etc/new", "/usr/bin/new", "/run/new", "/dev/shm/new",
            "/etc/hostname", "/etc/hosts", "/srv/folder", "/opt/link", "process sleep 5432",
        ]
    )  # fmt: skip
    assert litter.litter(before, litter.listing(host), ("/*", "sleep 5432")) == [], "what was asked for is none"


def test_what_has_gone_counts_where_all_was_to_be_restored() -> None:
    before = Listing(disk={"/etc/a": "1", "/srv/b": "1"}, memory={"/run/c": "1"}, running=["d"])
    after = Listing(disk={"/etc/a": "2"}, memory={}, running=["d", "d"])
    assert litter.litter(before, after) == ["/etc/a: 1 -> 2", "process d"]
    assert litter.litter(before, after, restored=True) == ["/etc/a: 1 -> 2", "/srv/b: is gone", "process d"]


def test_a_reboot_is_no_litter(shop: Shop) -> None:
    host = shop.host("littered", SMALL)
    before = litter.listing(host)
    shop.lab.break_(host.name, LabFault.REBOOT)
    assert host.answers(timeout=10)
    found = litter.litter(before, litter.listing(host))
    assert [line for line in found if not line.startswith(("/tmp", "process"))] == []


def test_a_command_with_creates_is_taken_back(shop: Shop, runbook: CommandLine, tmp_path: Path) -> None:
    host = shop.host("creates", SMALL)
    book = tmp_path / "made.yml"
    book.write_text(
        "name: made\ntitle: A file that a command makes\nsteps:\n"
        "  - name: made\n    command: {cmd: touch /srv/made, creates: /srv/made}\n"
        "    rollback:\n      - file: {path: /srv/made, state: absent}\n"
    )
    assert runbook.on(None, "run", str(book), host.name).code == 0
    said = runbook("rollback", "last")
    assert said.code == 0, said.out
    assert host.exec(["test", "-e", "/srv/made"]).returncode == 1
