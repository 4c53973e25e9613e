"""Comparing version numbers, in the four ways that Ansible's `version` test knows.

`loose` and `strict` are the rules of the former distutils.version; `semver` is semver.org 2.0.0; `pep440` is
PEP 440 without local versions.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any

OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq, "=": operator.eq, "eq": operator.eq,
    "<": operator.lt, "lt": operator.lt,
    "<=": operator.le, "le": operator.le,
    ">": operator.gt, "gt": operator.gt,
    ">=": operator.ge, "ge": operator.ge,
    "!=": operator.ne, "<>": operator.ne, "ne": operator.ne,
}  # fmt: skip

_LOOSE = re.compile(r"(\d+|[a-z]+|\.)", re.IGNORECASE)
_STRICT = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?(?:([ab])(\d+))?", re.ASCII)
_SEMVER = re.compile(
    r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)"
    r"(?:-((?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?"
    r"(?:\+[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*)?"
)
_PEP440 = re.compile(
    r"v?(?:(\d+)!)?(\d+(?:\.\d+)*)"
    r"(?:[-_.]?(alpha|a|beta|b|preview|pre|c|rc)[-_.]?(\d*))?"
    r"(?:-(\d+)|[-_.]?(post|rev|r)[-_.]?(\d*))?"
    r"(?:[-_.]?(dev)[-_.]?(\d*))?(?:\+[a-z0-9]+(?:[-_.][a-z0-9]+)*)?",
    re.IGNORECASE,
)


def loose(text: str) -> list[int | str]:
    """Numbers and words; a number against a word has no order and raises TypeError."""
    parts = [part for part in _LOOSE.split(text) if part and part != "."]
    return [int(part) if part.isdigit() else part for part in parts]


def strict(text: str) -> tuple[Any, ...]:
    match = _STRICT.fullmatch(text)
    if not match:
        raise ValueError(f"{text!r} is not a strict version (1.2, 1.2.3, 1.2a1)")
    release = (int(match[1]), int(match[2]), int(match[3] or 0))
    return (*release, (match[4], int(match[5])) if match[4] else ("z", 0))


def semver(text: str) -> tuple[Any, ...]:
    match = _SEMVER.fullmatch(text)
    if not match:
        raise ValueError(f"{text!r} is not a semantic version (1.2.3, 1.2.3-rc.1)")
    core = tuple(map(int, match.group(1, 2, 3)))
    if match[4] is None:
        return (*core, 1, ())
    # a numeric identifier is lower than an alphanumeric one, and fewer are lower than more
    before = tuple((0, int(p), "") if p.isdigit() else (1, 0, p) for p in match[4].split("."))
    return (*core, 0, before)


def pep440(text: str) -> tuple[Any, ...]:
    match = _PEP440.fullmatch(text.strip())
    if not match:
        raise ValueError(f"{text!r} is not a PEP 440 version")
    release = [int(part) for part in match[2].split(".")]
    while release and release[-1] == 0:
        release.pop()
    word = (match[3] or "").lower()
    rank = {"": 3, "a": 0, "alpha": 0, "b": 1, "beta": 1}.get(word, 2)
    post = int(match[5]) if match[5] else (int(match[7] or 0) if match[6] else -1)
    developing = match[8] is not None
    if not word and post == -1 and developing:
        rank = -1  # 1.0.dev1 comes before 1.0a1
    dev = (0, int(match[9] or 0)) if developing else (1, 0)
    return (int(match[1] or 0), tuple(release), rank, int(match[4] or 0), post, dev)


SCHEMES: dict[str, Callable[[str], Any]] = {
    "loose": loose, "strict": strict, "semver": semver, "semantic": semver, "pep440": pep440,
}  # fmt: skip


def compare(
    value: object, version: object, operator: str = "eq", strict: bool | None = None, version_type: str | None = None
) -> bool:
    """Whether `value OPERATOR version` holds. Raises ValueError for what cannot be compared."""
    if not str(value) or not str(version):
        raise ValueError("an empty version cannot be compared")
    if strict is not None and version_type is not None:
        raise ValueError("say either strict or version_type")
    scheme = version_type or ("strict" if strict else "loose")
    if scheme not in SCHEMES:
        raise ValueError(f"unknown version_type {scheme!r}; there are {', '.join(SCHEMES)}")
    if operator not in OPERATORS:
        raise ValueError(f"unknown operator {operator!r}; there are {', '.join(OPERATORS)}")
    read = SCHEMES[scheme]
    try:
        return OPERATORS[operator](read(str(value)), read(str(version)))
    except TypeError:
        raise ValueError(f"{value} and {version} cannot be compared as {scheme} versions") from None
