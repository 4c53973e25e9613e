"""`key name=value name="a b"`: the short form of the terms of some lookups."""

from __future__ import annotations

import re

WORD = re.compile(r"""(?:"(?:[^"\\]|\\.)*"|'[^']*'|\S)+""")


def split(text: str) -> tuple[str, dict[str, str]]:
    """The words without `=`, joined by blanks, and the pairs; quotes around a value are no part of it."""
    free: list[str] = []
    pairs: dict[str, str] = {}
    for word in WORD.findall(text):
        name, sign, value = word.partition("=")
        if sign and name:
            pairs[name] = value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'" else value
        else:
            free.append(word)
    return " ".join(free), pairs
