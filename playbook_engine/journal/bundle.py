"""Journals in one encrypted file, with which a colleague on another machine can go on: key, records and blobs.

The file is a header and a stream of chunks. The header names the version and holds what scrypt (RFC 7914) needs to
make the keys of a passphrase, and a MAC over itself, which tells a wrong passphrase from a damaged file. Each chunk is
sealed with AES-256-GCM; its nonce is its number and whether it is the last one (the STREAM construction), so that
chunks that were changed, moved, left out or cut off do not open. What is sealed: a manifest as JSON, then the files.
"""

from __future__ import annotations

import hmac
import json
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from playbook_engine.journal.blobs import sync_folder
from playbook_engine.model.errors import JournalError
from playbook_engine.model.frozen import frozen

MAGIC = b"runbook handover 1\n"
SALT, PREFIX, MAC, TAG = 16, 7, 16, 16  # bytes
CHUNK = 1 << 16
COST = 17  # scrypt's N as a power of two: 128 MiB and half a second for each guess
DEAREST = 20  # a header that asks for more is no bundle of ours, but an attempt to use up the memory
HEADER = len(MAGIC) + 1 + SALT + PREFIX + MAC
RUN = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]*")
FILE = re.compile(r"journal|key|blobs/[0-9a-f]{64}")
LARGEST = 64 << 20  # bytes of a manifest
AGAIN = "ask for a new one: `runbook handover RUN -o FILE` where it was made"


@frozen
class Manifest:
    """What a bundle holds. `run` is the run it is about; `files` are `RUN/journal`, `RUN/key`, `RUN/blobs/SHA256` with
    their sizes in bytes, of this run and of the rollbacks of it."""

    run: str
    files: tuple[tuple[str, int], ...]
    by: str = ""
    to: str = ""
    reason: str = ""
    at: str = ""

    @property
    def runs(self) -> tuple[str, ...]:
        """Every run in it, the one that it is about last."""
        others = {name.partition("/")[0] for name, _ in self.files} - {self.run}
        return (*sorted(others), self.run)


def pack(out: BinaryIO, root: Path, manifest: Manifest, passphrase: str, *, cost: int = COST) -> None:
    """Writes a bundle of the manifest's files below `root`. Raises JournalError, OSError."""
    seal(out, passphrase, _plain(root, manifest), cost=cost)


def _plain(root: Path, manifest: Manifest) -> Iterator[bytes]:
    told = {name: getattr(manifest, name) for name in Manifest.__dataclass_fields__}
    text = json.dumps(told).encode()
    yield len(text).to_bytes(4, "big") + text
    for name, size in manifest.files:
        with (root / name).open("rb") as handle:
            left = size
            while left:
                piece = handle.read(min(left, CHUNK))
                if not piece:
                    raise JournalError(f"{name} became shorter while it was read: the run goes on", advice="try again")
                left -= len(piece)
                yield piece


def unpack(source: BinaryIO, passphrase: str, root: Path | None) -> Manifest:
    """Reads a bundle to its end and writes its files below `root` (None: only verifies it).

    Files have mode 0600, folders 0700, and are durable. Raises JournalError; OSError when they cannot be written.
    """
    plain = _Reader(unseal(source, passphrase))
    manifest = _manifest(plain.take(min(int.from_bytes(plain.take(4), "big"), LARGEST)))
    for name, size in manifest.files:
        if root is None:
            plain.skip(size)
        else:
            _write(root / name, plain.pieces(size))
    plain.end()
    for folder in sorted({(root / name).parent for name, _ in manifest.files}, reverse=True) if root else ():
        sync_folder(folder)
    return manifest


def _manifest(text: bytes) -> Manifest:
    try:
        told = json.loads(text)
        files = tuple((str(name), int(size)) for name, size in told.pop("files"))
        manifest = Manifest(files=files, **{key: str(value) for key, value in told.items()})
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise JournalError("the bundle's manifest cannot be read: it was made by a newer runbook") from error
    names = [name for name, _ in files]
    for name in names:
        run, _, file = name.partition("/")
        if not RUN.fullmatch(run) or not FILE.fullmatch(file):
            raise JournalError(f"the bundle holds a file that no journal has: {name!r}", advice="do not use it")
    if len(set(names)) != len(names) or any(f"{run}/{part}" not in names for run in manifest.runs for part in _NEEDED):
        raise JournalError("the bundle is not whole: a journal or a key is missing in it", advice=AGAIN)
    return manifest


_NEEDED = ("journal", "key")


def _write(path: Path, pieces: Iterable[bytes]) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(fd, "wb") as handle:
        for piece in pieces:
            handle.write(piece)
        handle.flush()
        os.fsync(handle.fileno())


# ------------------------------------------------------------------ the sealed stream


def seal(out: BinaryIO, passphrase: str, plain: Iterable[bytes], *, cost: int = COST) -> None:
    """Writes the header and the pieces, sealed. Raises OSError."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    salt, prefix = os.urandom(SALT), os.urandom(PREFIX)
    cipher, mark = _keys(passphrase, salt, cost)
    head = MAGIC + bytes([cost]) + salt + prefix
    head += hmac.digest(mark, head, "sha256")[:MAC]
    out.write(head)
    aead, number, waiting = AESGCM(cipher), 0, bytearray()
    for piece in plain:
        waiting += piece
        while len(waiting) > CHUNK:  # the last chunk is never empty, unless there is nothing at all
            out.write(aead.encrypt(_nonce(prefix, number, last=False), bytes(waiting[:CHUNK]), head))
            del waiting[:CHUNK]
            number += 1
    out.write(aead.encrypt(_nonce(prefix, number, last=True), bytes(waiting), head))


def unseal(source: BinaryIO, passphrase: str) -> Iterator[bytes]:
    """The pieces of what was sealed. Raises JournalError where it does not open; what came before is then no use."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    head = source.read(HEADER)
    if not head.startswith(MAGIC[:-2]):
        raise JournalError("this is no handover bundle", advice="`runbook handover RUN -o FILE` makes one")
    if not head.startswith(MAGIC):
        raise JournalError("the bundle was made by another version of runbook", advice="take the version that made it")
    if len(head) < HEADER:
        raise JournalError("the bundle is cut off: not even its beginning is there", advice=AGAIN)
    cost, salt = head[len(MAGIC)], head[len(MAGIC) + 1 :][:SALT]
    prefix, given = head[-MAC - PREFIX : -MAC], head[-MAC:]
    if not 1 <= cost <= DEAREST:
        raise JournalError("the bundle was changed: its beginning makes no sense", advice=AGAIN)
    cipher, mark = _keys(passphrase, salt, cost)
    if not hmac.compare_digest(given, hmac.digest(mark, head[:-MAC], "sha256")[:MAC]):
        raise JournalError(
            "the passphrase is wrong, or the beginning of the bundle was changed",
            advice="it is asked from whoever made the bundle, and on another way than the file",
        )
    aead, number, chunk = AESGCM(cipher), 0, source.read(CHUNK + TAG)
    while True:
        following = source.read(CHUNK + TAG)
        try:
            yield aead.decrypt(_nonce(prefix, number, last=not following), chunk, head)
        except (InvalidTag, ValueError) as error:
            at = HEADER + number * (CHUNK + TAG)
            raise JournalError(
                f"the bundle was cut off or changed, at byte {at} or after it: nothing of it is used", advice=AGAIN
            ) from error
        if not following:
            return
        chunk, number = following, number + 1


def _keys(passphrase: str, salt: bytes, cost: int) -> tuple[bytes, bytes]:
    """The key of the cipher, and that of the header's MAC."""
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    both = Scrypt(salt=salt, length=64, n=1 << cost, r=8, p=1).derive(passphrase.encode("utf-8", "surrogateescape"))
    return both[:32], both[32:]


def _nonce(prefix: bytes, number: int, *, last: bool) -> bytes:
    return prefix + number.to_bytes(4, "big") + bytes([last])


class _Reader:
    """Bytes of a stream of pieces, by count."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._coming = pieces
        self._waiting = b""

    def pieces(self, size: int) -> Iterator[bytes]:
        while size:
            if not self._waiting:
                self._waiting = next(self._coming, b"")
                if not self._waiting:
                    raise JournalError("the bundle is not whole: it ends inside a file", advice=AGAIN)
            piece, self._waiting = self._waiting[:size], self._waiting[size:]
            size -= len(piece)
            yield piece

    def take(self, size: int) -> bytes:
        return b"".join(self.pieces(size))

    def skip(self, size: int) -> None:
        for _ in self.pieces(size):
            pass

    def end(self) -> None:
        if self._waiting or next(self._coming, b""):
            raise JournalError("the bundle holds more than its manifest says", advice="do not use it")
