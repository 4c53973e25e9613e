"""What an expectation measured: the values it names, the thresholds it holds them to, and their units."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping

from playbook_engine.model.errors import TemplateError
from playbook_engine.model.frozen import frozen
from playbook_engine.templating.environment import Templar

COMPARISON = re.compile(r"^\s*(?P<left>[^<>=!]+?)\s*(?P<op><=|>=|==|!=|<|>)\s*(?P<right>.+?)\s*$")
MEMBER = re.compile(r"^\s*(?P<left>[\w.]+)\s+(?P<op>not in|in)\s+(?P<right>\[.*\])\s*$")
COMPOUND = re.compile(r"^\s*not\b|\b(or|if)\b|(<=|>=|==|!=|<|>).*(<=|>=|==|!=|<|>)")
"""No single comparison with a threshold: an alternative, a negation, a chain. Only the whole of it can be told."""
UNITS = (
    ("_bytes", "bytes"), ("_ms", "ms"), ("_percent", "%"), ("_days", "days"), ("days_left", "days"), ("_seconds", "s"),
    ("_inodes", "inodes"), ("_mb", "MiB"), ("age", "s"), ("_s", "s"),
)  # fmt: skip


@frozen
class Measured:
    """One comparison of an expectation: `value op threshold`."""

    name: str
    value: object
    op: str = ""
    threshold: object = None
    unit: str = ""
    holds: bool | None = None

    def data(self) -> dict[str, object]:
        names = (field.name for field in dataclasses.fields(self))
        return {name: getattr(self, name) for name in names if getattr(self, name) not in (None, "")}


def measured(templar: Templar, expect: str, variables: Mapping[str, object]) -> list[Measured]:
    """The comparisons of an expectation that can be told apart, each with what was found. Never raises."""
    found = []
    for part in conjuncts(expect):
        match = None if COMPOUND.search(part) else MEMBER.match(part) or COMPARISON.match(part)
        left, op, right = (match["left"], match["op"], match["right"]) if match else (part, "", "")
        try:
            value = templar.evaluate_value(left, variables)
            threshold = templar.evaluate_value(right, variables) if right else None
            holds: bool | None = templar.evaluate(part, variables)
        except TemplateError:
            continue
        if isinstance(value, (dict, list)) or (isinstance(value, str) and len(value) > 200):
            continue
        found.append(
            Measured(
                name=name_of(left),
                value=value,
                op=op,
                threshold=threshold,
                unit=unit_of(left) if op else "",
                holds=holds,
            )
        )
    return found


def conjuncts(expect: str) -> list[str]:
    """The expression cut at its outermost `and`s; whole where there are none, or an `or`."""
    depth, quote, parts, last = 0, "", [], 0
    words = re.finditer(r"[()\[\]{}\"']|\b(and|or|not|if)\b", expect)
    for word in words:
        text = word[0]
        if quote:
            quote = "" if text == quote else quote
        elif text in "\"'":
            quote = text
        elif text in "([{":
            depth += 1
        elif text in ")]}":
            depth -= 1
        elif depth == 0 and text in ("or", "if"):
            return [expect]
        elif depth == 0 and text == "and":
            parts.append(expect[last : word.start()])
            last = word.end()
    parts.append(expect[last:])
    return [p.strip() for p in parts if p.strip()]


def name_of(expression: str) -> str:
    """`result.free_bytes` is measured as free_bytes."""
    return re.sub(r"^result\.", "", expression.strip())


def unit_of(expression: str) -> str:
    """The unit that the name of a result ends in, as the actions name them."""
    leaf = re.split(r"[.\[]", expression.split("|")[0].strip().rstrip("]"))[-1]
    return next((unit for end, unit in UNITS if leaf.endswith(end)), "")
