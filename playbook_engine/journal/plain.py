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


def to_json(value: object, depth: int = 0, *, stars: str | None = None) -> object:
    """What json can write. Tuples become lists; what is of an unknown kind becomes text.

    `stars` stands for every secret, which is otherwise marked, and comes back.
    """
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return value
    if kind is dict and depth <= DEEPEST:
        assert isinstance(value, dict)
        return _mapping(value, depth, stars)
    if isinstance(value, (str, bool)):
        return value
    if isinstance(value, int):
        return value if value.bit_length() < DIGITS else {INT: hex(value)}
    if isinstance(value, float):
        return value if math.isfinite(value) else {FLOAT: str(value)}
    if isinstance(value, (bytes, bytearray)):
        return {BYTES: base64.b64encode(bytes(value)).decode()}
    if isinstance(value, Secret):
        return {SECRET: value.reveal()} if stars is None else stars
    if depth > DEEPEST:
        return f"(left out: nested more than {DEEPEST} levels deep)"
    if isinstance(value, Mapping):
        return _mapping(value, depth, stars)
    if isinstance(value, (list, tuple)):
        return [to_json(item, depth + 1, stars=stars) for item in value]
    if isinstance(value, (set, frozenset)):
        return [to_json(item, depth + 1, stars=stars) for item in sorted(value, key=repr)]
    return str(value)


def _mapping(value: Mapping[object, object], depth: int, stars: str | None) -> object:
    if len(value) != 1 or next(iter(value)) not in MARKS:
        made: dict[str, object] = {}
        for key, item in value.items():
            if not isinstance(key, str):
                break
            kind = type(item)
            made[key] = item if kind is str or kind is bool else to_json(item, depth + 1, stars=stars)
        else:
            return made
    return {PAIRS: [[to_json(k, depth + 1, stars=stars), to_json(v, depth + 1, stars=stars)] for k, v in value.items()]}


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
