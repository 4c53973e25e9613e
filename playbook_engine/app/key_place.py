"""Where a key stands in a settings file: neither tomllib nor configparser says it."""

from __future__ import annotations

from pathlib import Path

from playbook_engine.model.source import SourcePos


def place(file: Path, text: str, key: str, section: str = "") -> SourcePos:
    """The line on which a key stands; the first of the file where it is written in a way that is not looked for."""
    inside = ""
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if stripped.startswith("["):
            inside = stripped.strip("[] ")
            if not section and inside.split(".")[0] == key:
                return SourcePos(file=str(file), line=number, text=line)
        word = stripped.replace(":", "=").partition("=")[0].strip().strip("\"'").lower()
        if word == key and inside == section:
            return SourcePos(file=str(file), line=number, column=len(line) - len(line.lstrip()) + 1, text=line)
    return SourcePos(file=str(file), line=1)
