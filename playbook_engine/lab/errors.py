"""What can go wrong with the lab itself."""

from __future__ import annotations

from playbook_engine.model.errors import EngineError


class LabError(EngineError):
    """A lab host cannot be made, found, broken or healed; the message names the host."""

    kind = "lab"
