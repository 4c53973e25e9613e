"""Secrets never reach a disk or a terminal: every form of a known secret value is replaced by stars.

Applied where text leaves the engine (journal lines, terminal, reports), so that no path needs to remember it. What it
cannot know: a secret that nobody declared, and one that was cut in two before it came here.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import shlex
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from urllib.parse import quote, quote_plus

from playbook_engine.model.frozen import frozen

STARS = "********"
SHORTEST = 4  # shorter values would blank out ordinary words; an author who needs them has `no_log`
LINE = 8  # the same for the lines of a secret that has several: `}` alone is nothing to hide
FRAME = frozenset(
    {"result", "measured", "name", "value", "op", "threshold", "unit", "holds", "path", "subject", "aspect", "before",
     "after", "now", "diff", "hidden", "msg", "rc", "stdout", "stderr", "cmd", "state"}
)  # fmt: skip
"""Keys that the engine itself writes into evidence: views look for them, whatever somebody's password is."""
WRAPPED = re.compile(r"(?:[A-Za-z0-9+/=_-]{40,}[ \t]*(?:\r?\n|\\n)[ \t]*)+[A-Za-z0-9+/=_-]*")
"""Lines of base64 or hexadecimal digits, as base64(1) and xxd(1) wrap them."""


class Redactor:
    """A registry of secret values. Safe to use from many threads."""

    def __init__(self) -> None:
        self._values: dict[str, None] = {}
        self._new: list[str] = []
        self._groups: tuple[_Group, ...] = ()
        self._lock = threading.Lock()

    def add(self, value: str) -> None:
        """From now on every form of this value is masked."""
        if len(value.strip()) < SHORTEST:
            return
        with self._lock:
            if value not in self._values:
                self._values[value] = None
                self._new.append(value)

    def since(self, known: int) -> list[str]:
        """The values that were added after the first `known` ones, in their order."""
        if len(self._values) == known:
            return []
        with self._lock:
            return list(self._values)[known:]

    @property
    def idle(self) -> bool:
        """Whether no secret is known, so that there is nothing to mask."""
        return not self._values

    def text(self, text: str) -> str:
        """The text with stars for secrets."""
        groups = self._ready()
        if not groups:
            return text
        if "\n" in text or "\\n" in text:
            text = WRAPPED.sub(lambda block: _unwrapped(block[0], groups), text)
        return _masked(text, groups)

    def value(self, value: object) -> object:
        """The same for whatever is inside a structure; a number that is a secret is one, too."""
        return self._value(value) if self._ready() else value

    def _value(self, value: object) -> object:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self._key(k): self._value(v) for k, v in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._value(v) for v in value]
        if isinstance(value, (bytes, bytearray)):
            text = bytes(value).decode("utf-8", "surrogateescape")
            masked = self.text(text)
            return value if masked == text else masked.encode("utf-8", "surrogateescape")
        if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e300:
            return STARS if any(group.pattern.fullmatch(str(value)) for group in self._groups) else value
        return value

    def _key(self, key: object) -> object:
        return key if isinstance(key, str) and key in FRAME else self._value(key)

    def _ready(self) -> tuple[_Group, ...]:
        """The patterns, with what was added since the last time. Compiling is dear, so groups grow like powers of two:
        a run in which every host brings a secret of its own does not compile all of them for every one."""
        if self._new:
            with self._lock:
                groups, values = list(self._groups), self._new
                while groups and len(groups[-1].values) <= len(values):
                    values = [*groups.pop().values, *values]
                if values:
                    groups.append(_Group(values=tuple(values), pattern=_pattern({f for v in values for f in forms(v)})))
                self._groups, self._new = tuple(groups), []
        return self._groups


@frozen
class _Group:
    """Some secrets and the regex that finds the longest of their forms at a place."""

    values: tuple[str, ...]
    pattern: re.Pattern[str]


def forms(value: str) -> set[str]:
    """A value as it may come back: raw, JSON, shell-quoted, URL, HTML, repr, hex, base64 at each of the alignments.

    Also without the white space around it, and each of its longer lines: a terminal prints them one by one.
    """
    bare = value.strip()
    lines = {line.strip() for line in value.splitlines()} - {bare}
    found: set[str] = set()
    for text in {value, bare, value.replace("\n", "\r\n")} | {line for line in lines if len(line) >= LINE}:
        found |= set(_spellings(text)) | set(_digits(text.encode("utf-8", "surrogatepass")))
    # Whatever it looks like, it may be quoted once more: in JSON by whoever passes it on, by repr in our own messages.
    found |= {quoted[1:-1] for form in found for quoted in (json.dumps(form), _json(form), repr(form))}
    return {_bare(form) for form in found if len(form) >= SHORTEST}


def _bare(form: str) -> str:
    """Without what quoting multiplies: the pattern takes any number of backslashes for one, and any before a quote."""
    return re.sub(r"""\\+(["'])""", r"\1", re.sub(r"\\+", r"\\", form))


def _spellings(value: str) -> Iterator[str]:
    """The value as text, quoted in the ways of shells, URLs, JSON, HTML and Python."""
    yield value
    yield from (json.dumps(value)[1:-1], _json(value)[1:-1])
    yield json.dumps(value)[1:-1].replace("/", "\\/")  # PHP's way
    yield from (repr(value)[1:-1], ascii(value)[1:-1], repr(value.encode("utf-8", "surrogatepass"))[2:-1])
    yield shlex.quote(value)
    yield "'" + value.replace("'", "'\\''") + "'"  # as sh -x prints it
    yield re.sub(r"([^\w@%+=:,./-])", r"\\\1", value)  # printf %q
    import html  # a run without secrets pays nothing for its table of entities

    yield from (html.escape(value), html.escape(value).replace("&#x27;", "&#39;"), html.escape(value, quote=False))
    raw = value.encode("utf-8", "surrogatepass")
    for url in (quote(raw), quote(raw, safe=""), quote(raw, safe="!'()*~"), quote_plus(raw)):
        yield url
        yield re.sub(r"%[0-9A-F]{2}", lambda m: m[0].lower(), url)


def _json(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _digits(raw: bytes) -> Iterator[str]:
    """The bytes in hexadecimal, and in base64 at whichever place of a longer text."""
    digits = binascii.hexlify(raw).decode()
    yield from (digits, digits.upper())
    for shift in range(3):
        # Inside a longer base64 text only the middle of the value's own characters is fixed.
        padded = base64.b64encode(b"\0" * shift + raw).decode().rstrip("=")
        middle = padded[(0, 2, 3)[shift] : len(padded) - (1 if (len(raw) + shift) % 3 else 0)]
        yield from (middle, middle.replace("+", "-").replace("/", "_"))


def _masked(text: str, groups: Sequence[_Group]) -> str:
    """Stars over everything that is part of a secret: where two overlap, over both."""
    spans: list[tuple[int, int]] = []
    for group in groups:
        found = group.pattern.search(text)
        while found is not None:
            spans.append(found.span())
            found = group.pattern.search(text, found.start() + 1)
    if not spans:
        return text
    spans.sort()
    parts: list[str] = []
    done, end = 0, -1
    for start, stop in spans:
        if start >= end:
            parts += [text[done:start], STARS]
        end = max(end, stop)
        done = end
    return "".join((*parts, text[done:]))


def _unwrapped(block: str, groups: Sequence[_Group]) -> str:
    """A block of wrapped digits, or stars when a secret is in it that the line breaks may hide."""
    joined = re.sub(r"\\n|\s", "", block)
    if _masked(joined, groups) == joined:
        return block
    return STARS + ("\n" if block.endswith("\n") else "")


def _pattern(words: Iterable[str]) -> re.Pattern[str]:
    """Finds the longest of many words, in time that does not grow with their number: the regex of a prefix tree."""
    ordered = sorted(words)
    try:
        return re.compile(_tree(ordered, 0))
    except RecursionError:  # hundreds of words that begin with one another
        return re.compile("|".join("".join(map(_letter, w)) for w in sorted(ordered, key=len, reverse=True)))


def _tree(words: list[str], done: int) -> str:
    """The regex for sorted words whose first `done` characters are matched already."""
    first, last = words[0], words[-1]
    same = done
    while same < min(len(first), len(last)) and first[same] == last[same]:
        same += 1
    head = "".join(_letter(c) for c in first[done:same])
    ends = len(first) == same
    rest = words[1:] if ends else words
    if not rest:
        return head
    branches: list[str] = []
    start = 0
    for n in range(1, len(rest) + 1):
        if n == len(rest) or rest[n][same] != rest[start][same]:
            branches.append(_tree(rest[start:n], same))
            start = n
    tail = f"(?:{'|'.join(branches)})"
    return f"{head}{tail}{'?' if ends else ''}"


def _letter(letter: str) -> str:
    """The regex of one character; possessive, so that a long run of backslashes is looked at once."""
    if letter == "\\":
        return r"\\++"
    return rf"\\*+{letter}" if letter in "\"'" else re.escape(letter)
