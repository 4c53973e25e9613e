"""Files that are named: looked for in folders by their name, or given as a path."""

from __future__ import annotations

import difflib
import os
from collections.abc import Sequence
from pathlib import Path

from playbook_engine.model.errors import LoadError

SUFFIXES = (".yml", ".yaml")


class NamedFiles:
    """The files of one kind. `what` names the kind to people: `drill`, `escalation policy`."""

    def __init__(self, path: Sequence[Path], what: str) -> None:
        self._path = path
        self._what = what

    def names(self) -> list[str]:
        return sorted({f.stem for folder in self._path if folder.is_dir() for f in folder.glob("*.yml")})

    def find(self, name: str) -> Path:
        """Raises LoadError with the name that is near, or the places that were looked at."""
        places = [Path(name)] if "/" in name or name.endswith(SUFFIXES) else []
        places += [folder / f"{name}.yml" for folder in self._path]
        for place in places:
            if os.path.isfile(place):
                return place
        close = difflib.get_close_matches(name, self.names(), 1)
        advice = f"did you mean {close[0]}?" if close else f"looked for {', '.join(str(p) for p in places)}"
        raise LoadError(f"there is no {self._what} {name!r}", advice=advice)
