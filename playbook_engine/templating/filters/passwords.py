"""`password_hash`: hashes of passwords as /etc/shadow has them.

SHA-crypt after Ulrich Drepper, "Unix crypt using SHA-256 and SHA-512" (akkadia.org/drepper/SHA-crypt.txt), since
Python's own `crypt` is gone from 3.13 on; bcrypt by the package of that name.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable

ALPHABET = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
BCRYPT_ALPHABET = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
UNSAID_ROUNDS = 5000
"""So many rounds does a SHA-crypt hash have that names none."""

MIN_ROUNDS, MAX_ROUNDS = 1000, 1_000_000
"""SHA-crypt allows a thousand times more; that many would stop the controller for minutes."""

_SHA_CRYPT = {"sha256": ("5", hashlib.sha256), "sha512": ("6", hashlib.sha512)}
USUAL_ROUNDS = {"sha256": 535_000, "sha512": 656_000}
"""Where nothing else is asked for: what Ansible has, so that the same salt gives the same hash."""

# Which bytes of the digest go into each group of four characters, most significant first (SHA-crypt, step 22).
_ORDER_256 = [(0, 10, 20), (21, 1, 11), (12, 22, 2), (3, 13, 23), (24, 4, 14), (15, 25, 5), (6, 16, 26), (27, 7, 17),
              (18, 28, 8), (9, 19, 29)]  # fmt: skip
_ORDER_512 = [(0, 21, 42), (22, 43, 1), (44, 2, 23), (3, 24, 45), (25, 46, 4), (47, 5, 26), (6, 27, 48), (28, 49, 7),
              (50, 8, 29), (9, 30, 51), (31, 52, 10), (53, 11, 32), (12, 33, 54), (34, 55, 13), (56, 14, 35),
              (15, 36, 57), (37, 58, 16), (59, 17, 38), (18, 39, 60), (40, 61, 19), (62, 20, 41)]  # fmt: skip
_ORDER_MD5 = [(0, 6, 12), (1, 7, 13), (2, 8, 14), (3, 9, 15), (4, 10, 5)]


FULL_NAMES = {"sha512": "sha512_crypt", "sha256": "sha256_crypt", "blowfish": "bcrypt", "md5": "md5_crypt"}
"""Of the algorithms that `password_hash` knows by a short name."""


def password_hash(
    password: object,
    hashtype: str = "sha512",
    salt: str | None = None,
    salt_size: int | None = None,
    rounds: int | None = None,
    ident: str | None = None,
) -> str:
    """The crypt(5) hash of a password. Without a `salt` it is another one each time, and the step always changes."""
    return encrypted(password, FULL_NAMES.get(hashtype, hashtype), salt, salt_size, rounds, ident)


def encrypted(
    password: object,
    algorithm: str,
    salt: str | None = None,
    salt_size: int | None = None,
    rounds: int | None = None,
    ident: str | None = None,
) -> str:
    """The hash by an algorithm's full name: sha512_crypt, sha256_crypt, bcrypt, md5_crypt. Raises ValueError."""
    if not isinstance(password, str):
        raise TypeError(f"a password is text, not {type(password).__name__}")
    secret, kind = password.encode("utf-8"), algorithm.removesuffix("_crypt")
    if algorithm in ("sha256_crypt", "sha512_crypt"):
        return sha_crypt(secret, kind, _salt(salt, salt_size, 16), rounds or USUAL_ROUNDS[kind])
    if algorithm == "md5_crypt":
        return _md5_crypt(secret, _salt(salt, salt_size, 8).encode("ascii"))
    if algorithm == "bcrypt":
        return _bcrypt(secret, salt, rounds or 12, ident or "2b")
    raise ValueError(f"a password is hashed with sha512, sha256, bcrypt or md5, not {algorithm!r}")


def random_salt(algorithm: str) -> str:
    """A salt as long as the algorithm has it; 8 characters for one that is not known."""
    size = {"sha256_crypt": 16, "sha512_crypt": 16, "bcrypt": 22}.get(algorithm, 8)
    return "".join(secrets.choice(ALPHABET) for _ in range(size))


def _salt(salt: str | None, size: int | None, longest: int) -> str:
    if size is not None and not 0 <= size <= longest:
        raise ValueError(f"a salt of this hash has up to {longest} characters")
    if not salt:
        return "".join(secrets.choice(ALPHABET) for _ in range(longest if size is None else size))
    if len(salt) > longest or not re.fullmatch(r"[./0-9A-Za-z]+", salt):
        raise ValueError(f"a salt of this hash is 1 to {longest} of the characters ./0-9A-Za-z")
    return salt


def _bcrypt(secret: bytes, salt: str | None, rounds: int, ident: str) -> str:
    import bcrypt

    if not 4 <= rounds <= 15:
        raise ValueError("the rounds of bcrypt are between 4 and 15 (they are a power of two)")
    if ident not in ("2a", "2b", "2y"):
        raise ValueError(f"the ident of bcrypt is 2a, 2b or 2y, not {ident!r}")
    if not salt:
        made = bcrypt.hashpw(secret, bcrypt.gensalt(rounds)).decode("ascii")
        return f"${ident}{made[3:]}"
    if not re.fullmatch(r"[./0-9A-Za-z]{22}", salt):
        raise ValueError("a salt of bcrypt is 22 of the characters ./0-9A-Za-z")
    # 22 characters hold four bits more than the 16 bytes of a salt: these are nothing.
    salt = salt[:-1] + BCRYPT_ALPHABET[BCRYPT_ALPHABET.index(salt[-1]) & ~0xF]
    made = bcrypt.hashpw(secret, f"$2b${rounds:02d}${salt}".encode()).decode("ascii")
    return f"${ident}{made[3:]}"


def _md5_crypt(secret: bytes, salt: bytes) -> str:
    """`$1$salt$hash`, after Poul-Henning Kamp's crypt of FreeBSD. Weak: for what knows nothing better."""

    def md5(data: bytes = b"") -> hashlib._Hash:
        return hashlib.md5(data, usedforsecurity=False)

    start = md5(secret + b"$1$" + salt + _repeated(md5(secret + salt + secret).digest(), len(secret)))
    length = len(secret)
    while length:
        start.update(b"\0" if length & 1 else secret[:1])
        length >>= 1
    digest = start.digest()
    for turn in range(1000):
        step = md5(secret if turn & 1 else digest)
        step.update((salt if turn % 3 else b"") + (secret if turn % 7 else b""))
        step.update(digest if turn & 1 else secret)
        digest = step.digest()
    text = "".join(_four(digest[a], digest[b], digest[c], 4) for a, b, c in _ORDER_MD5) + _four(0, 0, digest[11], 2)
    return f"$1${salt.decode()}${text}"


def sha_crypt(secret: bytes, kind: str, salt: str, rounds: int | None = None) -> str:
    """`$5$salt$hash` or `$6$salt$hash`. Raises ValueError for too few or too many `rounds`."""
    prefix, new = _SHA_CRYPT[kind]
    count = UNSAID_ROUNDS if rounds is None else rounds
    if not MIN_ROUNDS <= count <= MAX_ROUNDS:
        raise ValueError(f"the rounds of {kind} are between {MIN_ROUNDS} and {MAX_ROUNDS}")
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
    middle = "" if count == UNSAID_ROUNDS else f"rounds={count}$"
    return f"${prefix}${middle}{salt}${text}"


def _repeated(block: bytes, length: int) -> bytes:
    return (block * (length // len(block) + 1))[:length]


def _four(high: int, middle: int, low: int, characters: int) -> str:
    word = high << 16 | middle << 8 | low
    return "".join(ALPHABET[word >> 6 * n & 63] for n in range(characters))


FILTERS: dict[str, Callable[..., object]] = {"password_hash": password_hash}
