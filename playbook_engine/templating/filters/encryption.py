"""Filters between clear text and the text that ansible-vault writes."""

from __future__ import annotations

from collections.abc import Callable

from playbook_engine.model import vault_format
from playbook_engine.model.errors import VaultError
from playbook_engine.model.secret import Secret


def vault(
    data: object, secret: object, salt: str | None = None, vault_id: str = "filter_default", wrap_object: bool = False
) -> str:
    """The text encrypted with the password `secret`. With a `salt` it is the same each time."""
    if wrap_object:
        raise ValueError("vault: wrap_object is not supported; the text is a value of its own")
    salted = None if salt is None else salt.encode()
    try:
        return vault_format.sealed(_bytes(data), _bytes(secret), vault_id, salt=salted).decode("ascii")
    except VaultError as error:
        raise ValueError(error.message) from None


def unvault(vault: object, secret: object, vault_id: str = "filter_default") -> Secret | str:
    """The clear text, which is a secret from then on; text that is not encrypted, as it is."""
    data, password = _bytes(vault), _bytes(secret)
    if not vault_format.is_vault(data):
        return data.decode("utf-8")
    try:
        return Secret(vault_format.opened(vault_format.parse(data), password).decode("utf-8", "surrogateescape"))
    except VaultError as error:
        raise ValueError(error.message) from None


def _bytes(value: object) -> bytes:
    if not isinstance(value, str | bytes):
        raise TypeError(f"a vault wants text, not {type(value).__name__}")
    return value if isinstance(value, bytes) else value.encode("utf-8", "surrogateescape")


FILTERS: dict[str, Callable[..., object]] = {"vault": vault, "unvault": unvault}
