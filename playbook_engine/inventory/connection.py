"""How to reach a host, read from Ansible's connection variables."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping

from playbook_engine.model.addresses import is_ipv6, split_port
from playbook_engine.model.errors import InventoryError, VaultError
from playbook_engine.model.host import BECOME_METHODS, ConnectionSpec, become_method
from playbook_engine.model.secret import Secret
from playbook_engine.templating.environment import Templar
from playbook_engine.templating.filters.text import FALSE_WORDS, TRUE_WORDS
from playbook_engine.templating.node import holds_template

CONNECTIONS = {
    "ssh": "ssh",
    "paramiko": "ssh",
    "paramiko_ssh": "ssh",
    "smart": "ssh",
    "local": "local",
    "openssh": "openssh",
}
_DESTINATION = re.compile(r"(?:(?P<user>[^@\s]+)@)?(?P<host>[^@\s]+)")


def connection_of(
    name: str, variables: Mapping[str, object], templar: Templar, login: Mapping[str, object] | None = None
) -> ConnectionSpec:
    """The connection of host `name` by its merged variables; templates in them are rendered here. `login` counts where
    they say nothing.

    Raises `InventoryError` for a value that makes no sense, `TemplateError` for one that cannot be rendered. One that
    does not decrypt makes the host `locked`: it is an error where the host is wanted, and for nobody else.
    """
    user, address, port = destination(name)
    if login and user:
        login = {key: value for key, value in login.items() if key != "ansible_user"}  # `deploy@db1.test` says it
    read = _Reader(name, variables, templar, login or {})
    kind = read.text("ansible_connection") or "ssh"
    connection = CONNECTIONS.get(kind.removeprefix("ansible.builtin."))
    if connection is None:
        raise InventoryError(f"host {name!r}: there is no connection {kind!r}", advice="there are: ssh, openssh, local")
    method = become_method(read.text("ansible_become_method") or "sudo")
    if method not in BECOME_METHODS:
        raise InventoryError(
            f"host {name!r}: there is no become_method {method!r}", advice=f"there are: {', '.join(BECOME_METHODS)}"
        )
    common = [read.text("ansible_ssh_common_args"), read.text("ansible_ssh_extra_args"), read.text("ansible_ssh_args")]
    checking = read.flag("ansible_ssh_host_key_checking", "ansible_host_key_checking")
    found = ConnectionSpec(
        connection=connection,
        address=read.text("ansible_host", "ansible_ssh_host") or address,
        port=read.number("ansible_port", "ansible_ssh_port") or port,
        user=read.text("ansible_user", "ansible_ssh_user") or user,
        private_key_file=read.text("ansible_private_key_file", "ansible_ssh_private_key_file"),
        password=read.secret("ansible_password", "ansible_ssh_pass", "ansible_ssh_password"),
        common_args=" ".join(part for part in common if part),
        python_interpreter=_interpreter(read.text("ansible_python_interpreter")),
        become=read.flag("ansible_become") or False,
        become_user=read.text("ansible_become_user", f"ansible_{method}_user") or "root",
        become_method=method,
        become_password=read.secret("ansible_become_password", "ansible_become_pass", f"ansible_{method}_pass"),
        connect_timeout=float(read.number("ansible_ssh_timeout", "ansible_timeout") or 10),
        host_key_checking=True if checking is None else checking,
    )
    return dataclasses.replace(found, locked=str(read.locked)) if read.locked else found


def destination(name: str) -> tuple[str | None, str, int | None]:
    """`deploy@db1.test:2222` as user, address, port; anything else is an address as it is."""
    match = _DESTINATION.fullmatch(name)
    if not match or is_ipv6(name):
        return None, name, None
    address = split_port(match["host"])
    host, port = address if address else (match["host"], None)
    return match["user"], host, port


def _interpreter(text: str | None) -> str | None:
    """Ansible's `auto`, `auto_silent`, `auto_legacy` mean: look for one."""
    return None if text is None or text.startswith("auto") else text


class _Reader:
    def __init__(
        self, host: str, variables: Mapping[str, object], templar: Templar, login: Mapping[str, object]
    ) -> None:
        self.locked: VaultError | None = None
        self._login = login
        self._host = host
        self._variables = variables
        self._templar = templar

    def _value(self, names: tuple[str, ...]) -> tuple[str, object]:
        for name in names:
            if name in self._variables:
                value = self._variables[name]
                if holds_template(value):
                    try:
                        value = self._templar.render(value, self._variables)
                    except VaultError as error:
                        self.locked = self.locked or error
                        return name, None
                if value is not None:
                    return name, value
        return next(((name, self._login[name]) for name in names if name in self._login), (names[0], None))

    def _plain(self, names: tuple[str, ...]) -> tuple[str, object]:
        name, value = self._value(names)
        return name, value.reveal() if isinstance(value, Secret) else value

    def text(self, *names: str) -> str | None:
        _, value = self._plain(names)
        return None if value is None or value == "" else str(value)

    def number(self, *names: str) -> int | None:
        name, value = self._plain(names)
        if value is None or value == "":
            return None
        try:
            return int(str(value))
        except ValueError:
            raise InventoryError(f"host {self._host!r}: {name} is a number, not {value!r}") from None

    def flag(self, *names: str) -> bool | None:
        name, value = self._plain(names)
        if value is None or isinstance(value, bool):
            return value
        word = str(value).strip().lower()
        if word in TRUE_WORDS:
            return True
        if word in FALSE_WORDS:
            return False
        raise InventoryError(f"host {self._host!r}: {name} is true or false, not {value!r}")

    def secret(self, *names: str) -> Secret | None:
        _, value = self._value(names)
        if value is None or value == "" or isinstance(value, Secret):
            return value if isinstance(value, Secret) else None
        return Secret(str(value))
