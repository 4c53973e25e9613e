"""Makes a document of a file's bytes, whatever they are; refuses what is data and no prose."""

from __future__ import annotations

import json
import re
from pathlib import PurePath

from playbook_engine.model.errors import UsageError
from playbook_engine.report.prose import hypertext, markdown
from playbook_engine.report.prose.document import Document

_HTML = re.compile(
    r"^\s{0,200}(?:<!--.{0,2000}?-->\s{0,200})?<(?:!doctype\s{1,10}html|html|head|body)\b", re.I | re.DOTALL
)


def read(name: str, data: bytes) -> Document:
    """The report in `data`. `name` says by its suffix what it is, else its beginning does.

    Raises UsageError for JSON, which has fields that may be compared by program, and no sentences.
    """
    text = decoded(data)
    if text.lstrip()[:1] in ("{", "["):
        _refuse_json(name, text)
    if PurePath(name).suffix.lower() in (".html", ".htm", ".xhtml") or _HTML.match(text[:4000]):
        return hypertext.document(text)
    return markdown.document(text)


def decoded(data: bytes) -> str:
    """UTF-8, or UTF-16 with its mark; bytes that are neither stand in for themselves. Lines end with a line feed."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = data.decode("utf-16", "replace")
    else:
        text = data.decode("utf-8-sig", "surrogateescape")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _refuse_json(name: str, text: str) -> None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return
    schema = value.get("schema") if isinstance(value, dict) else None
    if isinstance(schema, str) and schema.startswith("playbook-engine/"):
        raise UsageError(
            f"{name} is a report of ours as JSON ({schema[:80]}), and no prose",
            advice="give its .md or .html; every value in the JSON was computed from its record",
        )
    raise UsageError(f"{name} is JSON, and no prose", advice="audit-report reads Markdown, plain text and HTML")
