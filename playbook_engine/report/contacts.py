"""Who is named: a placeholder is nobody, and a report says so instead of printing it as a contact."""

from __future__ import annotations

import re

from playbook_engine.model.frozen import frozen
from playbook_engine.report.text import one_line

PLACEHOLDER = re.compile(
    r"^\W*(tb[acd]|todo|fixme|xx+|n/?a|none|null|unknown|nobody|someone|somebody|changeme|name|contact)?\W*$", re.I
)
NAME = re.compile(r"^[\w][\w .@+:/#-]{0,79}$")


@frozen
class Contact:
    """A role and who fills it. `missing` says why nobody does; then `name` must not be shown as a contact."""

    role: str
    name: str
    missing: str = ""


def contact(role: str, name: str) -> Contact:
    shown = one_line(name)
    if not shown:
        return Contact(role=role, name="", missing=f"no {role} is named")
    if PLACEHOLDER.match(shown) or "example.com" in shown.lower():
        return Contact(role=role, name="", missing=f"{role}: {shown!r} is a placeholder, and nobody")
    if not NAME.match(shown):
        return Contact(role=role, name="", missing=f"{role}: {shown!r} is no name")
    return Contact(role=role, name=shown)
