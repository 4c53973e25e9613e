"""`fetch`: what a host has sent of a file, written on the controller."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Mapping
from pathlib import Path

from playbook_engine.agent import atomic
from playbook_engine.agent.failure import Failed, of_os_error
from playbook_engine.transport.base import Reply


def kept(reply: Reply, args: Mapping[str, object], host: str, folder: Path) -> Reply:
    """The reply without the content, which is in the file that it names now. `host` is the one that the step is for,
    and `folder` what a relative `dest` is relative to. Of a host's answer only the content counts, not what it says
    of where it is from."""
    source = str(args["src"])
    if not reply.ok:
        if reply.kind == "not-found" and not args.get("fail_on_missing"):
            said = "the remote file does not exist, not transferring, ignored"
            return Reply(ok=True, result={"changed": False, "msg": said, "file": source}, elapsed=reply.elapsed)
        return reply
    content = reply.result.get("content")
    assert isinstance(content, bytes)
    try:
        dest = _place(source, str(args["dest"]), host, folder, flat=bool(args.get("flat")))
        sums = {"md5sum": _md5(content), "checksum": hashlib.sha1(content, usedforsecurity=False).hexdigest()}
        there = dest.read_bytes() if dest.is_file() else None
        if there == content:
            same = {"changed": False, "file": source, "dest": str(dest), **sums}
            return Reply(ok=True, result=same, elapsed=reply.elapsed)
        _write(dest, content)
    except (Failed, OSError) as error:
        failed = of_os_error(error) if isinstance(error, OSError) else error
        return Reply(ok=False, kind=failed.kind, msg=f"on the controller: {failed.msg}", elapsed=reply.elapsed)
    except ValueError as error:
        return Reply(ok=False, kind="argument", msg=str(error), elapsed=reply.elapsed)
    remote = {"remote_md5sum": None, "remote_checksum": sums["checksum"]}
    return Reply(ok=True, result={"changed": True, "dest": str(dest), **sums, **remote}, elapsed=reply.elapsed)


def _place(source: str, dest: str, host: str, folder: Path, *, flat: bool) -> Path:
    """Raises ValueError for a place that is none, or that is outside of the folder that was meant."""
    base = folder / Path(dest).expanduser()
    if flat:
        if dest.endswith(os.sep):
            return base / os.path.basename(source)
        if base.is_dir():
            raise ValueError(f"dest is an existing directory, write {dest}/ to fetch into it")
        return base
    inside = Path(os.path.normpath(f"{base}{os.sep}{host}{os.sep}{source}"))
    if not inside.is_relative_to(os.path.normpath(base / host)):
        raise ValueError(f"{source} leads out of the folder of the host")
    return inside


def _md5(content: bytes) -> str | None:
    try:
        return hashlib.md5(content, usedforsecurity=False).hexdigest()
    except ValueError:  # a system in FIPS mode has none
        return None


def _write(dest: Path, content: bytes) -> None:
    """With the mode that it has, or that a new file gets. Raises Failed, OSError."""
    dest.parent.mkdir(parents=True, exist_ok=True)
    if not dest.exists():
        dest.touch()
    atomic.write(str(dest), content, stat.S_IMODE(dest.stat().st_mode))
