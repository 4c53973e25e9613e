"""What may stand in a YAML file instead of what is expected there."""

from __future__ import annotations

STRANGE: list[object] = [
    None, True, 0, -1, 420, 1.5, 10**30, "", " ", "x", "{{ x }}", "{{", "{% if %}", "a=b", "a=b c", "'", "é😀\u2028",
    [], {}, [None], [[]], [{}], {"a": 1}, {1: 2}, {None: None}, {True: []}, {"a": {"b": {"c": []}}}, ["a", 1, None, {}],
    "$t", "*", float("inf"), float("nan"), "0", "no", "1.10", "5m", "-5s", "checks", "x" * 5000, {"cmd": ["ls"]},
    {"that": 5}, {"name": {}}, {"argv": "ls"}, {"port": [80]}, {"mode": 0o644}, {"facts": 1}, {"result": "result"},
]  # fmt: skip


def places(value: object, path: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    """The paths of everything in a value, of lists and mappings."""
    found = [path] if path else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        found += places(item, (*path, key))
    return found
