"""Frames between controller and host, the same code on both sides.

A frame is a 17-byte header `%08x%08x\\n` (length of the JSON, length of the bytes after it), ASCII JSON, and raw
bytes. A `bytes` value anywhere in the message travels in the raw part, so file contents and output are neither
escaped nor changed; text that came from a host is decoded with `surrogateescape`, which JSON's \\udcXX escapes keep.

Only `os` and `sys` are imported: the `json` package costs 8 ms of a host's CPU at start, its C core `_json` nothing.
"""

import os

HEADER = 17
LIMIT = 0x7FFFFFFF
MARK = "\x00bytes"  # a key no person writes: {MARK: [offset, length]} stands for bytes


class Closed(Exception):
    """The other side has gone (end of file, or a broken pipe)."""


class Garbage(Exception):
    """What arrived is no frame. `head` is what came instead: a banner, a shell's complaint."""

    def __init__(self, head: bytes) -> None:
        Exception.__init__(self, "not a frame")
        self.head = head


class _Lenient(object):
    """What the C scanner asks its owner for (json.decoder.JSONDecoder has the same attributes)."""

    strict = False
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = float


def _encode(value: object, default: "object") -> str:
    """Compact ASCII JSON; `default` is called for what JSON cannot say."""
    try:
        import _json

        quote: "object" = _json.encode_basestring_ascii
        return "".join(_json.make_encoder(None, default, quote, None, ":", ",", False, False, True)(value, 0))  # type: ignore[arg-type]
    except (ImportError, AttributeError, NameError):
        import json  # an interpreter whose C core differs: slower to start, the same answer

        return json.dumps(value, default=default, separators=(",", ":"))  # type: ignore[arg-type]


def _decode(text: str) -> object:
    try:
        import _json

        return _json.make_scanner(_Lenient())(text, 0)[0]  # type: ignore[arg-type]
    except (ImportError, AttributeError, NameError):
        import json

        return json.loads(text, strict=False)


def pack(message: object) -> bytes:
    """One message as a frame. Raises TypeError for a value that JSON and bytes cannot say."""
    parts: "list[bytes]" = []
    at = [0]

    def default(value: object) -> object:
        if isinstance(value, (bytes, bytearray)):
            parts.append(bytes(value))
            at[0] += len(value)
            return {MARK: [at[0] - len(value), len(value)]}
        if isinstance(value, (set, frozenset, tuple)):
            return sorted(value) if isinstance(value, (set, frozenset)) else list(value)
        raise TypeError("%s cannot travel in a frame" % type(value).__name__)

    text = _encode(message, default).encode("ascii")
    raw = b"".join(parts)
    return b"%08x%08x\n" % (len(text), len(raw)) + text + raw


def lengths(header: bytes) -> "tuple[int, int]":
    """(JSON length, bytes length) of a header. Raises Garbage."""
    try:
        if header[16:17] != b"\n":
            raise ValueError
        return int(header[:8], 16), int(header[8:16], 16)
    except ValueError:
        raise Garbage(header)


def unpack(text: bytes, raw: bytes) -> object:
    """The message of one frame's two parts. Raises Garbage."""
    try:
        message = _decode(text.decode("ascii"))
    except (ValueError, StopIteration, UnicodeDecodeError):
        raise Garbage(text[:200])
    return _fill(message, raw) if b"\\u0000bytes" in text else message


def _fill(value: object, raw: bytes) -> object:
    if isinstance(value, dict):
        if MARK in value:
            at, size = value[MARK]
            return raw[at : at + size]
        return {k: _fill(v, raw) for k, v in value.items()}
    if isinstance(value, list):
        return [_fill(v, raw) for v in value]
    return value


def read_exactly(fd: int, size: int) -> bytes:
    """`size` bytes of a file descriptor. Raises Closed at its end."""
    got = []
    while size:
        part = os.read(fd, min(size, 1 << 20))
        if not part:
            raise Closed()
        got.append(part)
        size -= len(part)
    return b"".join(got)


def read(fd: int) -> object:
    """The next message from a file descriptor. Raises Closed, Garbage."""
    text, raw = lengths(read_exactly(fd, HEADER))
    return unpack(read_exactly(fd, text), read_exactly(fd, raw))


def write(fd: int, message: object) -> None:
    """Sends a message whole. Raises Closed when nobody reads any more."""
    data = memoryview(pack(message))
    while data:
        try:
            data = data[os.write(fd, data) :]
        except OSError as error:
            if error.errno in (9, 32, 104):  # EBADF, EPIPE, ECONNRESET
                raise Closed()
            raise


def text(data: bytes) -> str:
    """Bytes of a host as text that can be turned back into the same bytes."""
    return data.decode("utf-8", "surrogateescape")


def raw(value: str) -> bytes:
    """The bytes that `text` came from."""
    return value.encode("utf-8", "surrogateescape")
