"""The frame of a record and the chain from each to the next: what is believed of a journal file, and why no more.

A line is `SEQ CRC32 MAC JSON`. The checksum finds damage without the key; the MAC is an HMAC over the one before and
the JSON, so that editing, reordering or cutting out a record shows. A torn tail (the machine died while writing) is cut
and said; damage before the tail ends what is believed.
"""

from __future__ import annotations

import hmac
import zlib
from collections.abc import Iterator
from functools import lru_cache

from playbook_engine.journal.keys import JournalKey
from playbook_engine.model.frozen import frozen

START = b"\0" * 16


@frozen
class Contents:
    """What a journal file holds: its good lines, their number, the last MAC, and their size in bytes.

    `damage` says what is wrong with the rest, if anything. It is `torn` when that is what a crash leaves behind: half a
    record at the end, or blocks that were never written.
    """

    lines: tuple[tuple[int, str], ...]
    seq: int
    mac: bytes
    size: int
    damage: str = ""
    torn: bool = False


def next_mac(key: JournalKey, before: bytes, text: str) -> bytes:
    # Not hmac.digest: it lets go of the interpreter's lock each time, and gets it back when all the hosts had a turn.
    mac = _keyed(key.chain).copy()
    mac.update(before + text.encode())
    return mac.digest()[:16]


@lru_cache(maxsize=8)
def _keyed(chain: bytes) -> hmac.HMAC:
    return hmac.new(chain, digestmod="sha256")


def frame(seq: int, mac: bytes, text: str) -> bytes:
    data = text.encode()
    return b"%07d %08x %s %s\n" % (seq, zlib.crc32(data), mac.hex().encode(), data)


def scan(data: bytes, key: JournalKey) -> Contents:
    """Reads lines until the first that is not good, and says why it stopped."""
    lines: list[tuple[int, str]] = []
    mac, size, damage, torn = START, 0, "", False
    for number, line in enumerate(_lines(data), 1):
        text, why = _text(line), ""
        if text is not None:
            after = next_mac(key, mac, text)
            if line == frame(number, after, text):
                mac = after
                lines.append((number, text))
                size += len(line)
                continue
            why = _fault(line, number, text)
        rest = data[size:]
        whole = _text(rest[:-1] + b"\n") if b"\n" not in rest else None
        if whole is not None and rest[:-1] == frame(number, next_mac(key, mac, whole), whole)[:-1]:
            why = "is damaged: its end was changed"
        torn = (b"\n" not in rest and not why) or not rest.strip(b"\0")
        damage = (
            f"the last record was torn while it was written and is left out ({len(rest)} bytes)"
            if torn
            else f"record {number} {why or 'is no record'}: only the {number - 1} before it are believed"
        )
        break
    return Contents(lines=tuple(lines), seq=len(lines), mac=mac, size=size, damage=damage, torn=torn)


def _lines(data: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(data):
        end = data.find(b"\n", at)
        end = len(data) if end < 0 else end + 1
        yield data[at:end]
        at = end


def _text(line: bytes) -> str | None:
    """The JSON of a whole line, or None."""
    parts = line.split(b" ", 3)
    if len(parts) != 4 or not line.endswith(b"\n"):
        return None
    try:
        return parts[3][:-1].decode("ascii")
    except UnicodeDecodeError:
        return None


def _fault(line: bytes, number: int, text: str) -> str:
    seq, crc, _, _ = line.split(b" ", 3)
    if crc != b"%08x" % zlib.crc32(text.encode()):
        return "is damaged: its checksum does not fit"
    if seq != b"%07d" % number:
        return f"has the number {seq.decode('ascii', 'replace').lstrip('0')}: records are missing or out of order"
    return "was changed, moved, or written with another key: the chain does not fit"
