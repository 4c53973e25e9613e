"""What an action tells, and names that are one slip of a finger away from it: `result.free_byte`.

A SPEC's `returns` are documentation, not a closed list, so an unknown name alone proves nothing: a header or a field of
somebody's JSON may be called anything. A name that is one letter beside a documented one is a slip.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from playbook_engine.catalog import catalog
from playbook_engine.model.spelling import one_slip

ALWAYS = frozenset(
    {"changed", "failed", "msg", "kind", "skipped", "already", "rc", "stdout", "stderr", "stdout_lines", "stderr_lines",
     "error", "error_kind", "reachable", "results", "ansible_facts", "diff"}
)  # fmt: skip
METHODS = frozenset({"get", "items", "keys", "values", "copy"})
ATTRIBUTE = re.compile(r"(?<![\w.\"'])(\w+)\.([A-Za-z_]\w*)")


def attributes(expression: str) -> Iterator[tuple[str, str]]:
    """The `name.attribute` pairs of an expression."""
    for match in ATTRIBUTE.finditer(expression):
        yield match[1], match[2]


def slip(action: str, attribute: str) -> str | None:
    """The documented name that was meant, or None when the attribute may well be right."""
    told, known = _names(action)
    if attribute in known:
        return None
    return next((name for name in sorted(told) if one_slip(attribute, name)), None)


@cache
def _names(action: str) -> tuple[frozenset[str], frozenset[str]]:
    """What a slip is measured against, and what is right: also the names that the documentation mentions."""
    spec = catalog.get(action)
    told = frozenset(spec.returns) | (ALWAYS if spec.returns else frozenset())
    mentioned = {word for text in (spec.doc, *spec.returns.values()) for word in re.findall(r"[a-z]\w+", text)}
    return told, told | METHODS | frozenset(spec.params) | mentioned
