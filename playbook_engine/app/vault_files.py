"""`runbook vault`: files are encrypted, decrypted, rekeyed and edited in place, and never half written.

The new content is written beside the old one, flushed and renamed over it; owner and mode stay. Clear text that an
editor needs lies in a file of ours (0600) in memory where there is a tmpfs, and is overwritten before it is removed.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shlex
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from playbook_engine.inventory.vault import ADVICE, Opened, Vault
from playbook_engine.inventory.vault_passwords import Source, fetched
from playbook_engine.model import vault_format
from playbook_engine.model.errors import UsageError, VaultError
from playbook_engine.model.frozen import frozen
from playbook_engine.model.source import SourcePos

STDIN = "-"
IN_MEMORY = ("/run/user/{uid}", "/dev/shm")
"""Where a tmpfs is, most private first."""


@frozen
class Key:
    """What to encrypt with."""

    vault_id: str
    password: bytes


def key_for(sources: Sequence[Source], wanted: str | None, vault: Vault) -> Key:
    """The password to encrypt with: of the id that is wanted, or the only one. Typed ones are typed twice.

    Raises UsageError where there is none or a choice, VaultError where it is not to be had.
    """
    if not sources:
        raise UsageError("there is no vault password to encrypt with", advice=ADVICE)
    ids = [source.vault_id for source in sources]
    if wanted is None and len(sources) > 1:
        raise UsageError(f"there are several vault ids: {', '.join(ids)}", advice="say which: --encrypt-vault-id LABEL")
    found = next((s for s in sources if wanted is None or s.vault_id == wanted), None)
    if found is None:
        raise UsageError(f"there is no vault id {wanted!r} to encrypt with", advice=f"there are: {', '.join(ids)}")
    if found.asks:
        password = fetched(found, lambda data, name: vault.open(data, SourcePos(file=name, line=1)).plain, new=True)
    else:
        password = vault.password(found) if found in vault.sources else fetched(found, lambda d, n: vault.open(d).plain)
    return Key(vault_id=found.vault_id, password=password)


def read(name: str) -> bytes:
    """The bytes of a file, or of standard input. Raises VaultError."""
    if name == STDIN:
        return sys.stdin.buffer.read()
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise VaultError(f"{name} cannot be read: {error.strerror}") from None


def write(name: str, data: bytes) -> None:
    """To a file, or to standard output. Raises VaultError, and the file is as it was."""
    if name == STDIN:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    try:
        _replace(Path(os.path.realpath(name)), data)
    except OSError as error:
        raise VaultError(f"{name} cannot be written: {error.strerror}") from None


def _replace(path: Path, data: bytes) -> None:
    try:
        before: os.stat_result | None = path.stat()
    except FileNotFoundError:
        before = None
    if before is not None and not stat.S_ISREG(before.st_mode):
        path.write_bytes(data)  # a terminal, a pipe
        return
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as out:
            if before is not None:
                if (before.st_uid, before.st_gid) != (os.geteuid(), os.getegid()):
                    os.fchown(handle, before.st_uid, before.st_gid)
                os.fchmod(handle, stat.S_IMODE(before.st_mode))
            out.write(data)
            out.flush()
            os.fsync(handle)
        os.rename(beside, path)
    except BaseException:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def encrypt(name: str, output: str | None, key: Key) -> None:
    """Raises VaultError."""
    data = read(name)
    try:
        sealed = vault_format.sealed(data, key.password, key.vault_id)
    except VaultError as error:
        raise VaultError(f"{name}: {error.message}", advice=error.advice) from None
    write(output or name, sealed)


def decrypt(name: str, output: str | None, vault: Vault) -> None:
    """Raises VaultError."""
    write(output or name, opened(name, vault).plain)


def opened(name: str, vault: Vault) -> Opened:
    """Raises VaultError."""
    return vault.open(read(name), SourcePos(file="standard input" if name == STDIN else name, line=1))


def rekey(name: str, vault: Vault, key: Key) -> None:
    """Raises VaultError."""
    write(name, vault_format.sealed(opened(name, vault).plain, key.password, key.vault_id))


def edit(name: str, vault: Vault, editor: str) -> bool:
    """Whether something was changed. The id and the password stay. Raises VaultError."""
    found = opened(name, vault)
    changed = edited(found.plain, Path(name).suffix, editor)
    if changed == found.plain:
        return False
    write(name, vault_format.sealed(changed, found.password, found.label))
    return True


def create(name: str, key: Key, editor: str) -> None:
    """Raises VaultError, also where the file is there."""
    if os.path.lexists(name):
        raise VaultError(f"{name} is there already", advice="`runbook vault edit` changes it")
    Path(name).absolute().parent.mkdir(parents=True, exist_ok=True)
    write(name, vault_format.sealed(edited(b"", Path(name).suffix, editor), key.password, key.vault_id))


def edited(data: bytes, suffix: str, editor: str) -> bytes:
    """What somebody made of a text in an editor. Raises VaultError when the editor fails."""
    with _private(data, suffix) as path:
        argv = [*shlex.split(editor), str(path)]
        try:
            code = subprocess.run(argv, check=False).returncode
        except OSError as error:
            raise VaultError(
                f"the editor {argv[0]} cannot be run: {error.strerror}", advice="set EDITOR to one that can"
            ) from None
        if code:
            raise VaultError(f"the editor ended with {code}: nothing was saved", advice="see EDITOR")
        return path.read_bytes()


@contextlib.contextmanager
def _private(data: bytes, suffix: str) -> Iterator[Path]:
    """A file that only we can read, in a folder that only we can enter: editors leave copies beside what they edit."""
    import tempfile

    folder = Path(tempfile.mkdtemp(prefix="runbook-vault-", dir=_memory()))
    path = folder / f"text{suffix}"
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as handle:
            handle.write(data)
        yield path
    finally:
        for each in [p for p in folder.rglob("*") if p.is_file() and not p.is_symlink()]:
            _shred(each)
        import shutil

        shutil.rmtree(folder, ignore_errors=True)


def _memory() -> str | None:
    for place in IN_MEMORY:
        path = place.format(uid=os.getuid())
        if os.path.isdir(path) and os.access(path, os.W_OK | os.X_OK):
            return path
    return None


def _shred(path: Path) -> None:
    with contextlib.suppress(OSError), path.open("r+b") as handle:
        size = handle.seek(0, os.SEEK_END)
        for fill in (os.urandom, bytes):
            handle.seek(0)
            handle.write(fill(size))
            handle.flush()
            os.fsync(handle.fileno())


def block(sealed: bytes, name: str | None) -> str:
    """An encrypted value as it stands in YAML."""
    head = f"{name}: !vault |" if name else "!vault |"
    return "\n".join([head, *(f"          {line}" for line in sealed.decode().splitlines())])


def encrypted_strings(texts: Sequence[tuple[str | None, bytes, str]], key: Key, say: Callable[[str], None]) -> bytes:
    """(name, text, where it came from) of each → YAML. Where there are several, `say` is told which is which."""
    blocks = []
    for number, (name, text, source) in enumerate(texts, 1):
        if len(texts) > 1:
            say(f"# {f'variable {name!r}' if name else 'a string'}: number {number}, from {source}")
        blocks.append(block(vault_format.sealed(text, key.password, key.vault_id), name))
    return ("\n".join(blocks) + "\n").encode()
