"""`runbook vault`: what `ansible-vault` does, with its options."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

import click

from playbook_engine.cli.options import make_vault, settings, vault_options

if TYPE_CHECKING:
    from playbook_engine.app.vault_files import Key
    from playbook_engine.inventory.vault import Vault

F = TypeVar("F", bound=Callable[..., object])


@click.group("vault", short_help="Encrypt, decrypt, view and edit files.")
def vault() -> None:
    """Encrypt and decrypt files and values, in the format of ansible-vault. `-` is standard input."""
    os.umask(0o077)


def _encrypting(function: F) -> F:
    return click.option("--encrypt-vault-id", "vault_id", metavar="LABEL", help="Encrypt as this vault id.")(function)


def _output(function: F) -> F:
    return click.option("--output", metavar="FILE", help="Write there, `-` is standard output; else in place.")(
        function
    )


@vault.command()
@click.argument("files", nargs=-1)
@_output
@_encrypting
@vault_options
def encrypt(files: tuple[str, ...], output: str | None, vault_id: str | None) -> None:
    """Encrypt FILES in place; standard input to standard output without any."""
    from playbook_engine.app import vault_files

    names = _names(files, output)
    key = _key(_vault(), vault_id)
    for name in names:
        vault_files.encrypt(name, output, key)
    _said("encrypted", names)


@vault.command()
@click.argument("files", nargs=-1)
@_output
@vault_options
def decrypt(files: tuple[str, ...], output: str | None) -> None:
    """Decrypt FILES in place; standard input to standard output without any."""
    from playbook_engine.app import vault_files

    names, opener = _names(files, output), _vault()
    for name in names:
        vault_files.decrypt(name, output, opener)
    _said("decrypted", names)


@vault.command()
@click.argument("files", nargs=-1, required=True)
@vault_options
def view(files: tuple[str, ...]) -> None:
    """Show what is in encrypted FILES, through $PAGER on a terminal."""
    from playbook_engine.app import vault_files

    opener = _vault()
    for name in files:
        text = vault_files.opened(name, opener).plain.decode("utf-8", "replace")
        if sys.stdout.isatty():
            click.echo_via_pager(text)
        else:
            click.echo(text, nl=not text.endswith("\n"))


@vault.command()
@click.argument("files", nargs=-1, required=True)
@_encrypting
@vault_options
def edit(files: tuple[str, ...], vault_id: str | None) -> None:
    """Open encrypted FILES in $EDITOR and encrypt them again, as the vault id that they have."""
    from playbook_engine.app import vault_files

    opener = _vault()
    for name in files:
        changed = vault_files.edit(name, opener, _editor())
        click.echo(f"{name} was {'changed' if changed else 'left as it was'}", err=True)


@vault.command()
@click.argument("file")
@_encrypting
@click.option("--skip-tty-check", is_flag=True, help="Start the editor without a terminal too.")
@vault_options
def create(file: str, vault_id: str | None, skip_tty_check: bool) -> None:
    """Make a new encrypted FILE in $EDITOR."""
    from playbook_engine.app import vault_files
    from playbook_engine.model.errors import UsageError

    if not (skip_tty_check or sys.stdout.isatty()):
        raise UsageError(
            "there is no terminal for the editor", advice="encrypt a file that is there, or --skip-tty-check"
        )
    vault_files.create(file, _key(_vault(), vault_id), _editor())


@vault.command()
@click.argument("files", nargs=-1, required=True)
@_encrypting
@click.option("--new-vault-id", metavar="LABEL@SOURCE", help="The vault id and password that they get.")
@click.option("--new-vault-password-file", metavar="FILE", help="The password that they get.")
@vault_options
def rekey(
    files: tuple[str, ...], vault_id: str | None, new_vault_id: str | None, new_vault_password_file: str | None
) -> None:
    """Encrypt FILES with another password."""
    from playbook_engine.app import vault_files
    from playbook_engine.inventory.vault_passwords import ASKED, Source, VaultOptions, sources
    from playbook_engine.model.errors import UsageError

    if new_vault_id and new_vault_password_file:
        raise UsageError("--new-vault-id and --new-vault-password-file exclude one another")
    opener = _vault()
    given = VaultOptions(
        ids=(new_vault_id,) if new_vault_id else (),
        password_files=(new_vault_password_file,) if new_vault_password_file else (),
    )
    new = list(sources(given)) or [Source(label="", where=ASKED)]
    if vault_id and not any(source.vault_id == vault_id for source in new):
        new += [source for source in opener.sources if source.vault_id == vault_id]
    key = vault_files.key_for(new, vault_id, opener)
    for name in files:
        vault_files.rekey(name, opener, key)
    _said("rekeyed", files)


@vault.command("encrypt_string")
@click.argument("texts", nargs=-1)
@click.option("-n", "--name", "names", multiple=True, metavar="NAME", help="The variable's name; one for each text.")
@click.option("--stdin-name", metavar="NAME", help="The name of what comes from standard input.")
@click.option("-p", "--prompt", is_flag=True, help="Ask for the name and the text.")
@click.option("--show-input", is_flag=True, help="Show what is typed.")
@_output
@_encrypting
@vault_options
def encrypt_string(
    texts: tuple[str, ...], names: tuple[str, ...], stdin_name: str | None, prompt: bool, show_input: bool,
    output: str | None, vault_id: str | None,
) -> None:  # fmt: skip
    """Encrypt TEXTS as values for YAML. Better from a prompt or standard input: others can see arguments."""
    from playbook_engine.app import vault_files
    from playbook_engine.model.errors import UsageError

    stdin = "-" in texts or stdin_name is not None or not (texts or prompt)
    if prompt and stdin:
        raise UsageError("--prompt asks at the terminal, and does not go with standard input")
    key = _key(_vault(), vault_id)
    found: list[tuple[str | None, bytes, str]] = []
    if prompt:
        name = click.prompt("Variable name (enter for no name)", default="", show_default=False, err=True) or None
        text = click.prompt("String to encrypt", hide_input=not show_input, default="", show_default=False, err=True)
        found.append((name, text.encode("utf-8", "surrogateescape"), "the prompt"))
    if stdin:
        if sys.stdin.isatty():
            click.echo("type the text, and Ctrl-D at its end (twice, if no new line is to be part of it)", err=True)
        found.append((stdin_name, sys.stdin.buffer.read(), "standard input"))
    given = [text for text in texts if text != "-"]
    for number, text in enumerate(given):
        label = names[number] if number < len(names) else None
        found.append((label, text.encode("utf-8", "surrogateescape"), "the command line"))
    if names and len(given) > len(names):
        click.echo("warning: there are fewer names than texts: the last ones get none", err=True)
    for _, data, source in found:
        if not data:
            raise UsageError(f"the text from {source} is empty")
    data = vault_files.encrypted_strings(found, key, lambda line: click.echo(line, err=True))
    vault_files.write(output or "-", data)


def _vault() -> Vault:
    """The vault of the options; on a terminal, somebody is asked where they say nothing."""
    from playbook_engine.inventory.vault import Vault
    from playbook_engine.inventory.vault_passwords import ASKED, Source

    found = make_vault()
    if not found.sources and sys.stdin.isatty():
        return Vault([Source(label="", where=ASKED)], hide=found.hide)
    return found


def _key(opener: Vault, vault_id: str | None) -> Key:
    from playbook_engine.app import vault_files

    wanted = vault_id or settings().vault_encrypt_identity
    return vault_files.key_for(opener.sources, wanted or None, opener)


def _names(files: Sequence[str], output: str | None) -> Sequence[str]:
    from playbook_engine.model.errors import UsageError

    if output and len(files) > 1:
        raise UsageError("--output is for one file", advice="leave it out, and each file is written in its place")
    return files or ("-",)


def _editor() -> str:
    editor = os.environ.get("EDITOR") or os.environ.get("VISUAL") or "vi"
    return editor if shlex.split(editor) else "vi"


def _said(what: str, names: Sequence[str]) -> None:
    if sys.stdout.isatty():
        click.echo(f"{what}: {', '.join(names)}", err=True)
