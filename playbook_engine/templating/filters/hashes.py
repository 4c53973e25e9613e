"""Filters that digest: checksums, UUIDs, password hashes."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable

ANSIBLE_NAMESPACE = "361E6D51-FAEC-444A-9079-341386DA8E2E"
"""The namespace of Ansible's `to_uuid`, so that the same name gives the same UUID in both."""


def digest(value: object, hashtype: str = "sha1") -> str:
    try:
        hasher = hashlib.new(hashtype, usedforsecurity=False)
    except ValueError:
        raise ValueError(f"there is no hash {hashtype!r}") from None
    hasher.update(value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogateescape"))
    return hasher.hexdigest()


def md5(value: object) -> str:
    return digest(value, "md5")


def sha1(value: object) -> str:
    return digest(value, "sha1")


def to_uuid(value: object, namespace: str = ANSIBLE_NAMESPACE) -> str:
    return str(uuid.uuid5(uuid.UUID(str(namespace)), str(value)))


FILTERS: dict[str, Callable[..., object]] = {
    "hash": digest,
    "checksum": sha1,
    "md5": md5,
    "sha1": sha1,
    "to_uuid": to_uuid,
}
