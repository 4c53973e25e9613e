"""The kill switch of a controller: a file `STOP` in the state folder. While it is there nothing begins and runs stop.

A file, because whoever has to throw it at three in the morning may have no more than a shell on the controller, and
because several controllers may share the folder. Its text is the reason.
"""

from __future__ import annotations

import os
from pathlib import Path

from playbook_engine.model.errors import UsageError

NAME = "STOP"
SHOWN = 200  # characters of the reason


class KillSwitch:
    """Asked before every step of every host, so that looking costs one stat(2)."""

    def __init__(self, state: Path) -> None:
        self.path = state / NAME
        self._name = str(self.path)

    def thrown(self) -> str:
        """Why nothing more may begin; empty while the switch is off.

        A switch that cannot be looked at counts as thrown: nobody can say that it is not.
        """
        try:
            os.lstat(self._name)
        except (FileNotFoundError, NotADirectoryError):
            return ""
        except OSError as error:
            return f"the kill switch {self.path} cannot be looked at: {error.strerror}"
        reason = self._reason()
        return f"the kill switch is on ({self.path})" + (f": {reason}" if reason else "")

    def refuse(self) -> None:
        """Lets no run begin while the switch is on. Raises UsageError."""
        why = self.thrown()
        if why:
            raise UsageError(
                f"no run begins: {why}",
                advice=f"when whoever threw it agrees, lift it: rm {self.path}",
            )

    def throw(self, reason: str) -> None:
        """Nothing begins any more, and what runs stops at its next steps. Raises UsageError."""
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.path.write_text(f"{reason}\n")
        except OSError as error:
            raise UsageError(f"the kill switch {self.path} cannot be thrown: {error.strerror}") from error

    def _reason(self) -> str:
        """The first line of the file with text in it."""
        try:
            with self.path.open("rb") as file:
                text = file.read(4096).decode("utf-8", "replace")
        except OSError as error:
            return f"its reason cannot be read: {error.strerror}"
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        return lines[0][:SHOWN] if lines else ""
