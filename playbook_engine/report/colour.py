"""Whether to print in colour: the one place that decides.

A flag wins, then NO_COLOR, FORCE_COLOR and CLICOLOR_FORCE (set, and neither empty nor 0), then the setting; where none
of them says it, there is colour on a terminal that has it: not with CLICOLOR=0, nor with TERM=dumb.
Sources: no-color.org, force-color.org, bixense.com/clicolors.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TextIO

ADDED, REMOVED, PLACE = "32", "31", "36"


def coloured(out: TextIO, environ: Mapping[str, str], *, flag: bool | None = None, setting: str = "auto") -> bool:
    """`setting` is auto, always or never."""
    if flag is not None:
        return flag
    if environ.get("NO_COLOR"):
        return False
    if (environ.get("FORCE_COLOR") or "0") != "0" or (environ.get("CLICOLOR_FORCE") or "0") != "0":
        return True
    if setting != "auto":
        return setting == "always"
    return out.isatty() and environ.get("CLICOLOR") != "0" and environ.get("TERM") != "dumb"


def of_diff(line: str) -> str:
    """The colour of a line of a unified diff; empty for those that are the same on both sides."""
    if line.startswith(("--- ", "+++ ")):
        return "1"
    return {"+": ADDED, "-": REMOVED, "@": PLACE}.get(line[:1], "")
