"""An inventory while its sources are being read: groups and hosts that later sources still add to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from playbook_engine.model.errors import InventoryError
from playbook_engine.model.secret import Secret
from playbook_engine.model.source import SourcePos

ALL, UNGROUPED = "all", "ungrouped"


class Placed(dict[object, object]):
    """A mapping of a file that knows where its keys stand."""

    places: dict[object, SourcePos]


def place_of(values: Mapping[str, object], name: str) -> SourcePos | None:
    """Where a key stands; None for a mapping that does not know."""
    return values.places.get(name) if isinstance(values, Placed) else None


@dataclass(slots=True, kw_only=True)
class DraftGroup:
    """`hosts` and `children` are ordered sets of names."""

    name: str
    hosts: dict[str, None] = field(default_factory=dict)
    children: dict[str, None] = field(default_factory=dict)
    variables: dict[str, object] = field(default_factory=dict)
    priority: int | None = None


@dataclass(slots=True, kw_only=True)
class DraftHost:
    name: str
    variables: dict[str, object] = field(default_factory=dict)
    source: str = ""


@dataclass(slots=True, kw_only=True)
class Assignment:
    """One place that gives a variable. `line` counts from 1; 0 where there is none, as in what a script printed."""

    name: str
    value: object
    file: str
    line: int = 0


class Draft:
    """What the parsers fill. A name may be a host and a group at once, as in Ansible; it is warned about.

    `trail`, where one is kept, has every place that gave a variable to a host or group, in the order read.
    """

    def __init__(self, *, trail: bool = False, programs: bool = True) -> None:
        """`programs`: whether executable sources are run; they are passed over otherwise."""
        self.programs = programs
        self.trail: dict[tuple[str, str], list[Assignment]] | None = {} if trail else None
        self.groups: dict[str, DraftGroup] = {}
        self.hosts: dict[str, DraftHost] = {}
        self.warnings: list[str] = []
        self.source = ""
        self.add_group(ALL)
        self.add_group(UNGROUPED)
        self.add_child(ALL, UNGROUPED)

    def add_group(self, name: str) -> DraftGroup:
        return self.groups.setdefault(name, DraftGroup(name=name))

    def add_host(
        self, name: str, group: str | None = None, port: int | None = None, where: SourcePos | None = None
    ) -> DraftHost:
        """The host of that name. The port beside a name (`web1:2222`) counts where the host is first mentioned."""
        host = self.hosts.get(name)
        if host is None:
            host = self.hosts[name] = DraftHost(name=name, source=self.source)
            if port is not None:
                self.set_host_variables(name, {"ansible_port": port}, where)
        if group is not None:
            self.groups[group].hosts[name] = None
        return host

    def add_child(self, parent: str, child: str, where: SourcePos | None = None) -> None:
        if parent == child or parent in self.descendants(child):
            raise InventoryError(
                f"group {child!r} cannot be a child of {parent!r}: they would contain each other", where=where
            )
        self.groups[parent].children[child] = None

    def set_group_variable(self, group: str, name: str, value: object, where: SourcePos | None = None) -> None:
        if name == "ansible_group_priority":
            try:
                self.groups[group].priority = int(str(value.reveal() if isinstance(value, Secret) else value))
            except ValueError:
                raise InventoryError(f"ansible_group_priority is a whole number, not {value!r}", where=where) from None
        else:
            self.groups[group].variables[name] = value
            self._note("group", group, name, value, where)

    def set_host_variables(self, host: str, values: Mapping[str, object], where: SourcePos | None = None) -> None:
        self.hosts[host].variables.update(values)
        if self.trail is not None:
            for name, value in values.items():
                self._note("host", host, name, value, place_of(values, name) or where)

    def _note(self, kind: str, owner: str, name: str, value: object, where: SourcePos | None) -> None:
        if self.trail is not None:
            file, line = (where.file, where.line) if where is not None else (self.source, 0)
            self.trail.setdefault((kind, owner), []).append(Assignment(name=name, value=value, file=file, line=line))

    def set_group_variables(self, group: str, values: Mapping[str, object], where: SourcePos | None = None) -> None:
        for name, value in values.items():
            self.set_group_variable(group, name, value, place_of(values, name) or where)

    def descendants(self, name: str) -> list[str]:
        """The groups below a group, itself first, level by level in the order written."""
        ordered = {name: None}
        level: Iterable[str] = [name]
        while level:
            below = [c for g in level for c in self.groups[g].children if c not in ordered]
            ordered.update(dict.fromkeys(below))
            level = list(dict.fromkeys(below))
        return list(ordered)

    def reconcile(self) -> None:
        """Every group hangs under `all`; every host that is in no other group is `ungrouped`."""
        below = {child for group in self.groups.values() for child in group.children}
        for name in self.groups:
            if name != ALL and name not in below:
                self.groups[ALL].children[name] = None
        grouped = {host for group in self.groups.values() if group.name not in (ALL, UNGROUPED) for host in group.hosts}
        ungrouped = self.groups[UNGROUPED].hosts
        for name in self.hosts:
            if name in grouped:
                ungrouped.pop(name, None)
            else:
                ungrouped[name] = None
        for name in self.hosts:
            if name in self.groups:
                self.warnings.append(f"{name!r} is the name of a host and of a group")
