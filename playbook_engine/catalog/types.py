"""The types of arguments and parameters: what is taken for each, what is made of it, and what is said of the rest."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping


class Unfit(ValueError):
    """A value that does not fit, in words for a person; `advice` stands apart where there is room for it."""

    def __init__(self, message: str, advice: str | None = None) -> None:
        super().__init__(f"{message}: {advice}" if advice else message)
        self.message = message
        self.advice = advice


class UnknownKey(Unfit):
    """A key of a mapping that has others."""


def parse_size(text: str) -> int:
    """`2GiB`, `512 MiB`, `10k`, `4096` as bytes; KiB and K are 1024, kB is 1000. Raises ValueError."""
    match = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([KMGTP]?)(i?)(B?)\s*", text, re.IGNORECASE)
    if not match:
        raise ValueError(f"{text!r} is no size: write 2GiB, 512MiB or a number of bytes")
    number, unit, binary, byte = match.groups()
    base = 1000 if byte and not binary and unit else 1024
    return int(float(number) * base ** ("KMGTP".index(unit.upper()) + 1 if unit else 0))


def parse_duration(text: str) -> float:
    """`90s`, `5m`, `1h30m`, `2d`, `0.5s`, `250ms` or a bare number of seconds. Raises ValueError."""
    try:
        seconds = float(text)
    except ValueError:
        pass
    else:
        if not 0 <= seconds < float("inf"):
            raise ValueError(f"{text} is no duration: it is not a number of seconds from now on")
        return seconds
    parts = re.findall(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d|w)", text)
    if not parts or "".join(n + u for n, u in parts) != text.replace(" ", ""):
        raise ValueError(f"{text!r} is no duration: write 30s, 5m, 1h30m or a number of seconds")
    unit = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
    return float(sum(float(n) * unit[u] for n, u in parts))


def parse_bool(value: object) -> bool:
    """true/false, and the words that Ansible takes for them. Raises ValueError."""
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word in ("yes", "on", "true", "y", "1"):
        return True
    if word in ("no", "off", "false", "n", "0"):
        return False
    raise ValueError(f"{value!r} is no boolean: write true or false")


def convert(kind: str, value: object) -> object:
    """A value in one of the types that arguments and parameters have. Raises Unfit, or a ValueError with its words."""
    if kind == "bool":
        return parse_bool(value)
    if kind in ("int", "float"):
        return _number(kind, value)
    if kind in ("size", "duration"):
        if isinstance(value, bool) or not isinstance(value, (int, float, str)):
            raise Unfit(f"a {kind} is expected, and this is {_said(value)}")
        if kind == "duration":
            return parse_duration(str(value))
        return parse_size(value) if isinstance(value, str) else int(value)
    if kind == "mode":
        return _mode(value)
    if kind in ("str", "path"):
        return _text(kind, value)
    if kind == "content":
        return _content(value)
    if kind.startswith("list"):
        return _list(kind, value)
    if kind == "dict" and not isinstance(value, Mapping):
        raise Unfit(f"a mapping is expected, and this is {_said(value)}")
    return value


def eased(kind: str, value: object) -> object:
    """What Ansible makes of a number, a boolean, a list or a mapping where text is wanted, of text where a mapping is
    (JSON, or `a=1, b=2`), and of a number where a mode is: YAML 1.1 reads `mode: 0644` as the number 420. All else as
    it is."""
    if isinstance(value, (bool, int, float)):
        if kind == "mode" and not isinstance(value, (bool, float)) and 0 <= value <= 0o7777:
            return f"{value:04o}"
        return str(value) if kind in ("str", "path", "list[str]", "list[path]") else value
    if kind in ("list[str]", "list[path]") and isinstance(value, (list, tuple)):
        return ["" if item is None else eased(kind[5:-1], item) for item in value]
    if kind == "str" and isinstance(value, (list, Mapping)):
        return str(value)
    if kind == "dict" and isinstance(value, str) and "{{" not in value and "{%" not in value:
        return _mapping(value)
    return value


def _mapping(text: str) -> object:
    """The mapping that a text writes, as JSON or as pairs; the text itself, where it is neither."""
    try:
        if text.startswith("{"):
            return json.loads(text)
        words = shlex.shlex(text, posix=True)
        words.whitespace, words.whitespace_split, words.commenters = ", ", True, ""
        return dict(word.split("=", 1) for word in words) if "=" in text else text
    except ValueError:
        return text


def _content(value: object) -> bytes:
    """Text, bytes, or what is written as JSON; all else as Python writes it, as Ansible does."""
    if isinstance(value, bytes):
        return value
    if not isinstance(value, (str, int, float, dict, list, tuple)):
        raise Unfit(f"text is expected, or what can be written as JSON, and this is {_said(value)}")
    try:
        structured = isinstance(value, (dict, list, tuple))
        text = value if isinstance(value, str) else json.dumps(value) if structured else str(value)
        return text.encode("utf-8", "surrogateescape")
    except (TypeError, UnicodeEncodeError, RecursionError):
        raise Unfit(f"text is expected, or what can be written as JSON, and this is {_said(value)}") from None


def _mode(value: object) -> str | None:
    """A file mode is text: as a number it would be decimal, and 644 is not 0644. An empty one asks for nothing."""
    if isinstance(value, int) and not isinstance(value, bool):
        octal = f'"{value:04o}"' if value >= 0 else '"0644"'
        if re.fullmatch("[0-7]{3,4}", str(value)):
            octal = f'"{value:0>4}" (as a decimal number it would be {octal})'
        raise Unfit(f"a mode is text, and this is the number {value}", f"write it in quotes: {octal}")
    if not isinstance(value, str):
        raise Unfit(f'a mode is text, such as "0644", and this is {_said(value)}')
    text = value.strip().removeprefix("0o").rstrip(",")
    if not re.fullmatch(r"[0-7]{1,5}|[ugoa]*([-+=][rwxXstugo]*)+(,[ugoa]*([-+=][rwxXstugo]*)+)*|preserve|", text):
        raise Unfit(f"{value!r} is no mode", 'write "0644" or u+x,go-w')
    return text or None


def _number(kind: str, value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise Unfit(f"a number is expected, and this is {_said(value)}")
    try:
        if kind == "float":
            return float(value)
        if isinstance(value, float) and value != int(value):
            raise ValueError
        return int(value)
    except (ValueError, OverflowError):
        raise Unfit(f"{value!r} is no {'whole number' if kind == 'int' else 'number'}") from None


def _text(kind: str, value: object) -> str:
    if isinstance(value, float):
        raise Unfit(
            f"text is expected, and this is the number {value}", "put it in quotes as it stands, or 1.10 becomes 1.1"
        )
    if isinstance(value, bool):
        raise Unfit(
            f"text is expected, and this is the boolean {str(value).lower()}", "put it in quotes if text is meant"
        )
    if isinstance(value, int):
        return str(value)
    if not isinstance(value, str):
        raise Unfit(f"text is expected, and this is {_said(value)}")
    if kind == "path" and not value:
        raise Unfit("the path is empty")
    return value


def _list(kind: str, value: object) -> list[object]:
    inner = kind[5:-1] if kind.startswith("list[") else "raw"
    if isinstance(value, str) and inner in ("str", "path", "int"):
        value = [part.strip() for part in value.split(",")] if value else []
    elif isinstance(value, (str, int, float, bool, Mapping)):
        value = [value]
    if not isinstance(value, (list, tuple)):
        raise Unfit(f"a list is expected, and this is {_said(value)}")
    return [convert(inner, item) for item in value]


def _said(value: object) -> str:
    names = {bool: "the boolean", int: "the number", float: "the number", str: "the text", dict: "the mapping",
             list: "the list", tuple: "the list", bytes: "the bytes"}  # fmt: skip
    text = repr(value)
    return f"{names.get(type(value), 'the value')} {text if len(text) <= 60 else text[:59] + '…'}"
