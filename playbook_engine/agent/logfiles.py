"""A log with the files that it was rotated into, read a line at a time within a bounded memory."""

import os

TYPE_CHECKING = False  # typing costs 10 ms of a host's CPU to import; a type checker knows this name
if TYPE_CHECKING:
    from collections.abc import Iterator

PIECE = 1 << 16
LINE = 1 << 14  # bytes of a line that are looked at; the rest of it is skipped


def rotated(path: str) -> "list[str]":
    """The log and what logrotate(8) made of it (NAME.1, NAME.2.gz, NAME-20260131.gz), the oldest first."""
    folder, name = os.path.split(path)
    found = []
    try:
        entries = os.listdir(folder or ".")
    except OSError:
        entries = []
    for entry in entries:
        rest = entry[len(name) + 1 :] if entry.startswith((name + ".", name + "-")) else ""
        stem = rest[:-3] if rest.endswith(".gz") else rest
        if stem and stem.replace("-", "").replace("_", "").replace(".", "").replace("T", "").isdigit():
            found.append(os.path.join(folder, entry))
    return sorted(found, key=lambda each: (os.stat(each).st_mtime, each)) + [path]


def lines(path: str, start: int = 0) -> "Iterator[tuple[str, int]]":
    """(line without its end, bytes that it took), from the byte `start` on. Raises OSError, ValueError."""
    left, skipping = b"", False
    for piece in _pieces(path, start):
        parts = (left + piece).split(b"\n")
        left = parts.pop()
        for part in parts:
            if skipping:
                skipping = False
                yield "", len(part) + 1
            else:
                yield _text(part), len(part) + 1
        if len(left) > LINE:  # a line without an end: its beginning is what counts
            if not skipping:
                yield _text(left), len(left)
            skipping, left = True, b""
    if left and not skipping:
        yield _text(left), len(left)


def _text(data: bytes) -> str:
    return data[:LINE].rstrip(b"\r").decode("utf-8", "surrogateescape")


def _pieces(path: str, start: int) -> "Iterator[bytes]":
    with open(path, "rb") as handle:
        if not path.endswith(".gz"):
            handle.seek(start)
            for piece in iter(lambda: handle.read(PIECE), b""):
                yield piece
            return
        import zlib

        unpack = zlib.decompressobj(31)
        for piece in iter(lambda: handle.read(PIECE), b""):
            while piece:
                try:
                    yield unpack.decompress(piece, PIECE)
                except zlib.error as error:
                    raise ValueError("%s is no whole gzip file: %s" % (path, error))
                piece = unpack.unconsumed_tail
                if unpack.eof:
                    piece = unpack.unused_data
                    unpack = zlib.decompressobj(31)
        yield unpack.flush()
