"""Text of a report: what came from a host is data. Numbers carry units, times are UTC, names carry no verdict."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime

GLYPHS = re.compile("[✀-➿☐-☒⚠⬛⬜⭐🌀-🫿\ufe0f]+")
"""Pictographs, ticks and crosses: a name that carries one would say twice, and perhaps otherwise, how it ended."""

IEC = ((1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))


def visible(text: str, keep: str = "\n\t") -> str:
    """Control characters, bidirectional overrides, invalid UTF-8 (as surrogates) and the like, escaped as `\\x1b`."""
    if text.isprintable():
        return text
    return "".join(c if c in keep or c.isprintable() else _escaped(ord(c)) for c in text)


def _escaped(code: int) -> str:
    if 0xDC80 <= code <= 0xDCFF:  # PEP 383: a byte that is no UTF-8
        return f"\\x{code - 0xDC00:02x}"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def one_line(text: str) -> str:
    """For a cell or a heading."""
    return " ".join(visible(text).split())


def plain_name(name: str) -> str:
    """A criterion's name without status glyphs: its status is a field of its own."""
    return one_line(GLYPHS.sub(" ", name)) or "(no name)"


def number(value: object) -> str:
    """A value as measured: all digits of an integer, six significant ones of a fraction."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else f"{value:.6g}"
    if value is None:
        return "none"
    if isinstance(value, str):
        return shortened(one_line(value), 120) if value else '""'
    return shortened(one_line(json.dumps(value, default=str, ensure_ascii=False)), 120)


def quantity(value: object, unit: str) -> str:
    """A value with its unit; bytes also in IEC units."""
    if unit == "bytes" and isinstance(value, (int, float)) and not isinstance(value, bool):
        return size(float(value))
    shown = number(value)
    return f"{shown} {unit}" if unit and isinstance(value, (int, float)) and not isinstance(value, bool) else shown


def size(count: float) -> str:
    """Bytes in IEC units, three digits."""
    for scale, unit in IEC:
        if abs(count) >= scale:
            return f"{count / scale:.3g} {unit}" if abs(count) < 1000 * scale else f"{count / scale:.0f} {unit}"
    return f"{count:.0f} bytes"


def seconds(span: float) -> str:
    """A duration for people."""
    if span < 0.0005:
        return "0 s"
    if span < 10:
        return f"{span:.3g} s" if span >= 1 else f"{span * 1000:.0f} ms"
    if span < 120:
        return f"{span:.0f} s"
    minutes, rest = divmod(round(span), 60)
    if minutes < 120:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def instant(at: str) -> datetime | None:
    """A record's time; None for what is no time."""
    try:
        return datetime.fromisoformat(at.replace("Z", "+00:00")).astimezone(UTC)
    except ValueError:
        return None


def stamp(at: datetime) -> str:
    """RFC 3339, UTC, whole seconds."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(at: str) -> str:
    """A record's time for people: `2025-08-01 17:42:47Z`."""
    when = instant(at)
    return when.strftime("%Y-%m-%d %H:%M:%SZ") if when else one_line(at)


def clock(at: str) -> str:
    """The time of day with tenths: `17:42:47.8Z`."""
    when = instant(at)
    return when.strftime("%H:%M:%S.") + str(when.microsecond // 100000) + "Z" if when else one_line(at)


def shortened(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def count(n: int, one: str, many: str = "") -> str:
    """`1 host`, `2 hosts`."""
    return f"{n} {one if n == 1 else many or one + 's'}"


def listed(names: list[str], most: int = 6) -> str:
    """`a, b and c`; the rest of a long list as a number."""
    if len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most} more"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else ""


def pretty(data: object, most: int = 4000) -> str:
    """A measurement as indented JSON, cut."""
    text = json.dumps(data, indent=2, default=str, ensure_ascii=False, sort_keys=False)
    return visible(text if len(text) <= most else text[:most] + f"\n… ({len(text)} characters)")


def told(data: Mapping[str, object], *, without: tuple[str, ...] = ("changed", "failed", "ansible_facts")) -> object:
    """A result without the engine's own keys."""
    return {k: v for k, v in data.items() if k not in without and not k.endswith("_lines")}
