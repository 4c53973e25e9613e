"""What a lab keeps in its folder and hands out."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from playbook_engine.lab import faults, inventory
from playbook_engine.lab.errors import LabError
from playbook_engine.lab.faults import Fault
from playbook_engine.lab.host import HostState, LabHost
from playbook_engine.lab.lab import Lab
from playbook_engine.lab.network import Wire
from playbook_engine.lab.spec import Init


def make(lab: Lab, name: str, number: int = 0) -> LabHost:
    folder = lab.root / "hosts" / name
    (folder / "faults").mkdir(parents=True)
    (folder / "hostkey.pub").write_text("ssh-ed25519 KEY\n")
    host = LabHost(
        name=name,
        folder=folder,
        number=number,
        init=Init.RUNIT,
        python="system",
        sudo=True,
        key=lab.key,
        known_hosts=lab.known_hosts,
        groups=("sick",),
        variables={"find_links": "/opt/wheel house"},
    )
    host.save()
    return host


def test_addresses_are_those_for_test_beds() -> None:
    assert (Wire(number=0).gateway, Wire(number=0).address) == ("198.18.0.1", "198.18.0.2")
    assert Wire(number=64).address == "198.18.1.2"
    assert Wire(number=32767).address == "198.19.255.254"
    assert len(Wire(number=32767).peer) <= 15, "IFNAMSIZ"


def test_a_record_is_read_back_as_it_was(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    second, first = make(lab, "b", 7), make(lab, "a", 3)
    assert lab.hosts() == [first, second]
    assert lab.host("a") == first
    with pytest.raises(LabError, match="no lab host is called 'c'"):
        lab.host("c")


def test_the_inventory_is_ansible_s(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    host = make(lab, "sick")
    bare = replace(make(lab, "bare", 1), python="none", groups=(), variables={})
    inventory.write(lab.inventory, lab.known_hosts, [host, bare])
    comment, _, head, line, line2, _, group, member = lab.inventory.read_text().splitlines()
    assert comment.startswith("#")
    assert (head, group, member) == ("[lab]", "[sick]", "sick")
    name, *pairs = shlex.split(line)
    variables = dict(p.split("=", 1) for p in pairs)
    assert name == "sick"
    assert variables["ansible_host"] == "198.18.0.2"
    assert variables["find_links"] == "/opt/wheel house"
    assert f"UserKnownHostsFile={lab.known_hosts}" in variables["ansible_ssh_common_args"]
    assert "ansible_python_interpreter" not in line2
    assert lab.known_hosts.read_text().splitlines()[0] == "198.18.0.2 ssh-ed25519 KEY"


def test_a_host_without_a_holder_is_dead(tmp_path: Path) -> None:
    host = make(Lab(tmp_path), "db")
    assert host.state() is HostState.DEAD
    with pytest.raises(LabError, match="lab host db is dead"):
        host.exec(["true"])
    with pytest.raises(LabError, match="lab host db is dead"):
        Lab(tmp_path).break_("db", Fault.FILL)
    assert faults.active(host) == {}


def test_a_fault_is_known_by_its_name() -> None:
    assert faults.parse("fill-inodes") is Fault.FILL_INODES
    with pytest.raises(LabError, match="no fault 'fil'") as error:
        faults.parse("fil")
    assert "blackhole" in str(error.value.advice)


def test_every_fault_can_be_injected_and_healed() -> None:
    assert set(faults._INJECT) == set(faults._HEAL) == set(Fault)


def test_down_clears_a_folder_that_up_never_finished(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    make(lab, "whole", 8190)
    (lab.root / "hosts" / "half").mkdir()
    assert lab.down() == ["half", "whole"]
    assert not lab.root.exists()
