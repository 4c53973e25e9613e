"""Why a variable has its value: every place that gives it one, in the order of precedence, with file and line.

What `variables.Precedence` merges is told apart here again, by the same order. Values that are secrets are stars.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path

from playbook_engine.inventory.draft import Assignment, place_of
from playbook_engine.inventory.inventory import Inventory
from playbook_engine.inventory.listing import shown_value
from playbook_engine.inventory.suggestions import did_you_mean
from playbook_engine.inventory.variables import files_for
from playbook_engine.inventory.vars_files import read_vars_file
from playbook_engine.model.errors import InventoryError
from playbook_engine.model.frozen import frozen
from playbook_engine.model.secret import Secret
from playbook_engine.model.vaulted import Vaulted
from playbook_engine.templating.environment import Opener
from playbook_engine.templating.node import Template

STARS = "********"
_SECRET = re.compile(r"(?:^|_)(?:pass|password|passwd|passphrase|secret|token)$", re.IGNORECASE)


class Source(StrEnum):
    """What kind of place gives a value."""

    INVENTORY = "inventory"
    GROUP_VARS = "group_vars"
    HOST_VARS = "host_vars"
    RUNBOOK_GROUP_VARS = "group_vars beside the runbook"
    RUNBOOK_HOST_VARS = "host_vars beside the runbook"
    IMPLICIT = "the local machine"
    EXTRA = "extra vars"
    SETTINGS = "settings"


@frozen
class Candidate:
    """One place that gives a variable a value. `line` counts from 1; 0 where a place has none, as a script or `-e`.

    `group` is empty for what is a host's own; `depth` and `priority` decide among groups.
    """

    name: str
    value: object
    file: str
    line: int
    source: Source
    group: str = ""
    depth: int = 0
    priority: int = 1

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file

    def document(self) -> dict[str, object]:
        """For JSON."""
        found: dict[str, object] = {
            "value": masked(self.name, self.value), "file": self.file, "line": self.line or None,
            "source": str(self.source), "group": self.group or None,
        }  # fmt: skip
        return {**found, "depth": self.depth, "priority": self.priority} if self.group else found


def candidates(inventory: Inventory, host: str) -> Iterator[Candidate]:
    """What the sources and files say of a host, the last wins. The inventory has to be loaded with its trail.

    Raises InventoryError, VaultError.
    """
    draft, precedence, implicit = inventory.grounds(host)
    trail = draft.trail or {}
    for kind, name, folder in precedence.order(host):
        group = name if kind.startswith("group") else ""
        depth, priority = precedence.rank(name) if group else (0, 1)
        if folder is None:
            source, found = Source.INVENTORY, iter(trail.get((kind, name), ()))
        else:
            beside = " beside the runbook" if precedence.is_beside_runbook(folder) else ""
            source, found = Source(f"{kind}{beside}"), _in_files(folder / kind, name, inventory.templar.vault)
        for each in found:
            yield Candidate(
                name=each.name, value=each.value, file=each.file, line=each.line, source=source, group=group,
                depth=depth, priority=priority,
            )  # fmt: skip
    for name, value in implicit.items():
        yield Candidate(name=name, value=value, file=host, line=0, source=Source.IMPLICIT)


def usual(name: str, value: object, origin: str) -> Candidate:
    """What the settings say of how to reach hosts; every other place wins. `origin` is `FILE:LINE`, or a variable."""
    file, _, line = origin.rpartition(":")
    if not line.isdigit():
        file, line = origin, "0"
    return Candidate(name=name, value=value, file=file, line=int(line), source=Source.SETTINGS)


def extra(texts: Sequence[str], layers: Sequence[Mapping[str, object]]) -> Iterator[Candidate]:
    """What each `-e` of the command line says; they win."""
    for text, values in zip(texts, layers, strict=True):
        file = text.strip()[1:] if text.strip().startswith("@") else "-e"
        for each in _assignments(values, file):
            yield Candidate(name=each.name, value=each.value, file=each.file, line=each.line, source=Source.EXTRA)


def _in_files(folder: Path, name: str, opener: Opener) -> Iterator[Assignment]:
    for path in files_for(folder, name):
        yield from _assignments(read_vars_file(path, opener, placed=True), str(path))


def _assignments(values: Mapping[str, object], file: str) -> Iterator[Assignment]:
    for name, value in values.items():
        where = place_of(values, name)
        yield Assignment(name=name, value=value, file=file, line=where.line if where else 0)


def by_variable(found: Sequence[Candidate], wanted: str | None, host: str) -> dict[str, list[Candidate]]:
    """The candidates of each variable, the winner first. Raises InventoryError: no place gives the one wanted."""
    sorted_: dict[str, list[Candidate]] = {}
    for each in found:
        sorted_.setdefault(each.name, []).insert(0, each)
    if wanted is None:
        return dict(sorted(sorted_.items()))
    if wanted not in sorted_:
        near = did_you_mean(wanted, sorted_)
        raise InventoryError(
            f"nothing gives {host!r} a variable {wanted!r}",
            advice=near or f"`runbook inventory --explain {host}` lists those it has",
        )
    return {wanted: sorted_[wanted]}


def masked(name: str, value: object) -> object:
    """A value for reading over somebody's shoulder."""
    if isinstance(value, Vaulted):
        return "(encrypted)"
    if isinstance(value, Secret) or (isinstance(value, Template) and value.secret):
        return STARS
    if isinstance(value, Mapping):
        return {str(key): masked(str(key), item) for key, item in value.items()}
    if isinstance(value, list):
        return [masked(name, item) for item in value]
    if _SECRET.search(name) and value not in (None, "") and not isinstance(value, bool | Template):
        return STARS
    return shown_value(value)


def lines(found: Mapping[str, Sequence[Candidate]], *, all_of_them: bool) -> Iterator[str]:
    """A line for each candidate, winners marked; of each variable only the winner unless `all_of_them`."""
    rows: list[tuple[str, str, str, str]] = []
    for name, places in found.items():
        for number, each in enumerate(places if all_of_them else places[:1]):
            value = masked(name, each.value)
            text = value if isinstance(value, str) else _json(value)
            of = f", group {each.group} (depth {each.depth}, priority {each.priority})" if each.group else ""
            mark = ("* " if number == 0 else "  ") if all_of_them else ""
            rows.append((f"{mark}{name}", text, each.place, f"{each.source}{of}"))
    sizes = [min(max((len(row[n]) for row in rows), default=0), 60) for n in range(3)]
    for row in rows:
        yield "  ".join([*(f"{cell:<{size}}" for cell, size in zip(row[:3], sizes, strict=True)), row[3]])


def _json(value: object) -> str:
    import json

    return json.dumps(value, ensure_ascii=False, default=str)
