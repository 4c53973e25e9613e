"""`load_inventory` and the `Inventory` it gives: hosts, groups, patterns, variables."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from playbook_engine.inventory import sources
from playbook_engine.inventory.connection import connection_of
from playbook_engine.inventory.draft import ALL, Draft, DraftHost
from playbook_engine.inventory.suggestions import did_you_mean
from playbook_engine.inventory.variables import Precedence
from playbook_engine.model import patterns
from playbook_engine.model.errors import InventoryError
from playbook_engine.model.host import Group, Host
from playbook_engine.templating.environment import Templar


def load_inventory(
    given: Sequence[str],
    *,
    playbook_dir: Path | None = None,
    templar: Templar,
    extra_vars: Mapping[str, object] | None = None,
    login: Mapping[str, object] | None = None,
    usual: Sequence[str] = (),
    trail: bool = False,
    programs: bool = True,
) -> Inventory:
    """Read every source. Without `given`: the `usual` ones of the settings, ./inventory/, or nothing at all.

    `playbook_dir` is where the runbook lies, whose `group_vars` and `host_vars` count too. `extra_vars` win over
    every other variable; `login` are connection variables that give way to all others (-u, -k and their like).
    With `trail` every place is remembered that gives a variable (`explanation`); without `programs` none is run.
    Encrypted values are opened by the templar's vault, when they are used. Raises `InventoryError`, `VaultError`; a
    source that cannot be read in full is never read in part.
    """
    chosen = sources.chosen(given, usual, Path.cwd())
    draft = Draft(trail=trail, programs=programs)
    for source in chosen:
        sources.read(source, draft, templar.vault)
    draft.reconcile()
    beside = [folder for folder in map(sources.folder_of, chosen) if folder is not None]
    precedence = Precedence(draft, beside, playbook_dir, templar.vault)
    return Inventory(draft, precedence, templar, extra_vars or {}, login or {}, sources=tuple(chosen))


class Inventory:
    """Everything the sources say. Hosts are built when asked for: five thousand are cheap to load.

    With no source at all, a name that is asked for is an SSH destination (`user@host:port`).
    """

    def __init__(
        self,
        draft: Draft,
        precedence: Precedence,
        templar: Templar,
        extra_vars: Mapping[str, object],
        login: Mapping[str, object],
        *,
        sources: tuple[str, ...],
    ) -> None:
        self.sources = sources
        self.warnings = tuple(draft.warnings)
        self.members = {name: self._members(draft, name) for name in draft.groups}
        self._draft = draft
        self._precedence = precedence
        self.templar = templar
        self._extra_vars = extra_vars
        self._login = login
        self._built: dict[str, Host] = {}

    @staticmethod
    def _members(draft: Draft, name: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(host for group in draft.descendants(name) for host in draft.groups[group].hosts))

    # ------------------------------------------------------------------ what there is

    @property
    def host_names(self) -> Mapping[str, object]:
        """Names of all hosts in the order in which the sources mention them."""
        return self._draft.hosts

    def is_destination(self, name: str) -> bool:
        return not self.sources and name not in self._draft.groups and name[0] not in "~@" and "*" not in name

    def hosts(self) -> list[Host]:
        return [self.get(name) for name in self.members[ALL]]

    @property
    def groups(self) -> dict[str, Group]:
        """The groups with what the sources say of them; no `group_vars` file is read for this."""
        return {
            name: Group(
                name=name,
                hosts=tuple(group.hosts),
                children=tuple(group.children),
                variables=group.variables,
                priority=1 if group.priority is None else group.priority,
            )
            for name, group in self._draft.groups.items()
        }

    def group_variables(self, name: str) -> dict[str, object]:
        """What a group says, its files included; reads them."""
        return self._precedence.of_group(name)

    def own_variables(self, name: str) -> dict[str, object]:
        """What a host says itself, its files included."""
        return self._precedence.of_host_alone(name, self._draft.hosts[name].variables)

    def get(self, name: str) -> Host:
        """The host of that name. Raises `InventoryError` with a suggestion."""
        found = self._built.get(name)
        if found is None:
            draft = self._draft.hosts.get(name) or self._implicit(name)
            merged = self._precedence.of_host(name, draft.variables)
            if name not in self._draft.hosts:
                # the local machine is local even where group_vars/all say how to reach the others
                merged.update(draft.variables)
            merged.update(self._extra_vars)
            groups = tuple(g for g in self._precedence.groups_of(name) if g != ALL)
            magic = {"inventory_hostname": name, "ansible_playbook_python": sys.executable}
            connection = connection_of(name, {**merged, **magic}, self.templar, self._login)
            found = Host(name=name, groups=groups, variables=merged, connection=connection)
            self._built[name] = found
        return found

    def _implicit(self, name: str) -> DraftHost:
        if name in patterns.LOCALHOST:
            local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
            return DraftHost(name=name, variables=dict(local))
        if self.is_destination(name):
            return DraftHost(name=name)
        raise InventoryError(
            f"there is no host {name!r} in the inventory",
            advice=did_you_mean(name, self._draft.hosts) or "see `runbook inventory --graph`",
        )

    def grounds(self, name: str) -> tuple[Draft, Precedence, Mapping[str, object]]:
        """What decides on the variables of a host, for `explanation`: the sources, the order, and what the local
        machine has although no source mentions it. Raises InventoryError."""
        implicit = {} if name in self._draft.hosts else self._implicit(name).variables
        return self._draft, self._precedence, implicit

    # ------------------------------------------------------------------ choosing

    def select(self, pattern: str, limit: str | None = None, *, allow_empty: bool = False) -> list[Host]:
        """The hosts of a pattern, narrowed by a limit, in Ansible's order.

        Raises `InventoryError` for a name that is not there, and when nobody is left unless `allow_empty`.
        A limit that leaves nobody is always an error.
        """
        names = self.select_names(pattern, limit)
        if not names and not allow_empty:
            raise InventoryError(
                f"no host matches {pattern!r}", advice="see `runbook inventory --graph`, or say --allow-empty"
            )
        return [self.get(name) for name in names]

    def select_names(self, pattern: str, limit: str | None = None, unknown: list[str] | None = None) -> list[str]:
        """As `select`, names only, nobody being fine; names that are nowhere are collected where a list is given."""
        names = self.matching(pattern, unknown)
        if limit is None:
            return names
        kept = set(self.matching(limit, unknown))
        left = [name for name in names if name in kept]
        if not left:
            raise InventoryError(
                f"no host matches both {pattern!r} and the limit {limit!r}", advice="see `runbook inventory --graph`"
            )
        return left

    def matching(self, pattern: str, unknown: list[str] | None = None) -> list[str]:
        """The names that one pattern means, perhaps none."""
        parts = [part for part in patterns.split(pattern) if part not in ("&", "!")]
        if not parts:
            raise InventoryError(f"the pattern {pattern!r} names no host", advice="`all` means every host")
        return patterns.select(self, parts, unknown)

    # ------------------------------------------------------------------ variables

    def variables(self, host: Host | str) -> dict[str, object]:
        """A host's merged variables and the magic ones; `hostvars` are resolved on use."""
        found = self.get(host) if isinstance(host, str) else host
        magic: dict[str, object] = {
            "inventory_hostname": found.name,
            "inventory_hostname_short": found.name.split(".")[0],
            "group_names": sorted(g for g in found.groups),
            "groups": {name: list(members) for name, members in self.members.items()},
            "hostvars": HostVars(self),
        }
        draft = self._draft.hosts.get(found.name)
        if draft and draft.source and Path(draft.source).exists():
            magic["inventory_file"] = str(Path(draft.source).absolute())
            magic["inventory_dir"] = str(Path(draft.source).absolute().parent)
        return {**found.variables, **magic}


class HostVars(Mapping[str, object]):
    """`hostvars`: each host's variables, resolved in that host's own scope when they are used."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory

    def __getitem__(self, name: str) -> object:
        inventory = self._inventory
        if name not in inventory.host_names and name not in patterns.LOCALHOST:
            raise KeyError(name)
        return inventory.templar.lazy(inventory.variables(name))

    def __iter__(self) -> Iterator[str]:
        return iter(self._inventory.host_names)

    def __len__(self) -> int:
        return len(self._inventory.host_names)
