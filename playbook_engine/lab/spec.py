"""What a lab host should be like, said before it exists."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from pathlib import Path

from playbook_engine.lab.errors import LabError
from playbook_engine.model.frozen import frozen

SYSTEM_PYTHON = "system"
NO_PYTHON = "none"

_SUFFIX = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")


class Init(StrEnum):
    """What runs as pid 1. Under `sh` nothing is supervised: a killed sshd stays dead."""

    RUNIT = "runit"
    SH = "sh"


@frozen
class Bind:
    """A directory of the controller, seen read-only on the host."""

    source: Path
    target: str

    @classmethod
    def parse(cls, text: str) -> Bind:
        source, equals, target = text.partition("=")
        if not equals or not target.startswith("/"):
            raise LabError(f"--bind {text}: expected SOURCE=TARGET, TARGET being an absolute path on the host")
        path = Path(source).expanduser().resolve()
        if not path.is_dir():
            raise LabError(f"--bind {text}: {path} is not a directory on this machine")
        if re.search(r"\s", f"{path}{target}"):
            raise LabError(f"--bind {text}: white space in a path is not supported")
        return cls(source=path, target=target)


@frozen
class PlacedFile:
    """Something that is on the host's disk before its first boot: a file, a directory, or (`link`) a symbolic link.

    Parent directories that are not placed themselves belong to root.
    """

    path: str
    content: bytes = b""
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    directory: bool = False
    link: str | None = None


@frozen
class HostSpec:
    """One host to make.

    `name` may be left out: the lab picks the next `labN`. `python` is `system`, `none`, or the prefix of an
    installed Python (`/usr/local/python3.6`). Without `tmp` there is no /tmp at all. `aliases` are names by which the
    host finds itself; `groups` and `variables` go into the lab's inventory.
    """

    name: str | None = None
    size_bytes: int = 128 << 20
    inodes: int = 50 << 10
    python: str = SYSTEM_PYTHON
    init: Init = Init.RUNIT
    readonly: bool = False
    tmp: bool = True
    tmp_noexec: bool = False
    sudo: bool = True
    binds: tuple[Bind, ...] = ()
    files: tuple[PlacedFile, ...] = ()
    aliases: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.name is not None and not _NAME.fullmatch(self.name):
            raise LabError(
                f"{self.name!r} cannot name a lab host",
                advice="lower-case letters, digits and '-', beginning with a letter, at most 32 characters",
            )
        if self.tmp_noexec and not self.tmp:
            raise LabError("a host without /tmp cannot have it noexec", advice="choose one of the two")
        if self.python in (SYSTEM_PYTHON, NO_PYTHON):
            return
        prefix = Path(self.python)
        if not prefix.is_absolute() or not any((prefix / "bin" / p).exists() for p in ("python3", "python2")):
            raise LabError(
                f"--python {self.python}: no bin/python3 below it",
                advice="give `system`, `none`, or the absolute prefix of an installed Python",
            )
        if prefix.is_relative_to("/usr") and not prefix.is_relative_to("/usr/local"):
            raise LabError(f"--python {self.python}: /usr is already on the host; use `system`")


def parse_amount(text: str) -> int:
    """`128m`, `3g`, `200k`, `1000`: a number with a binary suffix."""
    match = re.fullmatch(r"(\d+)([kmg]?)(?:i?b)?", text.strip().lower())
    if not match:
        raise LabError(f"{text!r} is not an amount", advice="write for example 128m, 3g or 200k")
    return int(match[1]) * _SUFFIX[match[2]]
