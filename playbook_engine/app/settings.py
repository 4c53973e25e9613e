"""Where things are and how things are done: from the environment, overridden by flags."""

from __future__ import annotations

import getpass
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What does not change during a command."""

    state: Path
    actor: str
    runbook_path: tuple[Path, ...]
    template_path: tuple[Path, ...]
    lease: float = 60.0

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Settings:
        """From the environment (docs/runbook-reference.md, Settings)."""
        state = environ.get("RUNBOOK_STATE")
        if not state:
            base = environ.get("XDG_STATE_HOME") or str(Path("~/.local/state").expanduser())
            state = str(Path(base) / "runbook")
        extra = [Path(p) for p in environ.get("RUNBOOK_PATH", "").split(os.pathsep) if p]
        return cls(
            state=Path(state).absolute(),
            actor=environ.get("RUNBOOK_ACTOR") or _actor(environ),
            runbook_path=(Path("runbooks"), *extra, _shipped("runbooks")),
            template_path=(Path("templates"), _shipped("templates")),
        )


def _actor(environ: Mapping[str, str]) -> str:
    """Who starts this: through sudo, the person behind it."""
    who = environ.get("SUDO_USER") or ""
    if not who:
        try:
            who = getpass.getuser()
        except (KeyError, OSError):
            who = str(os.getuid())
    return f"{who}@{os.uname().nodename}"


def _shipped(name: str) -> Path:
    """The folder inside an installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "shipped" / name
    return inside if inside.is_dir() else package.parent / name
