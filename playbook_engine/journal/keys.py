"""The key of one journal: a random secret beside it (0600), from which the keys of chain and cipher are derived."""

from __future__ import annotations

import hmac
import os
import secrets
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from playbook_engine.model.errors import JournalError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SIZE = 32  # bytes
NONCE = 12  # bytes: SP 800-38D, 8.2.2
_nonces: list[bytes] = []
os.register_at_fork(after_in_child=_nonces.clear)  # or parent and child would use the same ones


@dataclass(frozen=True, slots=True, repr=False)
class JournalKey:
    """`chain` authenticates the order and content of records; `cipher` (AES-256-GCM) hides what may be secret;
    `evidence` authenticates them once more in an evidence bundle, for whoever may verify and nothing else."""

    chain: bytes
    cipher: bytes
    evidence: bytes

    @classmethod
    def of(cls, secret: bytes) -> JournalKey:
        return cls(
            chain=hmac.digest(secret, b"runbook journal chain 1", "sha256"),
            cipher=hmac.digest(secret, b"runbook journal cipher 1", "sha256"),
            evidence=hmac.digest(secret, b"runbook journal evidence 1", "sha256"),
        )

    def seal(self, plain: bytes, label: bytes) -> bytes:
        """Encrypts and authenticates; `label` binds the text to its place."""
        try:
            nonce = _nonces.pop()
        except IndexError:
            # Many at once: each call of urandom lets go of the interpreter's lock.
            fresh = os.urandom(NONCE * 256)
            _nonces.extend(fresh[at : at + NONCE] for at in range(NONCE, len(fresh), NONCE))
            nonce = fresh[:NONCE]
        return nonce + _aead(self.cipher).encrypt(nonce, plain, label)

    def open(self, sealed: bytes, label: bytes) -> bytes:
        """Raises JournalError when the text is not what was sealed under this label."""
        from cryptography.exceptions import InvalidTag

        try:
            return _aead(self.cipher).decrypt(sealed[:NONCE], sealed[NONCE:], label)
        except (InvalidTag, ValueError) as error:
            raise JournalError("a sealed value of the journal does not open: another key, or it was changed") from error


@lru_cache(maxsize=8)
def _aead(key: bytes) -> AESGCM:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key)


def create(path: Path) -> JournalKey:
    """A new key, written durably with mode 0600. Raises OSError."""
    secret = secrets.token_bytes(SIZE)
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(fd, secret.hex().encode() + b"\n")
        os.fsync(fd)
    finally:
        os.close(fd)
    return JournalKey.of(secret)


def load(path: Path) -> JournalKey:
    """Raises JournalError when the key is missing, unreadable, or is none."""
    advice = (
        "without it neither the chain nor the before-images open: restore it from where the journal was copied from"
    )
    try:
        secret = bytes.fromhex(path.read_text("ascii").strip())
    except OSError as error:
        raise JournalError(f"the key of {path.parent.name} cannot be read: {error.strerror}", advice=advice) from error
    except ValueError as error:
        raise JournalError(f"the key of {path.parent.name} is damaged", advice=advice) from error
    if len(secret) != SIZE:
        raise JournalError(f"the key of {path.parent.name} is damaged: it has {len(secret)} bytes", advice=advice)
    return JournalKey.of(secret)
