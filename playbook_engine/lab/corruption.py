"""Files of a lab host that are not what they should be. What they were is kept beside the host's record, not on it."""

from __future__ import annotations

import datetime
import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, unquote

from playbook_engine.lab.errors import LabError
from playbook_engine.lab.host import LabHost

CERTIFICATE, KEY = "/etc/trader/tls/cert.pem", "/etc/trader/tls/key.pem"
"""What the ailing host serves (see lab/sick)."""


def corrupt(host: LabHost, arg: str | None) -> str:
    """`PATH` (a glob of one file), or JSON with `path`, and `replace` (a regular expression) `with` a text.

    Without those the second half of the file becomes zeros, as after a power cut.
    """
    path, pattern, text = _told(arg)
    there = _there(host, path)
    path = "/" + str(there.relative_to(host.root()))
    _keep(host, path)
    data = there.read_bytes()
    if pattern is None:
        changed = data[: len(data) // 2] + bytes(len(data) - len(data) // 2)
    else:
        changed = re.sub(pattern.encode(), text.encode().replace(b"\\", b"\\\\"), data, flags=re.M)
        if changed == data:
            raise LabError(f"{host.name}: nothing in {path} matches {pattern!r}")
    _write(there, changed)
    return f"{path} is not what it was: {len(data)} bytes before, {len(changed)} now"


def expire(host: LabHost, arg: str | None) -> str:
    """The certificate that is served has expired a day ago."""
    # Only here: cryptography is slow to import, and the lab's other faults do without.
    from playbook_engine.lab.certificate import self_signed

    now = datetime.datetime.now(datetime.UTC)
    day = datetime.timedelta(days=1)
    cert, key = self_signed(["trader.test", "localhost"], issued=now - 90 * day, expires=now - day)
    for path, data in ((CERTIFICATE, cert), (KEY, key)):
        there = _there(host, path)
        _keep(host, path)
        _write(there, data)
    host.exec(["sh", "-c", "sv restart trader"])
    return f"{CERTIFICATE} expired a day ago"


def restore(host: LabHost, arg: str) -> None:
    """Puts back every file that was kept."""
    for path, kept in _kept(host):
        there = host.root() / path.lstrip("/")
        if there.parent.is_dir():
            _write(there, kept.read_bytes())
        kept.unlink()
    if arg == "":
        host.exec(["sh", "-c", "[ ! -d /etc/service/trader ] || sv restart trader"])


def _told(arg: str | None) -> tuple[str, str | None, str]:
    wanted = "corrupt-file needs a path, such as `corrupt-file /etc/app.conf`"
    if not arg:
        raise LabError(wanted)
    if not arg.startswith("{"):
        return arg, None, ""
    try:
        said = json.loads(arg)
        path, pattern, text = str(said["path"]), said.get("replace"), str(said.get("with") or "")
        re.compile(pattern or "")
    except (ValueError, KeyError, TypeError, re.error) as error:
        raise LabError(f"{wanted}; this is not understood: {error}") from error
    return path, pattern, text


def _there(host: LabHost, path: str) -> Path:
    """The one file of a path or glob. Links are not followed: an absolute one would lead to this machine's files."""
    root = host.root()
    try:
        found = sorted(root.glob(path.lstrip("/")))
    except (ValueError, IndexError) as error:
        raise LabError(f"{path!r} is no path of a file: {error}") from error
    if len(found) != 1:
        raise LabError(f"{host.name} has no file {path}, or several")
    (there,) = found
    parts = there.relative_to(root).parts
    if any(root.joinpath(*parts[: n + 1]).is_symlink() for n in range(len(parts))) or ".." in parts:
        raise LabError(f"{path} leads through a link on {host.name}: name the file itself")
    if not there.is_file():
        raise LabError(f"{path} is no file on {host.name}")
    return there


def _keep(host: LabHost, path: str) -> None:
    """The first time only: what a second fault finds is not what was there."""
    folder = host.folder / "kept"
    folder.mkdir(exist_ok=True)
    kept = folder / quote(path, safe="")
    if not kept.exists():
        shutil.copyfile(host.root() / path.lstrip("/"), kept)


def _kept(host: LabHost) -> Iterator[tuple[str, Path]]:
    folder = host.folder / "kept"
    for kept in sorted(folder.iterdir()) if folder.is_dir() else ():
        yield unquote(kept.name), kept


def _write(there: Path, data: bytes) -> None:
    """In place: mode, owner and whoever has it open stay."""
    handle = os.open(there, os.O_WRONLY | os.O_TRUNC)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
