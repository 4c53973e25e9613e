"""Whether what is below some paths of a lab host is as it was: names, kinds, modes, owners, targets, content."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from playbook_engine.lab.host import LabHost

Likeness = dict[str, str]


def likeness(host: LabHost, paths: Sequence[str]) -> Likeness:
    """By path on the host. Read past SSH, from its disk as this machine sees it."""
    root = host.root()
    return {
        "/" + str(path.relative_to(root)): _described(path)
        for top in paths
        for path in _below(root / top.strip("/"))
    }  # fmt: skip


def _below(top: Path) -> Iterator[Path]:
    if not os.path.lexists(top):
        return
    yield top
    if top.is_dir() and not top.is_symlink():
        for folder, folders, files in os.walk(top):
            yield from (Path(folder) / name for name in sorted((*folders, *files)))


def _described(path: Path) -> str:
    info = path.lstat()
    said = f"{stat.filemode(info.st_mode)} {info.st_uid}:{info.st_gid}"
    if stat.S_ISLNK(info.st_mode):
        return f"{said} → {os.readlink(path)}"
    if stat.S_ISREG(info.st_mode):
        return f"{said} {hashlib.sha256(path.read_bytes()).hexdigest()[:16]}"
    return said


def moved(before: Likeness, now: Likeness) -> list[str]:
    """What has come, gone or changed."""
    found = [f"{path} has gone" for path in before if path not in now]
    found += [f"{path} has come" for path in now if path not in before]
    return [*found, *(f"{path} is not as it was" for path, said in before.items() if now.get(path, said) != said)]
