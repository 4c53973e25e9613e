"""Where things are and how things are done: what `configuration` found, as what a command works with."""

from __future__ import annotations

import getpass
import os
from collections.abc import Mapping
from pathlib import Path

from playbook_engine.app.configuration import Configuration, configured
from playbook_engine.model.frozen import frozen

FORKS = 50  # hosts at the same time


@frozen
class Settings:
    """What does not change during a command."""

    state: Path
    actor: str
    runbook_path: tuple[Path, ...]
    template_path: tuple[Path, ...]
    policy_path: tuple[Path, ...] = ()
    policy: str = ""
    url: str = ""
    lease: float = 60.0
    max_hosts: int | None = None
    connect: str = "early"
    ssh_kex: tuple[str, ...] = ()
    ssh_ciphers: tuple[str, ...] = ()
    transport: str = "ssh"
    forks: int = FORKS
    inventory: tuple[str, ...] = ()
    user: str = ""
    private_key: str = ""
    connect_timeout: int | None = None
    vault_password_file: str = ""
    vault_identity_list: tuple[str, ...] = ()
    vault_encrypt_identity: str = ""
    vault_id_match: bool = False
    ask_vault_pass: bool = False
    roles_path: tuple[str, ...] = ()
    diff: bool = False
    color: str = "auto"

    @classmethod
    def of(cls, environ: Mapping[str, str], folder: Path | None = None) -> Settings:
        """From the environment, and from the files that count in `folder` where one is given. Raises UsageError."""
        return cls.made(configured(environ, folder), environ)

    @classmethod
    def made(cls, found: Configuration, environ: Mapping[str, str]) -> Settings:
        """The values of a configuration, with what the environment says where it says nothing."""
        state = found.text("state")
        if not state:
            base = environ.get("XDG_STATE_HOME") or str(Path("~/.local/state").expanduser())
            state = str(Path(base) / "runbook")
        return cls(
            state=Path(state).absolute(),
            actor=found.text("actor") or _actor(environ),
            runbook_path=(Path("runbooks"), *map(Path, found.words("path")), shipped("runbooks")),
            template_path=(Path("templates"), shipped("templates")),
            policy_path=(Path("escalation"), shipped("escalation")),
            policy=found.text("escalation"),
            url=found.text("url"),
            max_hosts=found.count("max_hosts"),
            forks=found.count("forks") or FORKS,
            connect=found.text("connect") or "early",
            ssh_kex=found.words("ssh_kex"),
            ssh_ciphers=found.words("ssh_ciphers"),
            transport=found.text("transport") or "ssh",
            inventory=found.words("inventory"),
            user=found.text("user"),
            private_key=found.text("private_key"),
            connect_timeout=found.count("connect_timeout"),
            vault_password_file=found.text("vault_password_file"),
            vault_identity_list=found.words("vault_identity_list"),
            vault_encrypt_identity=found.text("vault_encrypt_identity"),
            vault_id_match=found.flag("vault_id_match"),
            ask_vault_pass=found.flag("ask_vault_pass"),
            roles_path=found.words("roles_path"),
            diff=found.flag("diff"),
            color=found.text("color") or "auto",
        )


def _actor(environ: Mapping[str, str]) -> str:
    """Who starts this: through sudo, the person behind it."""
    who = environ.get("SUDO_USER") or ""
    if not who:
        try:
            who = getpass.getuser()
        except (KeyError, OSError):
            who = str(os.getuid())
    return f"{who}@{os.uname().nodename}"


def shipped(name: str) -> Path:
    """The folder inside an installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "shipped" / name
    return inside if inside.is_dir() else package.parent / name
