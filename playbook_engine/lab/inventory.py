"""The inventory and known_hosts that a lab hands out, in the words that Ansible also understands."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from playbook_engine.lab.host import LabHost
from playbook_engine.lab.spec import NO_PYTHON


def render(hosts: Sequence[LabHost]) -> str:
    """INI: every host in group `lab`, and in the groups of its spec."""
    groups: dict[str, list[LabHost]] = {"lab": list(hosts)}
    for host in hosts:
        for group in host.groups:
            groups.setdefault(group, []).append(host)
    parts = ["# Written by `runbook lab`; it goes with `runbook lab down`.\n"]
    for group, members in groups.items():
        lines = [f"[{group}]", *(_line(h) if group == "lab" else h.name for h in members)]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def _line(host: LabHost) -> str:
    options = f"-o UserKnownHostsFile={host.known_hosts} -o GlobalKnownHostsFile=/dev/null -o IdentitiesOnly=yes"
    variables = {
        "ansible_host": host.address,
        "ansible_user": "root",
        "ansible_ssh_private_key_file": str(host.key),
        "ansible_ssh_common_args": options,
    }
    if host.python != NO_PYTHON:
        variables["ansible_python_interpreter"] = "/usr/bin/python3"
    variables.update(host.variables)
    return " ".join([host.name, *(f"{k}={shlex.quote(v)}" for k, v in variables.items())])


def write(inventory: Path, known_hosts: Path, hosts: Sequence[LabHost]) -> None:
    keys = "".join(f"{h.address} {(h.folder / 'hostkey.pub').read_text().strip()}\n" for h in hosts)
    for path, text in ((known_hosts, keys), (inventory, render(hosts))):
        beside = path.with_name(path.name + ".new")
        beside.write_text(text)
        beside.rename(path)
