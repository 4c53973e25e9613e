"""What somebody probably meant to write."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """`did you mean 'web1'?`, or None when nothing is close."""
    close = difflib.get_close_matches(word, list(known), n=2, cutoff=0.6)
    return f"did you mean {' or '.join(map(repr, close))}?" if close else None
