"""Secrets never reach a disk or a terminal: every form of a known secret value is replaced by stars.

Applied where text leaves the engine (journal lines, terminal, reports), so that no path needs to remember it.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import shlex
import threading
from urllib.parse import quote, quote_plus

STARS = "********"
SHORTEST = 4  # shorter values would blank out ordinary words; an author who needs them has `no_log`


class Redactor:
    """A registry of secret values. Safe to use from many threads."""

    def __init__(self) -> None:
        self._values: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self._lock = threading.Lock()

    def add(self, value: str) -> None:
        """From now on every form of this value is masked."""
        if len(value) < SHORTEST:
            return
        with self._lock:
            if value in self._values:
                return
            self._values.add(value)
            forms = sorted({f for v in self._values for f in _forms(v)}, key=len, reverse=True)
            self._pattern = re.compile("|".join(re.escape(f) for f in forms))

    def text(self, text: str) -> str:
        """The text with stars for secrets."""
        pattern = self._pattern
        return pattern.sub(STARS, text) if pattern else text

    def value(self, value: object) -> object:
        """The same for whatever is inside a structure."""
        if self._pattern is None:
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(k) if isinstance(k, str) else k: self.value(v) for k, v in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.value(v) for v in value]
        return value


def _forms(value: str) -> set[str]:
    """The value as it may come back: raw, JSON, shell-quoted, URL, hex, base64 at each of the three alignments."""
    raw = value.encode("utf-8", "surrogateescape")
    forms = {value, quote(raw), quote(raw, safe=""), quote_plus(raw), shlex.quote(value)}
    forms |= {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], repr(value)[1:-1]}
    forms |= {binascii.hexlify(raw).decode(), binascii.hexlify(raw).decode().upper()}
    for shift in range(3):
        # Inside a longer base64 text only the middle of the value's own characters is fixed.
        padded = base64.b64encode(b"\0" * shift + raw).decode().rstrip("=")
        start = (0, 2, 3)[shift]
        stop = len(padded) - (1 if (len(raw) + shift) % 3 else 0)
        middle = padded[start:stop]
        if len(middle) >= SHORTEST:
            forms |= {middle, middle.replace("+", "-").replace("/", "_")}
    forms |= {json.dumps(f)[1:-1] for f in forms}
    return {f for f in forms if len(f) >= SHORTEST}
