"""Digests of content. Loading OpenSSL costs 6 ms of a host's CPU; it is worth that for large files only."""

import sys

LARGE = 4 << 20  # bytes from which OpenSSL's instructions for the processor have paid for loading it
OWN = {
    "sha256": ("_sha256", "_sha2"),
    "sha1": ("_sha1",),
    "md5": ("_md5",),
}  # what Python brings itself; _sha2 since 3.12

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hashlib import _Hash


def start(algorithm: str = "sha256", size: int = LARGE) -> "_Hash":
    """A hash object for about `size` bytes. Raises ValueError for an algorithm that there is not."""
    if size < LARGE and "hashlib" not in sys.modules:
        for name in OWN.get(algorithm, ()):
            try:
                return getattr(__import__(name), algorithm)()
            except ImportError:
                continue
    import hashlib

    return hashlib.new(algorithm)


def of(content: bytes, algorithm: str = "sha256") -> str:
    """The digest of some bytes, in hexadecimal."""
    total = start(algorithm, len(content))
    total.update(content)
    return total.hexdigest()
