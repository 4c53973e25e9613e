"""Every error that a person may meet, drawn as one tree.

    EngineError                      kind, exit code, message, advice, place
    ├── UsageError            5      the command line makes no sense
    ├── LoadError             5      a file that a person wrote does not load; a bundle of them: LoadErrors
    │   ├── TemplateError     5      a template or expression cannot be compiled or rendered
    │   ├── InventoryError    5      an inventory, a pattern, a limit
    │   └── VaultError        5      something encrypted does not open: no password, the wrong one, damage
    ├── JournalError          1      the journal cannot be written or does not verify
    ├── NotFound              1      no such run, step, report
    ├── PlanRefused           1      a saved plan is not carried out: it was changed, is too old, or the hosts moved
    └── HostError                    one host cannot be worked with; the others go on
        ├── Unreachable       4      no route, refused, timed out, name unknown
        ├── AuthFailed        4      the host answered and refused the key or password
        ├── HostKeyError      4      the host's key is unknown or has changed
        ├── LinkLost          4      the connection died in the middle
        ├── BecomeFailed      2      sudo refused, missing, or wants a password
        ├── Locked            2      another run is working at this host
        ├── Interrupted       99     the operator stopped what was going on
        ├── NoPython          2      an action needs Python and the host has none (3.6 or newer)
        └── ProtocolError     2      the far side said something that is no frame

A failing step is a value (`model.outcome`), not an exception; `HostError` becomes one in `engine.driver`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from playbook_engine.model.source import SourcePos


class EngineError(Exception):
    """The root. `advice` says what to do next; `where` is the place in a file, if there is one."""

    kind = "error"
    exit_code = 1

    def __init__(self, message: str, *, advice: str | None = None, where: SourcePos | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice
        self.where = where

    def __str__(self) -> str:
        return f"{self.where}: {self.message}" if self.where else self.message

    def masked(self, redact: Callable[[str], str]) -> None:
        """Takes the secrets out of what it says."""
        self.message = redact(self.message)
        self.advice = redact(self.advice) if self.advice else self.advice
        if self.where and redact(self.where.text) != self.where.text:
            self.where = SourcePos(file=self.where.file, line=self.where.line)

    def render(self) -> str:
        """The whole text for a terminal: place, message, the line with a caret, advice."""
        parts = [str(self)]
        if self.where and self.where.snippet():
            parts.append(self.where.snippet())
        if self.advice:
            parts.append(f"  help: {self.advice}")
        return "\n".join(parts)


class UsageError(EngineError):
    kind = "usage"
    exit_code = 5


class LoadError(EngineError):
    """`code` is the short name under which `runbook lint` tells it: docs/runbook-reference.md lists them."""

    kind = "load"
    exit_code = 5
    code = "invalid"

    def __init__(
        self, message: str, *, advice: str | None = None, where: SourcePos | None = None, code: str = ""
    ) -> None:
        super().__init__(message, advice=advice, where=where)
        self.code = code or self.code


class LoadErrors(LoadError):
    """Several load errors found together; a person wants all of them at once."""

    def __init__(self, errors: Sequence[LoadError]) -> None:
        self.errors = tuple(errors)
        super().__init__(errors[0].message, advice=errors[0].advice, where=errors[0].where)

    def masked(self, redact: Callable[[str], str]) -> None:
        super().masked(redact)
        for error in self.errors:
            error.masked(redact)

    def render(self) -> str:
        return "\n\n".join(e.render() for e in self.errors)


class TemplateError(LoadError):
    kind = "template"
    code = "bad-template"


class InventoryError(LoadError):
    kind = "inventory"
    code = "inventory"


class VaultError(LoadError):
    kind = "vault"
    code = "vault"


class JournalError(EngineError):
    kind = "journal"


class NotFound(EngineError):
    kind = "not-found"


class PlanRefused(EngineError):
    kind = "plan"


class HostError(EngineError):
    """One host cannot be worked with. `exit_code` is what a run made of only this error ends with."""

    kind = "host"
    exit_code = 2


class Unreachable(HostError):
    kind = "unreachable"
    exit_code = 4


class AuthFailed(HostError):
    kind = "auth-failed"
    exit_code = 4


class HostKeyError(HostError):
    kind = "host-key"
    exit_code = 4


class LinkLost(HostError):
    kind = "link-lost"
    exit_code = 4


class BecomeFailed(HostError):
    kind = "become-failed"


class Locked(HostError):
    kind = "locked"


class Interrupted(HostError):
    kind = "interrupted"
    exit_code = 99


class NoPython(HostError):
    kind = "no-python"


class ProtocolError(HostError):
    kind = "protocol"
