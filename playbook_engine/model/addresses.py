"""Host names as inventories write them: with ports, with ranges `web[01:20]`, and bare IPv6 addresses."""

from __future__ import annotations

import ipaddress
import itertools
import re
import string

MAX_RANGE = 100_000

_RANGE = r"\[(?:[0-9]*:[0-9]+|[a-zA-Z]:[a-zA-Z])(?::[0-9]+)?\]"
_LABEL = rf"(?:[\w-]|{_RANGE})+"
_HOSTNAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?")
_PORT_AFTER_BRACKETS = re.compile(r"\[(.+)\]:([0-9]+)")
_PORT_AFTER_NAME = re.compile(r"((?:[^:\[\]]|\[[^\]]*\])+):([0-9]+)")
_BRACKETED = re.compile(r"\[([^\]]+)\]")


def split_port(text: str) -> tuple[str, int | None] | None:
    """`web1:2222` as `("web1", 2222)`; None when the text is no address, with or without ranges."""
    host, port = text, None
    match = _PORT_AFTER_BRACKETS.fullmatch(text) or _PORT_AFTER_NAME.fullmatch(text)
    if match:
        host, port = match[1], int(match[2])
    elif bracketed := _BRACKETED.fullmatch(text):
        if not is_ipv6(bracketed[1]):
            return None
        host = bracketed[1]
    if is_ipv6(host) or _HOSTNAME.fullmatch(host):
        return host, port
    return None


def is_ipv6(text: str) -> bool:
    if ":" not in text:
        return False
    try:
        return ipaddress.ip_address(text.partition("%")[0]).version == 6
    except ValueError:
        return False


def expand(text: str, *, ranges: bool = True) -> tuple[list[str], int | None]:
    """The host names that a host entry stands for, and the port they share. Without `ranges` it is one name.

    Raises ValueError with the reason when a range makes no sense.
    """
    if text.endswith(":"):
        raise ValueError(f"{text!r} ends in a colon, and a colon introduces a port")
    address = split_port(text)
    name, port = address if address else (text, None)
    return (expand_ranges(name) if ranges and "[" in name else [name]), port


def expand_ranges(text: str) -> list[str]:
    """`db-[a:c]` `web[01:20]` `n[1:10:3]`, also several in one name, the last varying fastest."""
    parts: list[list[str]] = []
    rest = text
    while "[" in rest:
        head, _, rest = rest.partition("[")
        inner, closed, rest = rest.partition("]")
        if not closed or "]" in head:
            raise ValueError(f"the brackets of {text!r} do not match")
        parts += [[head], _steps(inner)]
    parts.append([rest])
    total = 1
    for part in parts:
        total *= len(part)
    if total > MAX_RANGE:
        raise ValueError(f"the range {text!r} stands for {total} hosts; the limit is {MAX_RANGE}")
    return ["".join(combination) for combination in itertools.product(*parts)]


def _steps(inner: str) -> list[str]:
    bounds = inner.split(":")
    if len(bounds) not in (2, 3):
        raise ValueError(f"a range is begin:end or begin:end:step, not [{inner}]")
    first, last = bounds[0] or "0", bounds[1]
    if not last:
        raise ValueError(f"the range [{inner}] has no end")
    if len(bounds) == 3 and not bounds[2].isdecimal():
        raise ValueError(f"the step of the range [{inner}] is no number")
    step = int(bounds[2]) if len(bounds) == 3 else 1
    if step == 0:
        raise ValueError(f"the range [{inner}] has a step of 0")
    letters = string.ascii_letters
    if len(first) == 1 and first in letters:
        if len(last) != 1 or last not in letters or letters.index(first) > letters.index(last):
            raise ValueError(f"the range [{inner}] does not go from a letter to a later letter")
        return list(letters[letters.index(first) : letters.index(last) + 1 : step])
    if not (first.isdecimal() and last.isdecimal()):
        raise ValueError(f"the range [{inner}] mixes numbers and letters")
    width = 0
    if first[0] == "0" and len(first) > 1:
        width = len(first)
        if width != len(last):
            raise ValueError(f"the range [{inner}] is padded: begin and end need the same number of digits")
    if int(last) - int(first) > MAX_RANGE * step:
        raise ValueError(f"the range [{inner}] is longer than {MAX_RANGE}")
    return [str(number).zfill(width) for number in range(int(first), int(last) + 1, step)]
