"""How to log in to hosts, as the command line says it: connection variables that give way to those of the inventory.

Passwords are typed, or read from a file, or printed by a program: an argument would be in every listing of processes.
"""

from __future__ import annotations

import getpass
import os
import subprocess
import sys
import warnings
from pathlib import Path

from playbook_engine.model.errors import UsageError
from playbook_engine.model.frozen import frozen
from playbook_engine.model.secret import Secret


@frozen
class LoginOptions:
    """As they were given; None and "" where they were not."""

    user: str | None = None
    connection: str | None = None
    connect_timeout: int | None = None
    private_key: str | None = None
    common_args: str | None = None
    extra_args: str | None = None
    ask_password: bool = False
    password_file: str | None = None
    become: bool = False
    become_user: str | None = None
    become_method: str | None = None
    ask_become_password: bool = False
    become_password_file: str | None = None


def login_variables(given: LoginOptions) -> dict[str, object]:
    """By the names that an inventory has for them. Asks for passwords that are to be typed. Raises UsageError."""
    if given.ask_password and given.password_file:
        raise UsageError("--ask-pass and --connection-password-file exclude one another")
    if given.ask_become_password and given.become_password_file:
        raise UsageError("--ask-become-pass and --become-password-file exclude one another")
    found: dict[str, object] = {
        "ansible_user": given.user,
        "ansible_connection": given.connection,
        "ansible_ssh_timeout": given.connect_timeout,
        "ansible_private_key_file": given.private_key,
        "ansible_ssh_common_args": given.common_args,
        "ansible_ssh_extra_args": given.extra_args,
        "ansible_become": True if given.become else None,
        "ansible_become_user": given.become_user,
        "ansible_become_method": given.become_method,
    }
    password = _file(given.password_file) if given.password_file else ""
    if given.ask_password:
        password = _typed("SSH password: ")
    become = _file(given.become_password_file) if given.become_password_file else ""
    if given.ask_become_password:
        also = " [the SSH password when empty]" if password else ""
        become = _typed(f"BECOME password{also}: ") or password
    found["ansible_password"] = Secret(password) if password else None
    found["ansible_become_password"] = Secret(become) if become else None
    return {name: value for name, value in found.items() if value is not None}


def _typed(prompt: str) -> str:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # without a terminal getpass warns, and reads standard input
            return getpass.getpass(prompt)
    except (EOFError, OSError):
        raise UsageError(
            "a password was to be typed, and nobody is there to do it",
            advice="give --connection-password-file or --become-password-file, or ansible_password in a vault",
        ) from None


def _file(name: str) -> str:
    """The password in a file, or what it prints where it is executable; `-` is standard input."""
    if name == "-":
        text = sys.stdin.read()
    else:
        path = Path(os.path.abspath(os.path.expanduser(name)))
        try:
            if path.is_file() and path.stat().st_mode & 0o111:
                text = _printed(path)
            else:
                text = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"the password cannot be read from {name}: {error}") from None
    text = text.strip("\r\n")
    if not text:
        raise UsageError(f"{name} holds no password: it is empty")
    return text


def _printed(path: Path) -> str:
    done = subprocess.run([str(path)], stdout=subprocess.PIPE, check=False)
    if done.returncode:
        raise UsageError(f"the password program {path} ended with {done.returncode}", advice="run it by hand")
    return done.stdout.decode("utf-8")
