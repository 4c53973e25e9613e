"""Where runbooks are: a name, or a path, as a file."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path

from playbook_engine.model.errors import LoadError

SUFFIXES = ("", ".yml", ".yaml")


def find(name: str, path: Sequence[Path], beside: Path | None = None) -> Path:
    """The file of a runbook's name or path. Raises LoadError with the names that are near."""
    given = Path(name)
    places = [beside, *path] if beside else [*path]
    if given.is_absolute() or name.startswith((".", "~")) or "/" in name:
        places = [beside or Path()]
    for folder in places:
        for suffix in SUFFIXES:
            for candidate in (folder / f"{given.expanduser()}{suffix}", folder / name / f"{given.name}.yml"):
                if _is_file(candidate):
                    return candidate
    if _is_file(given):
        return given
    near = [f.stem for folder in ([beside] if beside else []) for f in folder.glob("*.yml")]
    close = difflib.get_close_matches(name, [*near, *names(path)], 1)
    advice = f"did you mean {close[0]}?" if close else f"looked in {', '.join(str(p) for p in places)}"
    shown = name if len(name) <= 100 else f"{name[:99]}…"
    raise LoadError(f"there is no runbook {shown!r}", advice=advice)


def names(path: Sequence[Path]) -> list[str]:
    """The runbooks in the folders of a path."""
    return sorted({f.stem for folder in path if folder.is_dir() for f in folder.glob("*.yml")})


def titles(path: Sequence[Path]) -> dict[str, str]:
    """The runbooks by name with their titles; of one that does not load, that."""
    from playbook_engine.loading.yaml_source import read_yaml

    found: dict[str, str] = {}
    for name in names(path):
        try:
            value = read_yaml(find(name, path)).value
        except LoadError as error:
            found[name] = f"does not load: {error.message}"
        else:
            title = value.get("title") if isinstance(value, Mapping) else None
            found[name] = str(title) if title else ""
    return found


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name too long, or with a NUL: no file can be called so
        return False
