"""A form as multipart/form-data (RFC 7578): fields of text, and files."""

import os

from playbook_engine.agent import failure


def encoded(fields: object) -> "tuple[str, bytes]":
    """(content type, body) of a mapping whose values are text, or {filename, content, mime_type}. Raises Failed.

    A file without `content` is read on the host.
    """
    if not isinstance(fields, dict):
        raise failure.Failed("a multipart form is a mapping, not %r" % (fields,))
    boundary = "".join("%02x" % byte for byte in os.urandom(16))
    parts = [_part(boundary, str(name), value) for name, value in sorted(fields.items())]
    end = b"--" + boundary.encode() + b"--\r\n"
    return 'multipart/form-data; boundary="%s"' % boundary, b"".join(parts) + end


def _part(boundary: str, name: str, value: object) -> bytes:
    kind, filename = "text/plain", None
    content: object = value
    if isinstance(value, dict):
        filename, content = value.get("filename"), value.get("content")
        if not filename and not content:
            raise failure.Failed("the field %s needs content or filename" % name)
        kind = value.get("mime_type") or _kind(str(filename or ""))
        if not content:
            with open(os.path.expanduser(str(filename)), "rb") as handle:
                content = handle.read()
    elif not isinstance(value, str):
        raise failure.Failed("the field %s is neither text nor a mapping with content or filename" % name)
    data = content if isinstance(content, bytes) else str(content).encode("utf-8", "surrogateescape")
    shown = '; filename="%s"' % os.path.basename(str(filename)) if filename else ""
    head = '--%s\r\nContent-Disposition: form-data; name="%s"%s\r\nContent-Type: %s\r\n\r\n' % (
        boundary,
        name,
        shown,
        kind,
    )
    return head.encode("utf-8") + data + b"\r\n"


def _kind(filename: str) -> str:
    import mimetypes

    return mimetypes.guess_type(filename)[0] or "application/octet-stream"
