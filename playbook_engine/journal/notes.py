"""A note in a run's folder, from one process to another: whole or not there."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from playbook_engine.journal.blobs import sync_folder
from playbook_engine.model.errors import JournalError


def leave(path: Path, said: Mapping[str, object]) -> None:
    """Writes it beside and renames it. Raises JournalError when it cannot be written."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_text(json.dumps(said))
        beside.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise JournalError(
            f"nothing can be left for the run in {path.parent}: {error.strerror}",
            advice="whoever wants something of a run needs to share its state folder (RUNBOOK_STATE)",
        ) from error
