"""Where things are and how things are done: from the environment, overridden by flags."""

from __future__ import annotations

import getpass
import os
from collections.abc import Mapping
from pathlib import Path

from playbook_engine.model.errors import UsageError
from playbook_engine.model.frozen import frozen


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
    vault_id_match: bool = False

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Settings:
        """From the environment (docs/runbook-reference.md, Settings). Raises UsageError."""
        state = environ.get("RUNBOOK_STATE")
        if not state:
            base = environ.get("XDG_STATE_HOME") or str(Path("~/.local/state").expanduser())
            state = str(Path(base) / "runbook")
        extra = [Path(p) for p in environ.get("RUNBOOK_PATH", "").split(os.pathsep) if p]
        return cls(
            state=Path(state).absolute(),
            actor=environ.get("RUNBOOK_ACTOR") or _actor(environ),
            runbook_path=(Path("runbooks"), *extra, _shipped("runbooks")),
            template_path=(Path("templates"), _shipped("templates")),
            policy_path=(Path("escalation"), _shipped("escalation")),
            policy=environ.get("RUNBOOK_ESCALATION", ""),
            url=environ.get("RUNBOOK_URL", ""),
            max_hosts=_count(environ, "RUNBOOK_MAX_HOSTS"),
            connect=_connect(environ),
            ssh_kex=_words(environ.get("RUNBOOK_SSH_KEX", "")),
            ssh_ciphers=_words(environ.get("RUNBOOK_SSH_CIPHERS", "")),
            transport=_transport(environ),
            vault_id_match=_flag(environ, "RUNBOOK_VAULT_ID_MATCH", "ANSIBLE_VAULT_ID_MATCH"),
        )


def _count(environ: Mapping[str, str], name: str) -> int | None:
    """A limit that is no number limits nothing, and nobody would notice: it is refused."""
    text = environ.get(name, "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit()) or int(text) < 1:
        raise UsageError(f"{name} is {text!r}, and has to be a number of hosts", advice=f"unset {name} for no limit")
    return int(text)


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _connect(environ: Mapping[str, str]) -> str:
    word = environ.get("RUNBOOK_CONNECT") or "early"
    if word not in ("early", "late"):
        raise UsageError(f"RUNBOOK_CONNECT is {word!r}, and has to be early or late")
    return word


def _transport(environ: Mapping[str, str]) -> str:
    """What an inventory that says nothing means by a connection."""
    word = environ.get("RUNBOOK_TRANSPORT") or "ssh"
    if word not in ("ssh", "openssh", "local"):
        raise UsageError(f"RUNBOOK_TRANSPORT is {word!r}, and has to be ssh, openssh or local")
    return word


def _flag(environ: Mapping[str, str], *names: str) -> bool:
    """The first setting that is set: our own, else Ansible's."""
    word = next((environ[name] for name in names if environ.get(name)), "")
    return word.strip().lower() in ("1", "true", "yes", "on", "y", "t")


def _actor(environ: Mapping[str, str]) -> str:
    """Who starts this: through sudo, the person behind it."""
    who = environ.get("SUDO_USER") or ""
    if not who:
        try:
            who = getpass.getuser()
        except (KeyError, OSError):
            who = str(os.getuid())
    return f"{who}@{os.uname().nodename}"


def _shipped(name: str) -> Path:
    """The folder inside an installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "shipped" / name
    return inside if inside.is_dir() else package.parent / name
