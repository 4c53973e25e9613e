"""Host patterns: `web:&prod:!web3`, `db*`, `~web[0-9]+`, `web[0:2]`, `@file`, in Ansible's order."""

from __future__ import annotations

import fnmatch
import functools
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from playbook_engine.model.addresses import split_port
from playbook_engine.model.errors import InventoryError
from playbook_engine.model.spelling import did_you_mean, nearest

LOCALHOST = ("localhost", "127.0.0.1", "::1")

_PARTS = re.compile(r"(?:[^\s:\[\]]|\[[^\]]*\])+")
_SUBSCRIPT = re.compile(r"(.+)\[(?:(-?[0-9]+)|([0-9]+)[:-]([0-9]*))\]")


class Names(Protocol):
    """What patterns are matched against."""

    @property
    def host_names(self) -> Iterable[str]: ...

    @property
    def members(self) -> Mapping[str, Sequence[str]]:
        """Every group's hosts, those of its descendants included."""
        ...

    def is_destination(self, name: str) -> bool:
        """Whether a name that no source mentions may be connected to all the same."""
        ...


def split(pattern: str) -> list[str]:
    """The parts of a pattern. A comma separates; else a colon, except inside an IPv6 address or a range."""
    pattern = pattern.strip()
    if pattern.startswith("@"):
        return _from_file(pattern[1:])
    if "," in pattern:
        return [piece.strip() for piece in pattern.split(",") if piece.strip()]
    if split_port(pattern.partition("@")[2] or pattern) is not None:
        return [pattern]
    return _PARTS.findall(pattern)


def _from_file(name: str) -> list[str]:
    try:
        lines = Path(os.path.expanduser(name)).read_text(encoding="utf-8").splitlines()
    except OSError as exc:
        raise InventoryError(f"the list of hosts {name!r} cannot be read: {exc.strerror}") from None
    parts = [line.strip() for line in lines]
    return [part for line in parts if line and not line.startswith("#") for part in split(line)]


def select(names: Names, parts: Sequence[str], unknown: list[str] | None = None) -> list[str]:
    """The hosts that the parts stand for: what is named, then `&` narrows it, then `!` takes away.

    A name that is nowhere is an error, or is added to `unknown` where a list is given.
    """
    matches = functools.partial(_matches, names, unknown)
    chosen: dict[str, None] = {}
    for part in [part for part in parts if part[0] not in "&!"] or ["all"]:
        # a plain name is the host of that name first; after & and ! the group of that name is meant
        chosen.update(dict.fromkeys([part] if part in names.host_names else matches(part)))
    for part in parts:
        if part[0] == "&":
            kept = set(matches(part[1:]))
            chosen = {name: None for name in chosen if name in kept}
    for part in parts:
        if part[0] == "!":
            for name in matches(part[1:]):
                chosen.pop(name, None)
    return list(chosen)


class _Listed:
    """Groups as templates see them."""

    def __init__(self, groups: Mapping[str, Sequence[str]]) -> None:
        self.members = groups
        self.host_names: dict[str, None] = dict.fromkeys(name for hosts in groups.values() for name in hosts)

    def is_destination(self, name: str) -> bool:
        return False


def in_groups(groups: Mapping[str, Sequence[str]], terms: Iterable[str]) -> list[str]:
    """The hosts that patterns mean among those of some groups. Raises InventoryError."""
    return select(_Listed(groups), [part for term in terms for part in split(term)])


def _matches(names: Names, unknown: list[str] | None, part: str) -> list[str]:
    subscript = None if part.startswith("~") else _SUBSCRIPT.fullmatch(part)
    base = subscript[1] if subscript else part
    found = _named(names, base)
    if not found and base not in names.members and not _is_glob(base):
        if unknown is None:
            raise _nowhere(names, base)
        unknown.append(base)
    return _sliced(found, subscript, unknown) if subscript else found


def _nowhere(names: Names, part: str) -> InventoryError:
    return InventoryError(
        f"{part!r} is neither a host nor a group of the inventory",
        advice=did_you_mean(map(repr, nearest(part, [*names.host_names, *names.members])))
        or "see `runbook inventory --graph`",
    )


def _is_glob(part: str) -> bool:
    return part.startswith("~") or any(sign in part for sign in "*?[")


def _named(names: Names, part: str) -> list[str]:
    expression = part[1:] if part.startswith("~") else fnmatch.translate(part)
    try:
        regex = re.compile(expression)
    except re.error as exc:
        raise InventoryError(f"{part!r} is no valid pattern: {exc}") from None
    groups = [name for name in names.members if regex.match(name)]
    found = dict.fromkeys(host for group in groups for host in names.members[group])
    if not groups or part.startswith("~") or any(sign in part for sign in ".?*["):
        found.update(dict.fromkeys(name for name in names.host_names if regex.match(name)))
    if not found and part in LOCALHOST:
        # an inventory that knows the local machine by another of its names means that entry
        return [next((name for name in names.host_names if name in LOCALHOST), part)]
    if not found and not groups and names.is_destination(part):
        return [part]
    return list(found)


def _sliced(hosts: list[str], subscript: re.Match[str], unknown: list[str] | None) -> list[str]:
    _, single, first, last = subscript.groups()
    if single is not None:
        index = int(single)
        if not -len(hosts) <= index < len(hosts):
            if unknown is not None:
                unknown.append(subscript[0])
                return []
            raise InventoryError(f"{subscript[0]!r}: {subscript[1]!r} has only {len(hosts)} hosts")
        return [hosts[index]]
    return hosts[int(first) : (int(last) + 1 if last else None)]
