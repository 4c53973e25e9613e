"""What a drill tells the run that it watches: a file in the drill's folder, read by `runbook run --drill ID`.

The run is the ordinary command in a process of its own: what is drilled is what will run at night.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from playbook_engine.journal.notes import leave
from playbook_engine.model.errors import NotFound
from playbook_engine.model.frozen import frozen


@frozen
class Orders:
    """`stops`: (host, step) before which the run waits for the drill; an empty host is any. `fail_checks`: (step,
    check) that will not hold; an empty step is any, an empty check all of the step's. `mutant`: what is broken in the
    runbook, by its key (see `mutation`). `policy`: the escalation policy as the drill has rewritten it."""

    drill: str
    stops: tuple[tuple[str, str], ...] = ()
    fail_checks: tuple[tuple[str, str], ...] = ()
    mutant: str = ""
    policy: str = ""
    policy_file: str = ""

    def write(self, folder: Path) -> None:
        """Raises JournalError."""
        leave(folder / "orders", asdict(self))

    @classmethod
    def read(cls, folder: Path) -> Orders:
        """Raises NotFound."""
        try:
            told = json.loads((folder / "orders").read_text())
            told["stops"] = tuple((str(h), str(s)) for h, s in told["stops"])
            told["fail_checks"] = tuple((str(s), str(c)) for s, c in told["fail_checks"])
            return cls(**told)
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise NotFound(f"there is no drill that waits for a run: {folder.name}") from error


def gate_address(drill: str) -> str:
    """The abstract socket (unix(7)) on which the drill listens: no file, gone with its process."""
    return f"\0runbook-drill-{drill}"
