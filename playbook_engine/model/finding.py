"""What lint says of a file: one thing, its place, how bad it is, and what to do."""

from __future__ import annotations

from enum import StrEnum

from playbook_engine.model.errors import LoadError
from playbook_engine.model.frozen import frozen
from playbook_engine.model.source import SourcePos


class Severity(StrEnum):
    """An error keeps the runbook from being used; a warning wants a look; a note is worth knowing."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@frozen
class Finding:
    """`code` is stable: comments in runbooks, and what reads the output of lint, go by it."""

    code: str
    severity: Severity
    message: str
    advice: str = ""
    where: SourcePos | None = None

    def render(self) -> str:
        """The whole text for a terminal, as that of an error."""
        if self.where is None:
            head = self.message
        else:
            kind = "" if self.severity is Severity.ERROR else f"{self.severity}: "
            head = f"{self.where}: {kind}{self.message} [{self.code}]"
        parts = [head]
        if self.where and self.where.snippet():
            parts.append(self.where.snippet())
        if self.advice:
            parts.append(f"  help: {self.advice}")
        return "\n".join(parts)


def of_error(error: LoadError) -> Finding:
    """What keeps a file from loading."""
    return Finding(
        code=error.code, severity=Severity.ERROR, message=error.message, advice=error.advice or "", where=error.where
    )
