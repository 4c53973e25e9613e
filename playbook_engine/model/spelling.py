"""What somebody meant who wrote a word that nobody knows."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

NEAR = 0.6  # of difflib's likeness: below it a suggestion is a guess


def nearest(written: str, known: Iterable[str], but: Iterable[str] = ()) -> list[str]:
    """The known words that may have been meant: all that are one slip of a finger away, else the one that is most like
    it, else none. A word in `but` stands beside it already: it is named only when nothing else is near."""
    there = set(but)
    words = [w for w in dict.fromkeys(map(str, known)) if w != written]
    for chosen in ([w for w in words if w not in there], words):
        slips = [w for w in chosen if one_slip(written, w)]
        if slips:  # of many, such as P0 to P4 for P9, none is more likely than the others
            return difflib.get_close_matches(written, slips, 2, 0.0 if len(slips) < 3 else NEAR)
        if close := difflib.get_close_matches(written, chosen, 1, NEAR):
            return close
    return []


def did_you_mean(words: Iterable[str]) -> str | None:
    """The question for a person; None when there is nothing to ask."""
    text = " or ".join(words)
    return f"did you mean {text}?" if text else None


def one_slip(written: str, meant: str) -> bool:
    """Whether one letter was left out, added, exchanged for another, or swapped with its neighbour."""
    if written == meant or abs(len(written) - len(meant)) > 1:
        return False
    start = next((i for i, (a, b) in enumerate(zip(written, meant, strict=False)) if a != b), len(min(written, meant)))
    start = min(start, len(written), len(meant))
    if len(written) < len(meant):
        return written[start:] == meant[start + 1 :]
    if len(written) > len(meant):
        return written[start + 1 :] == meant[start:]
    if written[start + 1 :] == meant[start + 1 :]:
        return True
    return written[start : start + 2] == meant[start : start + 2][::-1] and written[start + 2 :] == meant[start + 2 :]
