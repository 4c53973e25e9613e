"""Filters on paths. They work on text; only `realpath`, `expanduser`, `expandvars` and `fileglob` ask this machine."""

from __future__ import annotations

import glob
import ntpath
import os.path
from collections.abc import Callable


def path_join(parts: str | list[str]) -> str:
    return parts if isinstance(parts, str) else os.path.join(*parts)


def commonpath(parts: str | list[str]) -> str:
    if isinstance(parts, str):
        raise TypeError("commonpath wants a list of paths")
    return os.path.commonpath(parts)


def relpath(path: str, start: str = os.curdir) -> str:
    return os.path.relpath(path, start)


def splitext(path: str) -> list[str]:
    return list(os.path.splitext(path))


def win_splitdrive(path: str) -> list[str]:
    return list(ntpath.splitdrive(path))


def fileglob(pattern: str) -> list[str]:
    return [found for found in glob.glob(pattern) if os.path.isfile(found)]


FILTERS: dict[str, Callable[..., object]] = {
    "basename": os.path.basename,
    "dirname": os.path.dirname,
    "expanduser": os.path.expanduser,
    "expandvars": os.path.expandvars,
    "normpath": os.path.normpath,
    "realpath": os.path.realpath,
    "relpath": relpath,
    "splitext": splitext,
    "path_join": path_join,
    "commonpath": commonpath,
    "win_basename": ntpath.basename,
    "win_dirname": ntpath.dirname,
    "win_splitdrive": win_splitdrive,
    "fileglob": fileglob,
}
