"""A value that somebody encrypted with ansible-vault and that nobody has needed yet."""

from __future__ import annotations

from playbook_engine.model.frozen import frozen
from playbook_engine.model.source import SourcePos


@frozen
class Vaulted:
    """The text of a `!vault` value, as it stands in the file, and its place. It holds no clear text, so it may be
    shown and kept; whoever uses the value gets a `Secret` of it."""

    ciphertext: str
    where: SourcePos | None = None

    def __str__(self) -> str:
        return self.ciphertext
