"""Where the passwords of a vault come from: a file, a program, a person. Each is fetched when it is needed, once.

    --vault-id LABEL@SOURCE     SOURCE is a file, an executable file, or `prompt`
    --vault-password-file FILE  the same with the label `default`; --ask-vault-pass asks for that one

A program is run without arguments, and one named `…-client` with `--vault-id LABEL`; what it prints is the password.
Source: ansible-vault(1), and Ansible's documentation "Managing vault passwords".
"""

from __future__ import annotations

import getpass
import os
import subprocess
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from playbook_engine.model.errors import UsageError, VaultError
from playbook_engine.model.frozen import frozen
from playbook_engine.model.vault_format import DEFAULT_ID, is_vault

PROMPT, ASKED = "prompt", "prompt_ask_vault_pass"
LARGEST = 1 << 20  # bytes of a file with a password: a key that nobody types
EXECUTABLE = 0o111

Decrypt = Callable[[bytes, str], bytes]
"""(encrypted, name of the file) -> clear text, with the passwords that came earlier."""


@frozen
class Source:
    """One password to be had. `label` is empty where none was given."""

    label: str
    where: str

    @property
    def vault_id(self) -> str:
        return self.label or DEFAULT_ID

    @property
    def asks(self) -> bool:
        """Whether a person types it."""
        return self.where in (PROMPT, ASKED)

    def __str__(self) -> str:
        return f"{self.vault_id} ({'typed' if self.asks else self.where})"


@frozen
class VaultOptions:
    """What the command line and the settings say of vaults. `listed` are the identities of the settings."""

    ids: tuple[str, ...] = ()
    password_files: tuple[str, ...] = ()
    ask: bool = False
    listed: tuple[str, ...] = ()


def sources(given: VaultOptions) -> tuple[Source, ...]:
    """The passwords of a command, in the order in which they are tried. Raises UsageError.

    Those of the settings' list of identities come first, then --vault-id, then files, then who is asked.
    """
    found = [_source(text) for text in (*given.listed, *given.ids)]
    found += [Source(label=DEFAULT_ID, where=file) for file in given.password_files]
    if given.ask:
        found.append(Source(label=DEFAULT_ID, where=ASKED))
    return tuple(dict.fromkeys(found))


def _source(text: str) -> Source:
    label, at, where = text.partition("@")
    if not at:
        label, where = "", text
    if ";" in label or "\n" in label or not label.isprintable():
        raise UsageError(f"{label!r} is no vault id", advice="a label is a word, without `;`")
    if not where:
        raise UsageError(f"--vault-id {text} says no source", advice="write LABEL@FILE, or LABEL@prompt to be asked")
    return Source(label=label, where=where)


def fetched(source: Source, decrypt: Decrypt, *, new: bool = False) -> bytes:
    """The password. `new`: a person types it twice. Raises VaultError."""
    if source.asks:
        return _typed(source, new=new)
    path = Path(os.path.abspath(os.path.expanduser(source.where)))
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise VaultError(
            f"the vault password file {source.where} cannot be read: {error.strerror}",
            advice="check --vault-id, --vault-password-file and RUNBOOK_VAULT_PASSWORD_FILE",
        ) from None
    if path.is_dir():
        raise VaultError(f"the vault password file {source.where} is a folder")
    password = _printed(path, source) if mode & EXECUTABLE else _written(path, source, decrypt)
    if not password:
        raise VaultError(f"the vault password from {source.where} is empty")
    return password


def _written(path: Path, source: Source, decrypt: Decrypt) -> bytes:
    """White space around it is no part of it, as in Ansible; it may itself be encrypted with an earlier password."""
    try:
        with path.open("rb") as handle:
            password = handle.read(LARGEST).strip()
    except OSError as error:
        raise VaultError(f"the vault password file {source.where} cannot be read: {error.strerror}") from None
    return decrypt(password, source.where).strip(b"\r\n") if is_vault(password) else password


def _printed(path: Path, source: Source) -> bytes:
    """What a program prints. Its standard error and input stay the terminal's: it may ask somebody."""
    argv = [str(path)]
    if path.stem.endswith("-client") and source.label:
        argv += ["--vault-id", source.label]
    try:
        done = subprocess.run(argv, stdout=subprocess.PIPE, check=False)
    except OSError as error:
        raise VaultError(
            f"the vault password program {source.where} cannot be run: {error.strerror}",
            advice="if it is a file with a password and no program, take its executable bit away: chmod -x",
        ) from None
    if done.returncode:
        raise VaultError(
            f"the vault password program {source.where} ended with {done.returncode}",
            advice=f"run it by hand: {' '.join(argv)}",
        )
    return done.stdout.strip(b"\r\n")


def _typed(source: Source, *, new: bool) -> bytes:
    about = "" if source.where == ASKED else f" ({source.vault_id})"
    word = ("New Vault" if source.where == ASKED else "New vault") if new else "Vault"
    password = _ask(f"{word} password{about}: ")
    if not password:
        raise VaultError("the vault password that was typed is empty")
    if new and _ask(f"Confirm {word[0].lower()}{word[1:]} password{about}: ") != password:
        raise VaultError("the two passwords are not the same")
    return password


def _ask(prompt: str) -> bytes:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # without a terminal getpass warns, and reads standard input
            return getpass.getpass(prompt).strip().encode("utf-8", "surrogateescape")
    except (EOFError, OSError):
        raise VaultError(
            "the vault password was to be typed, and nobody is there to do it",
            advice="give --vault-password-file FILE, or set RUNBOOK_VAULT_PASSWORD_FILE",
        ) from None


def ordered(found: Sequence[Source], label: str) -> Iterator[Source]:
    """Those of this label first, then the others: a label is a hint."""
    yield from (source for source in found if source.vault_id == label)
    yield from (source for source in found if source.vault_id != label)
