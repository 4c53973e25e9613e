"""A short name for what a step found: equal digests mean the same arguments on the same state.

States are equal by the definition of a rollback's proof, so that a log rotated or a service restarted in between does
not make a plan stale.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping

from playbook_engine.catalog import catalog
from playbook_engine.model.secret import Secret

IGNORED = frozenset(
    {"content", "size", "mtime", "atime", "ctime", "inode", "pid", "since", "restarts", "uptime", "parents"}
)
"""Keys of any state that a rollback does not restore, or that follow from others; docs/reliability.md lists them."""


def digest(action: str, args: Mapping[str, object], state: Mapping[str, object]) -> str:
    """The arguments as the host gets them and the state as it was observed, as one SHA-256."""
    total = hashlib.sha256()
    _feed(total, args, ())
    _feed(total, state, volatile(action))
    return total.hexdigest()


def volatile(action: str) -> Collection[str]:
    """The keys of an action's states that a comparison leaves out, at any depth."""
    return (*getattr(catalog.module(action), "VOLATILE", ()), *IGNORED)


def _feed(total: hashlib._Hash, value: object, leave_out: Collection[str]) -> None:
    """Unambiguous: every value goes in with its kind and its length."""
    if isinstance(value, Mapping):
        kept = {str(k): v for k, v in value.items() if k not in leave_out and not (leave_out and str(k)[:1] == "_")}
        total.update(b"m%d;" % len(kept))
        for key in sorted(kept):
            _feed(total, key, leave_out)
            _feed(total, kept[key], leave_out)
    elif isinstance(value, (list, tuple)):
        total.update(b"l%d;" % len(value))
        for item in value:
            _feed(total, item, leave_out)
    else:
        if isinstance(value, Secret):
            value = value.reveal()
        kind = b"b" if isinstance(value, (bytes, bytearray)) else b"s" if isinstance(value, str) else b"v"
        data = bytes(value) if isinstance(value, (bytes, bytearray)) else str(value).encode("utf-8", "surrogatepass")
        total.update(b"%s%d;" % (kind, len(data)) + data)
