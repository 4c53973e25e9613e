"""Any value as JSON and back: bytes, secrets, mappings with keys that are no text, numbers that JSON does not have.

What a host sent may look like one of our own marks; it is wrapped, so that it comes back as what it was.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping

from playbook_engine.model.secret import Secret

DEEPEST = 100  # levels; a host may send what would exhaust the interpreter's stack
DIGITS = 10_000  # bits; json refuses to read numbers of more than 4,300 digits
BYTES, SECRET, PAIRS, FLOAT, INT = "$bytes", "$secret", "$pairs", "$float", "$int"
MARKS = frozenset({BYTES, SECRET, PAIRS, FLOAT, INT})


def to_json(value: object, depth: int = 0) -> object:
    """What json can write. Tuples become lists; what is of an unknown kind becomes text."""
    if value is None or isinstance(value, (str, bool)):
        return value
    if isinstance(value, int):
        return value if value.bit_length() < DIGITS else {INT: hex(value)}
    if isinstance(value, float):
        return value if math.isfinite(value) else {FLOAT: str(value)}
    if isinstance(value, (bytes, bytearray)):
        return {BYTES: base64.b64encode(bytes(value)).decode()}
    if isinstance(value, Secret):
        return {SECRET: value.reveal()}
    if depth > DEEPEST:
        return f"(left out: nested more than {DEEPEST} levels deep)"
    if isinstance(value, Mapping):
        marked = len(value) == 1 and next(iter(value)) in MARKS
        if not marked and all(isinstance(key, str) for key in value):
            return {key: to_json(item, depth + 1) for key, item in value.items()}
        return {PAIRS: [[to_json(key, depth + 1), to_json(item, depth + 1)] for key, item in value.items()]}
    if isinstance(value, (list, tuple)):
        return [to_json(item, depth + 1) for item in value]
    if isinstance(value, (set, frozenset)):
        return [to_json(item, depth + 1) for item in sorted(value, key=repr)]
    return str(value)


def from_json(value: dict[str, object]) -> object:
    """The object hook of `json.loads`: the inverse of `to_json`."""
    if len(value) != 1:
        return value
    mark, held = next(iter(value.items()))
    if mark == BYTES:
        return base64.b64decode(str(held))
    if mark == SECRET:
        return Secret(str(held))
    if mark == FLOAT:
        return float(str(held))
    if mark == INT:
        return int(str(held), 16)
    if mark == PAIRS and isinstance(held, list):
        return {_hashable(key): item for key, item in held}
    return value


def _hashable(key: object) -> object:
    return tuple(_hashable(part) for part in key) if isinstance(key, list) else key
