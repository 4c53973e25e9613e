"""SSH keys of the lab: one for the operator, one per host."""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat


def new_pair() -> tuple[bytes, str]:
    """(private key in OpenSSH's format, public key as one line)."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return private, public.decode()


def operator_key(path: Path) -> str:
    """The public key of the lab's operator; the pair is made when it is not there yet."""
    public = path.with_suffix(".pub")
    if not public.exists():
        private, line = new_pair()
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(private)
        public.write_text(f"{line}\n")
    return public.read_text().strip()
