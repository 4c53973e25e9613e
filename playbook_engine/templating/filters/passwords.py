"""`password_hash`, and the random text of the lookup `password`.

SHA-crypt after Ulrich Drepper, "Unix crypt using SHA-256 and SHA-512" (akkadia.org/drepper/SHA-crypt.txt), since
Python's own `crypt` is gone from 3.13 on; bcrypt by the package of that name.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import string
from collections.abc import Callable

ALPHABET = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
BCRYPT_ALPHABET = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
DEFAULT_ROUNDS = 5000
MAX_ROUNDS = 1_000_000
"""SHA-crypt allows a thousand times more; that many would stop the controller for minutes."""

_SHA_CRYPT = {"sha256": ("5", hashlib.sha256), "sha512": ("6", hashlib.sha512)}

# Which bytes of the digest go into each group of four characters, most significant first (SHA-crypt, step 22).
_ORDER_256 = [(0, 10, 20), (21, 1, 11), (12, 22, 2), (3, 13, 23), (24, 4, 14), (15, 25, 5), (6, 16, 26), (27, 7, 17),
              (18, 28, 8), (9, 19, 29)]  # fmt: skip
_ORDER_512 = [(0, 21, 42), (22, 43, 1), (44, 2, 23), (3, 24, 45), (25, 46, 4), (47, 5, 26), (6, 27, 48), (28, 49, 7),
              (50, 8, 29), (9, 30, 51), (31, 52, 10), (53, 11, 32), (12, 33, 54), (34, 55, 13), (56, 14, 35),
              (15, 36, 57), (37, 58, 16), (59, 17, 38), (18, 39, 60), (40, 61, 19), (62, 20, 41)]  # fmt: skip


def password_hash(
    password: object,
    hashtype: str = "sha512",
    salt: str | None = None,
    salt_size: int | None = None,
    rounds: int | None = None,
    ident: str | None = None,
) -> str:
    """The crypt(5) hash of a password. Without a `salt` it is another one each time, and the step always changes."""
    kind = hashtype.removesuffix("_crypt")
    secret = str(password).encode("utf-8")
    if kind in _SHA_CRYPT:
        return sha_crypt(secret, kind, _salt(salt, salt_size or 16), rounds)
    if kind in ("blowfish", "bcrypt"):
        return _bcrypt(secret, salt, rounds or 12, ident or "2b")
    raise ValueError(f"password_hash knows sha512, sha256 and bcrypt, not {hashtype!r}")


def _salt(salt: str | None, size: int) -> str:
    if salt is None:
        return "".join(secrets.choice(ALPHABET) for _ in range(min(size, 16)))
    if not re.fullmatch(r"[./0-9A-Za-z]{1,16}", salt):
        raise ValueError("a salt is 1 to 16 of the characters ./0-9A-Za-z")
    return salt


def _bcrypt(secret: bytes, salt: str | None, rounds: int, ident: str) -> str:
    import bcrypt

    if not 4 <= rounds <= 15:
        raise ValueError("the rounds of bcrypt are between 4 and 15 (they are a power of two)")
    if ident not in ("2a", "2b"):
        raise ValueError(f"the ident of bcrypt is 2a or 2b, not {ident!r}")
    if salt is None:
        return bcrypt.hashpw(secret, bcrypt.gensalt(rounds, ident.encode())).decode("ascii")
    if not re.fullmatch(r"[./0-9A-Za-z]{22}", salt):
        raise ValueError("a salt of bcrypt is 22 of the characters ./0-9A-Za-z")
    return bcrypt.hashpw(secret, f"${ident}${rounds:02d}${salt}".encode()).decode("ascii")


def sha_crypt(secret: bytes, kind: str, salt: str, rounds: int | None = None) -> str:
    """`$5$salt$hash` or `$6$salt$hash`. `rounds` are kept within 1,000 and MAX_ROUNDS."""
    prefix, new = _SHA_CRYPT[kind]
    count = DEFAULT_ROUNDS if rounds is None else max(1000, min(rounds, MAX_ROUNDS))
    raw_salt = salt.encode("ascii")
    size = new().digest_size

    other = new(secret + raw_salt + secret).digest()
    start = new(secret + raw_salt + _repeated(other, len(secret)))
    length = len(secret)
    while length:
        start.update(other if length & 1 else secret)
        length >>= 1
    digest = start.digest()

    p = _repeated(new(secret * len(secret)).digest(), len(secret))
    s = _repeated(new(raw_salt * (16 + digest[0])).digest(), len(raw_salt))
    for turn in range(count):
        step = new(p if turn & 1 else digest)
        if turn % 3:
            step.update(s)
        if turn % 7:
            step.update(p)
        step.update(digest if turn & 1 else p)
        digest = step.digest()

    if size == 32:
        text = "".join(_four(digest[a], digest[b], digest[c], 4) for a, b, c in _ORDER_256)
        text += _four(0, digest[31], digest[30], 3)
    else:
        text = "".join(_four(digest[a], digest[b], digest[c], 4) for a, b, c in _ORDER_512)
        text += _four(0, 0, digest[63], 2)
    middle = "" if rounds is None or count == DEFAULT_ROUNDS else f"rounds={count}$"
    return f"${prefix}${middle}{salt}${text}"


def _repeated(block: bytes, length: int) -> bytes:
    return (block * (length // len(block) + 1))[:length]


def _four(high: int, middle: int, low: int, characters: int) -> str:
    word = high << 16 | middle << 8 | low
    return "".join(ALPHABET[word >> 6 * n & 63] for n in range(characters))


SETS = {"ascii_letters": string.ascii_letters, "digits": string.digits, "hexdigits": string.hexdigits,
        "ascii_lowercase": string.ascii_lowercase, "ascii_uppercase": string.ascii_uppercase,
        "punctuation": string.punctuation, "octdigits": string.octdigits, "printable": string.printable,
        "whitespace": string.whitespace}  # fmt: skip


def random_password(length: int, sets: list[str]) -> str:
    """Random text of the named sets of characters (`digits`), or of the characters given."""
    known = characters(sets)
    if not known or not 1 <= length <= 4096:
        raise ValueError("a random password needs characters to choose from and a length of 1 to 4096")
    return "".join(secrets.choice(known) for _ in range(length))


def characters(sets: list[str]) -> str:
    """Those of the sets that are named, and those that are written."""
    return "".join(SETS.get(name, name) for name in sets).replace("'", "").replace('"', "")


FILTERS: dict[str, Callable[..., object]] = {"password_hash": password_hash}
