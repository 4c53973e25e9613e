"""The file of a bundle: a plain POSIX tar (ustar, IEEE 1003.1) of regular files, read in one pass and never unpacked.

Each byte of it follows from the names and contents: what the export would not have written (links, devices, owners,
other padding, anything behind the end) is refused. Nothing is compressed, so nothing can be larger than the file.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from playbook_engine.model.errors import JournalError
from playbook_engine.model.frozen import frozen

BLOCK = 512
ZEROS = b"\0" * BLOCK
PIECE = 1 << 16
LARGEST = 64 << 20  # bytes of one line, or of one part that is looked at whole
ADVICE = "ask for the bundle again: `runbook evidence export RUN -o FILE` where it was made"


@frozen
class Part:
    """A file to be put into a bundle: its bytes, or where they lie."""

    name: str
    size: int
    sha256: str
    content: bytes | Path

    @classmethod
    def of(cls, name: str, content: bytes) -> Part:
        return cls(name=name, size=len(content), sha256=hashlib.sha256(content).hexdigest(), content=content)


def pack(out: BinaryIO, parts: Iterable[Part]) -> None:
    """Writes the parts in their order. Raises JournalError when one is no longer what it was, OSError."""
    for part in parts:
        out.write(header(part.name, part.size))
        digest, size = hashlib.sha256(), 0
        for piece in _pieces(part.content):
            out.write(piece)
            digest.update(piece)
            size += len(piece)
        if (size, digest.hexdigest()) != (part.size, part.sha256):
            raise JournalError(f"{part.name} changed while it was read", advice="try again")
        out.write(b"\0" * (-size % BLOCK))
    out.write(ZEROS * 2)


def _pieces(content: bytes | Path) -> Iterator[bytes]:
    if isinstance(content, bytes):
        yield content
        return
    with content.open("rb") as handle:
        while piece := handle.read(PIECE):
            yield piece


def header(name: str, size: int) -> bytes:
    """The block before a file. Raises ValueError for a name or size that ustar has no room for."""
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o600
    return info.tobuf(tarfile.USTAR_FORMAT, "ascii", "strict")


class Member(io.RawIOBase):
    """A file in a bundle while it is read. Its digest is known once it has been read to its end."""

    def __init__(self, source: BinaryIO, name: str, size: int) -> None:
        super().__init__()
        self.name, self.size = name, size
        self._source, self._left = source, size
        self._digest = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        piece = self._source.read(min(len(view), self._left))
        if self._left and len(view) and not piece:
            raise JournalError(f"the bundle is cut off inside {self.name}", advice=ADVICE)
        view[: len(piece)] = piece
        self._left -= len(piece)
        self._digest.update(piece)
        return len(piece)

    def whole(self) -> bytes:
        """All of it. Raises JournalError when that is more than such a part ever is."""
        if self.size > LARGEST:
            raise JournalError(f"{self.name} has {self.size} bytes: it is not read, {LARGEST} are the most")
        return self.readall()

    def lines(self) -> Iterator[bytes]:
        """Its lines. Raises JournalError for one that is longer than any record."""
        reader = io.BufferedReader(self, PIECE)
        while line := reader.readline(LARGEST + 1):
            if len(line) > LARGEST:
                raise JournalError(f"{self.name} has a line of more than {LARGEST} bytes: it is not read")
            yield line
        reader.detach()

    def sha256(self) -> str:
        """Of all of it, which is read to its end."""
        while self.read(PIECE):
            pass
        return self._digest.hexdigest()


def members(source: BinaryIO) -> Iterator[Member]:
    """The files of a bundle in their order. Raises JournalError where it is not as an export writes it, OSError."""
    at = 0
    while (block := source.read(BLOCK)) != ZEROS:
        member = _member(source, block, at)
        yield member
        member.sha256()
        if (padding := source.read(-member.size % BLOCK)).strip(b"\0") or len(padding) != -member.size % BLOCK:
            raise JournalError(f"the bundle is damaged or cut off behind {member.name}", advice=ADVICE)
        at += BLOCK + member.size + len(padding)
    if source.read(BLOCK) != ZEROS:
        raise JournalError("the bundle is cut off: half of its end is missing, or was changed", advice=ADVICE)
    if source.read(1):
        raise JournalError("something stands behind the end of the bundle", advice=ADVICE)


def _member(source: BinaryIO, block: bytes, at: int) -> Member:
    if len(block) < BLOCK:
        where = f"at byte {at}, where " + ("a file would begin" if block else "its end would stand")
        raise JournalError(f"the bundle is cut off {where}" if at else "this is no evidence bundle", advice=ADVICE)
    try:
        info = tarfile.TarInfo.frombuf(block, "ascii", "strict")
        good = header(info.name, info.size) == block
    except (tarfile.TarError, ValueError, OverflowError):
        good = False
    if not good:
        raise JournalError(
            f"the bundle is damaged at byte {at}, or no evidence bundle: what stands there is no file of one",
            advice=ADVICE,
        )
    return Member(source, info.name, info.size)
