"""The folder that a case is played in: laid as the case says, and looked at afterwards."""

from __future__ import annotations

import base64
import json
import os
import re
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

BACKUP = re.compile(r"(~|bak|backup|orig|\d{4}-?\d\d-?\d\d)")


def lay(root: Path, files: Iterable[Mapping[str, Any]]) -> None:
    """Makes what lies there before."""
    hard: list[tuple[Path, Path]] = []
    for spec in files:
        path, kind = root / spec["path"], spec.get("type", "file")
        path.parent.mkdir(parents=True, exist_ok=True)
        if kind == "link":
            path.symlink_to(str(spec["target"]).replace("@DIR@", str(root)))
            continue
        if kind == "hard":
            hard.append((path, root / spec["target"]))
            continue
        if kind == "dir":
            path.mkdir(parents=True, exist_ok=True)
        else:
            path.write_bytes(base64.b64decode(spec["b64"]) if "b64" in spec else spec.get("content", "").encode())
        path.chmod(int(spec.get("mode", "0755" if kind == "dir" else "0644"), 8))
        if "age" in spec:
            at = path.stat().st_mtime - spec["age"]
            os.utime(path, (at, at))
    for path, target in hard:
        os.link(target, path)


def seen(root: Path, known: Iterable[str] = ()) -> dict[str, Any]:
    """Everything below, by its path; a backup of a known file goes by a name that says so."""
    before = list(known)
    found: dict[str, Any] = {}
    names: dict[int, list[str]] = {}
    for path in sorted(root.rglob("*")):
        rel, st = str(path.relative_to(root)), path.lstat()
        if stat.S_ISLNK(st.st_mode):
            found[rel] = {"type": "link", "target": os.readlink(path).replace(str(root), "@DIR@")}
            continue
        mode = f"{stat.S_IMODE(st.st_mode):04o}"
        if stat.S_ISDIR(st.st_mode):
            found[rel] = {"type": "dir", "mode": mode}
            continue
        if st.st_nlink > 1:
            names.setdefault(st.st_ino, []).append(rel)
        if rel not in before:
            old = next((o for o in before if rel.startswith(f"{o}.") and BACKUP.search(rel[len(o) :])), None)
            rel = f"{old}.<BACKUP>" if old else rel
        found[rel] = {"type": "file", "mode": mode, **_content(path.read_bytes(), root)}
    for group in names.values():
        for rel in group:
            if rel in found:
                found[rel]["hardlinked_with"] = sorted(set(group) - {rel})
    return found


def content(data: bytes) -> dict[str, str]:
    """Bytes as a case holds them."""
    try:
        return {"content": data.decode("utf-8")}
    except UnicodeDecodeError:
        return {"b64": base64.b64encode(data).decode()}


def _content(data: bytes, root: Path) -> dict[str, str]:
    return {k: v.replace(str(root), "@DIR@") if k == "content" else v for k, v in content(data).items()}


def swapped(value: Any, table: Mapping[str, str]) -> Any:
    """A value with words replaced, in keys too."""
    if isinstance(value, str):
        for old, new in table.items():
            value = value.replace(old, new)
        return value
    if isinstance(value, list):
        return [swapped(each, table) for each in value]
    if isinstance(value, dict):
        return {swapped(k, table): swapped(v, table) for k, v in value.items()}
    return value


def first_object(text: str) -> Any:
    """The first JSON object in a text. Raises ValueError."""
    start = text.find("{")
    if start < 0:
        raise ValueError(f"no JSON object in {text[:200]!r}")
    return json.JSONDecoder().raw_decode(text[start:])[0]
