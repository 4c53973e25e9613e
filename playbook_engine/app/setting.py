"""Every setting there is, in one table: its names, its type, its default.

What Ansible calls the same thing is read too, after our own: variables of the environment and keys of ansible.cfg
(ansible-core's documentation, "Ansible Configuration Settings").
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

from playbook_engine.model.frozen import frozen


class Kind(StrEnum):
    """How a value is written."""

    TEXT = "text"
    URL = "address"
    FILE = "path"
    FOLDERS = "folders"
    INVENTORY = "inventories"
    WORDS = "words"
    IDS = "vault ids"
    COUNT = "number"
    FLAG = "yes or no"


Value = str | int | bool | tuple[str, ...] | None
TRUE, FALSE = ("1", "true", "yes", "on", "y", "t"), ("0", "false", "no", "off", "n", "f", "")


@frozen
class Setting:
    """One setting. `environment` are Ansible's variables, `cfg` its keys in ansible.cfg, the first that is set counts.

    `default` is what a person reads where nothing is set; the value is None, False, "" or () then.
    """

    name: str
    kind: Kind
    doc: str
    default: str = ""
    environment: tuple[str, ...] = ()
    cfg: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    words: tuple[tuple[str, str], ...] = ()
    """Ansible's words for choices of ours."""
    flag: str = ""
    note: str = ""

    @property
    def variable(self) -> str:
        return f"RUNBOOK_{self.name.upper()}"

    def empty(self) -> Value:
        match self.kind:
            case Kind.COUNT:
                return None
            case Kind.FLAG:
                return False
            case Kind.FOLDERS | Kind.INVENTORY | Kind.WORDS | Kind.IDS:
                return ()
            case _:
                return ""

    def of_text(self, text: str, base: Path | None = None) -> Value:
        """The value in a variable or ini file, paths relative to `base`. Raises ValueError: what it has to be."""
        text = text.strip()
        match self.kind:
            case Kind.COUNT:
                if not (text.isascii() and text.isdigit()) or int(text) < 1:
                    raise ValueError("a whole number from 1")
                return int(text)
            case Kind.FLAG:
                if text.lower() not in TRUE + FALSE:
                    raise ValueError("true or false")
                return text.lower() in TRUE
            case Kind.FOLDERS:
                return tuple(_placed(p, base) for p in text.split(os.pathsep) if p)
            case Kind.INVENTORY:
                return _inventories(text, base)
            case Kind.WORDS | Kind.IDS:
                return self._words(text.split(","), None)  # Ansible takes files of vault ids from where it is started
            case _:
                return self._text(text, base)

    def of_toml(self, value: object, base: Path) -> Value:
        """The value in a settings file, whose types count. Raises ValueError: what it has to be."""
        match self.kind:
            case Kind.COUNT:
                if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                    raise ValueError("a whole number from 1")
                return value
            case Kind.FLAG:
                if not isinstance(value, bool):
                    raise ValueError("true or false")
                return value
            case Kind.FOLDERS | Kind.INVENTORY | Kind.WORDS | Kind.IDS:
                many = [value] if isinstance(value, str) else value
                if not isinstance(many, list) or not all(isinstance(each, str) for each in many):
                    raise ValueError("a list of texts")
                if self.kind is Kind.FOLDERS:
                    return tuple(_placed(each, base) for each in many)
                if self.kind is Kind.INVENTORY:
                    return tuple(_inventory(each, base) for each in many)
                return self._words(many, base)
            case _:
                if not isinstance(value, str):
                    raise ValueError(f"{self._either()}, in quotes" if self.choices else "a text")
                return self._text(value, base)

    def _text(self, text: str, base: Path | None) -> str:
        text = dict(self.words).get(text, text)
        if text and self.choices and text not in self.choices:
            raise ValueError(self._either())
        return _placed(text, base) if self.kind is Kind.FILE and text else text

    def _either(self) -> str:
        *others, last = self.choices
        return f"{', '.join(others)} or {last}"

    def _words(self, words: Sequence[str], base: Path | None) -> tuple[str, ...]:
        found = tuple(word.strip() for word in words if word.strip())
        if self.kind is not Kind.IDS or base is None:
            return found
        split = [word.rpartition("@") for word in found]
        return tuple(
            f"{label}{at}{where if where.startswith('prompt') else _placed(where, base)}" for label, at, where in split
        )


@frozen
class Said:
    """A value, and who says it: a place in a file, a variable of the environment, a flag, or nobody ("default")."""

    value: Value
    origin: str = "default"

    @property
    def is_set(self) -> bool:
        return self.origin != "default"

    def shown(self, setting: Setting) -> Value | list[str]:
        """The value for printing: the password in an address is stars."""
        if setting.kind is Kind.URL and isinstance(self.value, str) and "@" in self.value:
            scheme, slashes, rest = self.value.rpartition("://")
            login, at, host = rest.rpartition("@")
            return f"{scheme}{slashes}{login.partition(':')[0]}:********{at}{host}" if ":" in login else self.value
        return list(self.value) if isinstance(self.value, tuple) else self.value

    def written(self, setting: Setting) -> str:
        """The same on one line; of what nobody has set, what is done then."""
        if not self.is_set:
            return f"[{setting.default}]" if setting.default else "-"
        value = self.shown(setting)
        if isinstance(value, bool):
            return "true" if value else "false"
        return ", ".join(value) if isinstance(value, list) else str(value)


def _placed(text: str, base: Path | None) -> str:
    """A path of a file is relative to the file; one of the environment to where the command is started."""
    path = os.path.expanduser(text)
    return path if base is None else os.path.normpath(os.path.join(base, os.path.expandvars(path)))


def _inventory(text: str, base: Path | None) -> str:
    return text if "," in text else _placed(text, base)


def _inventories(text: str, base: Path | None) -> tuple[str, ...]:
    """`a,b` is two files if the first one is there, else a list of hosts."""
    if not text:
        return ()
    first, *others = parts = [part.strip() for part in text.split(",")]
    if others and (text.endswith(",") or not os.path.exists(_placed(first, base))):
        return (text,)
    return tuple(_inventory(part, base) for part in parts)


SETTINGS: tuple[Setting, ...] = (
    Setting(name="state", kind=Kind.FILE, default="runbook in XDG_STATE_HOME, ~/.local/state/runbook",
            doc="Where journals, their index and the lab are."),
    Setting(name="path", kind=Kind.FOLDERS,
            doc="More folders of runbooks, after ./runbooks, before the shipped ones."),
    Setting(name="inventory", kind=Kind.INVENTORY, environment=("ANSIBLE_INVENTORY",), cfg=("defaults.inventory",),
            flag="--inventory", default="./inventory, where there is one", doc="The inventory when there is no -i."),
    Setting(name="forks", kind=Kind.COUNT, environment=("ANSIBLE_FORKS",), cfg=("defaults.forks",), flag="--forks",
            default="50", doc="Hosts at the same time."),
    Setting(name="max_hosts", kind=Kind.COUNT, flag="--max-hosts", default="no limit",
            doc="More hosts than this are refused."),
    Setting(name="user", kind=Kind.TEXT, environment=("ANSIBLE_REMOTE_USER",), cfg=("defaults.remote_user",),
            flag="--user", default="what ssh says", doc="The login, where the inventory says none."),
    Setting(name="private_key", kind=Kind.FILE, environment=("ANSIBLE_PRIVATE_KEY_FILE",),
            cfg=("defaults.private_key_file",), flag="--private-key", default="what ssh says",
            doc="The key to log in with, where the inventory names none."),
    Setting(name="connect_timeout", kind=Kind.COUNT, environment=("ANSIBLE_TIMEOUT",), cfg=("defaults.timeout",),
            flag="--connect-timeout", default="10", doc="Seconds for connecting."),
    Setting(name="transport", kind=Kind.TEXT, environment=("ANSIBLE_TRANSPORT",), cfg=("defaults.transport",),
            choices=("ssh", "openssh", "local"), words=(("smart", "ssh"), ("paramiko", "ssh"), ("paramiko_ssh", "ssh")),
            flag="--connection", default="ssh", doc="The connection of hosts of which no inventory says one."),
    Setting(name="connect", kind=Kind.TEXT, choices=("early", "late"), default="early",
            doc="Whether hosts are connected to while the runbook is still being read."),
    Setting(name="ssh_kex", kind=Kind.WORDS, default="mlkem768x25519-sha256, curve25519-sha256, …",
            doc="The key exchanges that are offered, the preferred first."),
    Setting(name="ssh_ciphers", kind=Kind.WORDS, default="aes128-gcm@openssh.com, aes256-gcm@openssh.com, …",
            doc="The ciphers that are offered, the preferred first."),
    Setting(name="host_key_checking", kind=Kind.FLAG, environment=("ANSIBLE_HOST_KEY_CHECKING",),
            cfg=("defaults.host_key_checking",), default="true",
            doc="Read, and does nothing.", note="does nothing: the keys of hosts are always checked"),
    Setting(name="vault_password_file", kind=Kind.FILE, environment=("ANSIBLE_VAULT_PASSWORD_FILE",),
            cfg=("defaults.vault_password_file",), flag="--vault-password-file",
            doc="A file with the vault password, or a program that prints it."),
    Setting(name="vault_identity_list", kind=Kind.IDS, environment=("ANSIBLE_VAULT_IDENTITY_LIST",),
            cfg=("defaults.vault_identity_list",), doc="LABEL@SOURCE: tried before those of --vault-id."),
    Setting(name="vault_encrypt_identity", kind=Kind.TEXT, environment=("ANSIBLE_VAULT_ENCRYPT_IDENTITY",),
            cfg=("defaults.vault_encrypt_identity",), flag="--encrypt-vault-id",
            doc="The vault id to encrypt with, where there are several."),
    Setting(name="vault_id_match", kind=Kind.FLAG, environment=("ANSIBLE_VAULT_ID_MATCH",),
            cfg=("defaults.vault_id_match",), default="false",
            doc="Whether only passwords of the id in the header are tried."),
    Setting(name="ask_vault_pass", kind=Kind.FLAG, environment=("ANSIBLE_ASK_VAULT_PASS",),
            cfg=("defaults.ask_vault_pass",), default="false", flag="--ask-vault-pass",
            doc="Whether the vault password is asked for."),
    Setting(name="roles_path", kind=Kind.FOLDERS, environment=("ANSIBLE_ROLES_PATH",), cfg=("defaults.roles_path",),
            default="~/.ansible/roles:/usr/share/ansible/roles:/etc/ansible/roles",
            doc="Where runbook play looks for roles, after roles/ beside the playbook."),
    Setting(name="diff", kind=Kind.FLAG, environment=("ANSIBLE_DIFF_ALWAYS",), cfg=("diff.always",), flag="--diff",
            default="false", doc="Whether differences are shown without --diff."),
    Setting(name="escalation", kind=Kind.TEXT, default="what the runbook names",
            doc="The policy of runbooks that name none; none: nobody."),
    Setting(name="url", kind=Kind.URL, doc="The address that the links in messages begin with."),
    Setting(name="actor", kind=Kind.TEXT, default="user@machine; under sudo, the person behind it",
            doc="Who does this, for the journal."),
    Setting(name="color", kind=Kind.TEXT, choices=("auto", "always", "never"), flag="--color", default="auto",
            doc="Colours: on a terminal, always, never."),
)  # fmt: skip
"""In the order in which `runbook settings` and the reference show them."""

BY_NAME = {each.name: each for each in SETTINGS}
