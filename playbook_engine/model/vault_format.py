"""The file format of ansible-vault, 1.1 and 1.2: bytes in, bytes out, one password.

    $ANSIBLE_VAULT;1.1;AES256            or  $ANSIBLE_VAULT;1.2;AES256;LABEL
    6162…                                hexadecimal digits in lines of 80

The digits are those of three lines: the salt, the HMAC, the ciphertext, each in hexadecimal digits again. PBKDF2 with
SHA-256 and 10,000 rounds makes 80 bytes of password and salt: the key of AES-256 in counter mode, the key of an
HMAC-SHA-256 over the ciphertext, the first counter. The clear text is padded by PKCS #7.

Source: Ansible's documentation "Vault format"; checked against ansible-core 2.19.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
import os
from functools import lru_cache

from playbook_engine.model.errors import VaultError
from playbook_engine.model.frozen import frozen

HEADER = "$ANSIBLE_VAULT"
MAGIC = HEADER.encode()
CIPHER = "AES256"
DEFAULT_ID = "default"
ROUNDS = 10_000
SALT, KEY, COUNTER = 32, 32, 16  # bytes
BLOCK = 16  # bytes, of AES and so of the padding
WIDTH = 80  # hexadecimal digits in a line
DAMAGED = "it was cut off or edited by hand: take it from version control again"


@frozen
class Envelope:
    """What stands around a ciphertext. `label` is the vault id that it was encrypted under, as its header says: a hint
    and no more, since nothing protects it."""

    label: str
    salt: bytes
    mac: bytes
    ciphertext: bytes


class WrongPassword(Exception):
    """The HMAC is not this password's. Caught by whoever has another one to try."""


def is_vault(data: bytes | str) -> bool:
    """Whether this is something that ansible-vault wrote: it begins like it, and is ASCII throughout."""
    return data.startswith(HEADER if isinstance(data, str) else MAGIC) and data.isascii()  # type: ignore[arg-type]


def parse(data: bytes) -> Envelope:
    """Raises VaultError."""
    if not is_vault(data):
        raise VaultError(
            "this is not encrypted by ansible-vault", advice=f"the first line has to be {HEADER};1.1;AES256"
        )
    head, *lines = data.splitlines()
    parts = [part.strip() for part in head.decode().split(";")]
    if len(parts) < 3:
        raise VaultError(f"the header {head.decode()!r} is no header of a vault", advice=DAMAGED)
    if parts[2] != CIPHER:
        raise VaultError(
            f"the cipher {parts[2]!r} is not known",
            advice=f"the only one is {CIPHER}; encrypt it anew with ansible-vault",
        )
    try:
        salt, mac, ciphertext = binascii.unhexlify(b"".join(lines)).split(b"\n", 2)
        found = [binascii.unhexlify(part) for part in (salt, mac, ciphertext)]
    except ValueError:
        raise VaultError("the encrypted text is damaged: these are not the digits of a vault", advice=DAMAGED) from None
    label = parts[3] if len(parts) > 3 and parts[3] else DEFAULT_ID
    return Envelope(label=label, salt=found[0], mac=found[1], ciphertext=found[2])


def opened(envelope: Envelope, password: bytes) -> bytes:
    """The clear text. Raises WrongPassword, and VaultError for what only somebody with the password can have made."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    key, mac_key, counter = _keys(password, envelope.salt)
    if not hmac.compare_digest(hmac.new(mac_key, envelope.ciphertext, hashlib.sha256).digest(), envelope.mac):
        raise WrongPassword
    decryptor = Cipher(algorithms.AES(key), modes.CTR(counter)).decryptor()
    padded = decryptor.update(envelope.ciphertext) + decryptor.finalize()
    size = padded[-1] if padded else 0
    if not 1 <= size <= BLOCK or len(padded) % BLOCK or padded[-size:] != bytes([size]) * size:
        raise VaultError("the encrypted text opens, and its padding is wrong", advice=DAMAGED)
    return padded[:-size]


def sealed(plain: bytes, password: bytes, label: str = DEFAULT_ID, *, salt: bytes | None = None) -> bytes:
    """The clear text encrypted: format 1.2 with a label of its own, else 1.1. `salt` is random unless given.

    Raises VaultError for what is encrypted already.
    """
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    if is_vault(plain):
        raise VaultError("this is encrypted already", advice="`runbook vault rekey` gives it another password")
    salt = os.urandom(SALT) if salt is None else salt
    key, mac_key, counter = _keys(password, salt)
    size = BLOCK - len(plain) % BLOCK
    encryptor = Cipher(algorithms.AES(key), modes.CTR(counter)).encryptor()
    ciphertext = encryptor.update(plain + bytes([size]) * size) + encryptor.finalize()
    mac = hmac.new(mac_key, ciphertext, hashlib.sha256).digest()
    digits = binascii.hexlify(b"\n".join(binascii.hexlify(part) for part in (salt, mac, ciphertext)))
    version = f"1.1;{CIPHER}" if label == DEFAULT_ID else f"1.2;{CIPHER};{label}"
    lines = [f"{HEADER};{version}".encode(), *(digits[n : n + WIDTH] for n in range(0, len(digits), WIDTH))]
    return b"\n".join(lines) + b"\n"


@lru_cache(maxsize=1024)
def _keys(password: bytes, salt: bytes) -> tuple[bytes, bytes, bytes]:
    """Dear on purpose (some milliseconds), and asked for again when a file is tried with several passwords."""
    made = hashlib.pbkdf2_hmac("sha256", password, salt, ROUNDS, 2 * KEY + COUNTER)
    return made[:KEY], made[KEY : 2 * KEY], made[2 * KEY :]
