"""The JSON Schema of an action's arguments, from the same SPEC that checks them when a runbook loads.

draft-07, which every editor knows: https://json-schema.org/draft-07. What the loader converts (`yes`, `"5"`, `2GiB`) is
allowed as it is written; where a template may stand, a text with braces in it is allowed too.
"""

from __future__ import annotations

from collections.abc import Mapping

from playbook_engine.catalog.spec import ActionSpec, Kind, ParamSpec

Schema = dict[str, object]

BRACES = r"\{\{|\{%|\{#"
BOOL = r"^\s*([Yy][Ee][Ss]|[Nn][Oo]|[Oo][Nn]|[Oo][Ff][Ff]|[Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee]|[YyNn01])\s*$"
INT = r"^\s*[-+]?[0-9][0-9_]*\s*$"
FLOAT = r"^\s*[-+]?([0-9][0-9_]*\.?[0-9_]*|\.[0-9_]+)([eE][-+]?[0-9]+)?\s*$"
SIZE = r"^\s*[0-9]+(\.[0-9]+)?\s*[KkMmGgTtPp]?[Ii]?[Bb]?\s*$"
DURATION = r"^\s*([0-9]+(\.[0-9]+)?\s*(ms|s|m|h|d|w)?\s*)+$"
MODE = r"^([0-7]{3,5}|([ugoa]*[-+=][rwxXstugo]*)(,[ugoa]*[-+=][rwxXstugo]*)*|preserve)$"
PAIRS = r"\w+="

TYPES: Mapping[str, tuple[tuple[str, ...], str]] = {
    "bool": (("boolean", "integer"), BOOL),
    "int": (("integer",), INT),
    "float": (("number",), FLOAT),
    "size": (("number",), SIZE),
    "duration": (("number",), DURATION),
    "mode": ((), MODE),
    "str": (("integer",), ""),
    "path": (("integer",), ""),
    "content": (("object", "array", "number", "boolean"), ""),
    "dict": (("object",), BRACES),
}
"""What may stand for each type besides a text; and what such a text looks like when it is no template."""


WORDS: Mapping[str, str] = {
    "bool": "write true or false",
    "int": "write a whole number",
    "float": "write a number",
    "size": "write 2GiB, 512MiB or a number of bytes",
    "duration": "write 30s, 5m, 1h30m or a number of seconds",
    "mode": 'write "0644" or u+x,go-w',
    "dict": "write a mapping",
}
"""What an editor says of a text that does not fit (`patternErrorMessage`, a word of theirs)."""


def plain(kind: str, *, template: bool = True) -> Schema:
    """A value of one of the types of arguments and parameters; `{}` for what may be anything."""
    if kind.startswith("list"):
        return _list(kind, template)
    if kind not in TYPES:
        return {}
    others, pattern = TYPES[kind]
    made: Schema = {"type": [*others, "string", "null"]}
    if pattern:
        made["pattern"] = f"{pattern}|{BRACES}" if template and pattern != BRACES else pattern
        made["patternErrorMessage"] = WORDS[kind]
    return made


def _list(kind: str, template: bool) -> Schema:
    inner = plain(kind[5:-1] if kind.startswith("list[") else "raw", template=template)
    if kind in ("list[str]", "list[path]"):
        return {"type": ["array", "string", "integer", "null"], "items": inner}
    return {"type": ["array", "string", "number", "boolean", "object", "null"], "items": inner}


def arguments(spec: ActionSpec) -> Schema:
    """An action's arguments: a mapping, `key=value` pairs, or what may stand alone."""
    shown = [p for p in spec.params.values() if not p.internal]
    free = spec.params[spec.free_form] if spec.free_form else None
    if spec.kind is Kind.CONTROL and spec.name == "set_fact":
        return {"description": _about(spec), "type": ["object", "string"]}
    properties = {name: _argument(p) for p in shown for name in (p.name, *p.aliases)}
    closed: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    needs = [_one_of([p.name, *p.aliases]) for p in shown if p.required]
    needs += [_one_of([n for name in group for n in (name, *spec.params[name].aliases)]) for group in spec.one_of]
    if needs:
        closed["allOf"] = needs
    text: Schema = {"type": "string"} if free else {"type": "string", "pattern": PAIRS}
    if not free:
        text["patternErrorMessage"] = f"{spec.name} takes arguments: {spec.name}: {{...}}"
    ways: list[Schema] = [closed, text]
    if free is not None:
        ways.append(_value(free))
    if not needs:
        ways.append({"type": "null"})
    return {"description": _about(spec), "anyOf": ways}


def _about(spec: ActionSpec) -> str:
    undo = f" Taken back: {spec.undo}." if spec.undo else ""
    return f"{spec.summary}.{undo}" + (f"\n\n{spec.examples}" if spec.examples else "")


def _one_of(names: list[str]) -> Schema:
    """At least one of them is there."""
    if len(names) == 1:
        return {"required": names}
    return {"anyOf": [{"required": [name]} for name in names]}


def _argument(param: ParamSpec) -> Schema:
    made = _value(param)
    made["description"] = param.doc
    if isinstance(param.default, (bool, int, float, str)):
        made["default"] = param.default
    return made


def _value(param: ParamSpec) -> Schema:
    if param.choices and not param.type.startswith("list"):
        words = [w for c in param.choices for w in ([c, "yes", "no"] if isinstance(c, bool) else [c])]
        return {"anyOf": [{"enum": [*dict.fromkeys(words), None]}, {"type": "string", "pattern": BRACES}]}
    made = plain(param.type)
    if param.type in ("int", "float", "size", "duration"):
        made |= {n: b for n, b in (("minimum", param.minimum), ("maximum", param.maximum)) if b is not None}
    if param.keys:
        made["properties"] = {key: {} for key in param.keys}
        made["additionalProperties"] = False
    return made
