"""The controller's files that runbooks place on hosts, as they are found: content, mode, or a whole directory."""

from __future__ import annotations

import json
import os
import pwd
import stat
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from playbook_engine.model import folder
from playbook_engine.model.errors import LoadError

Decrypt = Callable[[bytes, Path, str], bytes]
"""(content, file, kind) -> the content in plain. Raises VaultError."""


def found(runbook: str, kind: str, name: str, template_path: Sequence[Path], decrypted: Decrypt) -> bytes:
    """`kind`: file, script and template give a file's content; with `-mode` behind it, its mode as text; `folder` and
    `links` give a directory packed (`model/folder.py`), the latter with its links as links; `template-about` gives what
    a template may say of its own file, as JSON.

    A file lies beside the runbook, or in its `files/` or `templates/`, or in the shipped templates. Raises LoadError
    with the places that were tried.
    """
    kind, _, asis = kind.partition(" ")
    plain = kind.removesuffix("-mode").removesuffix("-about")
    inside = {"template": "templates", "vars": "vars"}.get(plain, "files")
    base = Path(runbook).parent
    places = [base / inside / name, base / name]
    if base.name in ("tasks", "handlers"):  # of a role: its other folders lie beside this one
        places[:0] = [base.parent / inside / name, base.parent / name]
    if plain == "template":
        places += [path / name for path in template_path]
    if Path(name).expanduser().is_absolute():
        places = [Path(name).expanduser()]
    for place in places:
        try:
            if kind in ("folder", "links"):
                return folder.packed(_entries(place, "", follow=kind == "folder", above=()))
            if kind == f"{plain}-about":
                return json.dumps(_about(place)).encode()
            if kind != plain:
                return f"{stat.S_IMODE(place.stat().st_mode):04o}".encode()
            data = place.read_bytes()
            return data if asis else decrypted(data, place, plain)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise LoadError(f"{place}: {error.strerror}") from error
    raise LoadError(f"there is no {plain} {name!r}", advice=f"looked in {', '.join(str(p) for p in places)}")


def _about(place: Path) -> dict[str, object]:
    """Where a file lies, whose it is, when it was changed; on which machine, and when this is asked. Times are seconds
    since 1970."""
    there = place.stat()
    own = {"fullpath": str(place.absolute()), "uid": _owner(there.st_uid), "mtime": there.st_mtime}
    return {**own, "host": os.uname().nodename, "run_date": time.time()}


def _owner(uid: int) -> str | int:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return uid


def _entries(here: Path, base: str, *, follow: bool, above: tuple[Path, ...]) -> list[folder.Entry]:
    """What a directory holds. A link that leads back up stays one."""
    made: list[folder.Entry] = []
    for path in sorted(here.iterdir()):
        name = f"{base}{path.name}"
        if path.is_symlink() and not (follow and path.exists() and path.resolve() not in (*above, here.resolve())):
            made.append([name, "link", "", str(path.readlink())])
            continue
        mode = f"{stat.S_IMODE(path.stat().st_mode):04o}"
        if path.is_dir():
            made.append([name, "directory", mode, ""])
            made += _entries(path, f"{name}/", follow=follow, above=(*above, here.resolve()))
        elif path.is_file():
            made.append([name, "file", mode, path.read_bytes()])
    return made
