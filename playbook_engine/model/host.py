"""Hosts and groups as the engine knows them: names, variables, and how to reach them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from playbook_engine.model.frozen import frozen
from playbook_engine.model.secret import Secret

BECOME_METHODS = ("sudo", "su", "doas")


def become_method(name: str) -> str:
    """A way to become somebody else, by its name or that of its collection (`community.general.doas`)."""
    return name.removeprefix("ansible.builtin.").removeprefix("community.general.")


@frozen
class ConnectionSpec:
    """How to reach a host: Ansible's connection variables. None means "as ssh_config or the default says".

    `folder`: where what is done on the controller itself is done; empty: where the controller was started.
    `locked`: what of this is encrypted and does not open, and why; empty when nothing is.
    """

    connection: str = "ssh"
    address: str | None = None
    port: int | None = None
    user: str | None = None
    private_key_file: str | None = None
    password: Secret | None = None
    common_args: str = ""
    python_interpreter: str | None = None
    become: bool = False
    become_user: str = "root"
    become_method: str = "sudo"
    become_password: Secret | None = None
    connect_timeout: float = 10.0
    host_key_checking: bool = True
    folder: str = ""
    locked: str = ""


@frozen
class Host:
    """One host. `variables` are merged by precedence; author's templates in them are not rendered yet."""

    name: str
    groups: tuple[str, ...] = ()
    variables: Mapping[str, object] = field(default_factory=dict)
    connection: ConnectionSpec = field(default_factory=ConnectionSpec)


@frozen
class Group:
    """One group: its own hosts and children, in the order written."""

    name: str
    hosts: tuple[str, ...] = ()
    children: tuple[str, ...] = ()
    variables: Mapping[str, object] = field(default_factory=dict)
    priority: int = 1
