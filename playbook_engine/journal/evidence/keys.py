"""The keys of evidence bundles: with which one is made, and with which somebody else verifies it.

The key of an *installation* (Ed25519, RFC 8032) signs bundles; its public half verifies them and makes none. The key of
a *journal* is derived from the journal's secret: whoever has it can verify and could forge, and can decrypt nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from playbook_engine.model.errors import JournalError, UsageError
from playbook_engine.model.frozen import frozen

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

LINE = re.compile(r"runbook-evidence-key 1 ([a-z]+/[0-9A-Za-z][0-9A-Za-z._-]*) ([0-9a-f]{64})")
PEM = re.compile(r"-----BEGIN ([A-Z ]+)-----\n.*?-----END \1-----\n?", re.DOTALL)
MAKES = "`runbook evidence key --public` prints the installation's, `runbook evidence key RUN` that of a run"


@dataclass(frozen=True, slots=True, repr=False)
class ChainKey:
    """The key of one journal (`runs/ID`) in bundles."""

    journal: str
    secret: bytes

    @property
    def id(self) -> str:
        return "chain:" + hashlib.sha256(b"runbook evidence key\n" + self.secret).hexdigest()[:16]

    def mac(self, text: bytes) -> str:
        """HMAC-SHA256, in hexadecimal."""
        return hmac.digest(self.secret, text, "sha256").hex()

    def line(self) -> str:
        """As it is handed over: secret."""
        return f"runbook-evidence-key 1 {self.journal} {self.secret.hex()}\n"


@frozen(kw_only=False)
class PublicKey:
    """Verifies what an installation signed. `raw`: 32 bytes."""

    raw: bytes

    @property
    def id(self) -> str:
        return "ed25519:" + hashlib.sha256(self.raw).hexdigest()[:16]

    def signed(self, text: bytes, signature: bytes) -> bool:
        """Whether the signature is this installation's, of this text."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, text)
        except (InvalidSignature, ValueError):
            return False
        return True

    def pem(self) -> str:
        """SubjectPublicKeyInfo (RFC 8410), as openssl(1) reads it."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        key = Ed25519PublicKey.from_public_bytes(self.raw)
        return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")


class SigningKey:
    """The key of an installation. It stays in the state folder."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key

    @property
    def public(self) -> PublicKey:
        return PublicKey(self._key.public_key().public_bytes_raw())

    def sign(self, text: bytes) -> bytes:
        """64 bytes; the same text has the same signature."""
        return self._key.sign(text)


def signing_key(path: Path) -> SigningKey:
    """The installation's key; made and written durably (mode 0600) where there is none. Raises JournalError."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        if not path.exists():
            _create(path)
        key = load_pem_private_key(path.read_bytes(), None)
    except OSError as error:
        raise JournalError(
            f"the key that signs evidence cannot be read or made: {path}: {error.strerror}",
            advice="it lies in the state folder; RUNBOOK_STATE says where that is",
        ) from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        key = None
        cause: Exception | None = error
    else:
        cause = None
    if not isinstance(key, Ed25519PrivateKey):
        raise JournalError(
            f"the key that signs evidence is damaged: {path}",
            advice="restore it; a new one (move this one away) is one that nobody has the public half of yet",
        ) from cause
    return SigningKey(key)


def _create(path: Path) -> None:
    """Whole or not at all, and never over one that somebody else makes at this moment. Raises OSError."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    text = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    try:
        os.link(beside, path)
    except FileExistsError:
        pass
    finally:
        beside.unlink()


@frozen
class KeyRing:
    """What somebody verifies with."""

    chains: Mapping[str, ChainKey] = field(default_factory=dict)
    public: tuple[PublicKey, ...] = ()


def key_ring(files: Iterable[Path]) -> KeyRing:
    """The keys in files as `runbook evidence key` writes them; a file may hold several. Raises UsageError."""
    chains: dict[str, ChainKey] = {}
    public: list[PublicKey] = []
    for path in files:
        try:
            text = path.read_text("ascii")
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or "it is no text"
            raise UsageError(f"the key cannot be read: {path}: {why}", advice=MAKES) from error
        before = len(chains) + len(public)
        for block in PEM.finditer(text):
            public.append(_public(path, block[1], block[0]))
        for line in filter(None, map(str.strip, PEM.sub("", text).splitlines())):
            found = LINE.fullmatch(line)
            if found is None:
                raise UsageError(f"{path} holds a line that is no key: {line[:40]!r}", advice=MAKES)
            chains[found[1]] = ChainKey(found[1], bytes.fromhex(found[2]))
        if len(chains) + len(public) == before:
            raise UsageError(f"{path} holds no new key", advice=MAKES)
    return KeyRing(chains=chains, public=tuple(public))


def _public(path: Path, label: str, text: str) -> PublicKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    if "PRIVATE" in label:
        raise UsageError(
            f"{path} holds a private key: it signs, and belongs in its state folder alone",
            advice="verify with the public one: `runbook evidence key --public`",
        )
    try:
        key = load_pem_public_key(text.encode("ascii"))
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise UsageError(f"{path} holds a key that signs no evidence: it is no Ed25519 public key", advice=MAKES)
    return PublicKey(key.public_bytes_raw())
