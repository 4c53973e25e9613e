"""Which value wins: the merge order of inventory variables, lowest first.

    all's own · other groups' own · group_vars/all (inventory, then runbook) · group_vars/GROUP (inventory, then
    runbook) · the host's own · host_vars/HOST (inventory, then runbook)

Groups by depth, then `ansible_group_priority`, then name: the child wins over its parent. A later value replaces
an earlier one whole; mappings are not merged. Source: ansible-core's documentation of variable precedence.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from playbook_engine.inventory.draft import ALL, Draft
from playbook_engine.inventory.vars_files import read_vars_file
from playbook_engine.templating.environment import NO_VAULT, Opener

SUFFIXES = ("", ".yml", ".yaml", ".json")


class Precedence:
    """Merges the variables of hosts. `beside` are the inventory's folders in order, `runbook` the runbook's."""

    def __init__(self, draft: Draft, beside: Sequence[Path], runbook: Path | None, opener: Opener = NO_VAULT) -> None:
        self._draft = draft
        self._opener = opener
        self._beside = list(dict.fromkeys(beside))
        self._runbook = [runbook] if runbook is not None else []
        self._cache: dict[tuple[Path, str, str], dict[str, object]] = {}
        self._listed: dict[tuple[Path, str], frozenset[str]] = {}
        self._depth = _depths(draft)
        self._groups_of = self._ancestry()

    def _ancestry(self) -> dict[str, list[str]]:
        parents: dict[str, set[str]] = {name: set() for name in self._draft.groups}
        for group in self._draft.groups.values():
            for child in group.children:
                parents[child].add(group.name)
        above: dict[str, set[str]] = {}
        for name in sorted(self._draft.groups, key=self._depth.__getitem__):
            above[name] = {name}.union(*(above[p] for p in parents[name]))
        direct: dict[str, set[str]] = {name: {ALL} for name in self._draft.hosts}
        for group in self._draft.groups.values():
            for host in group.hosts:
                direct[host] |= above[group.name]
        return {host: sorted(groups, key=self._rank) for host, groups in direct.items()}

    def _rank(self, name: str) -> tuple[int, int, str]:
        priority = self._draft.groups[name].priority
        return self._depth[name], 1 if priority is None else priority, name

    def groups_of(self, host: str) -> list[str]:
        """All groups of a host, `all` first, the one whose variables win last."""
        return self._groups_of.get(host, [ALL])

    def of_group(self, name: str) -> dict[str, object]:
        """A group's own variables and those of its files, `ansible_group_priority` included where it is set."""
        group = self._draft.groups[name]
        merged = dict(group.variables)
        if group.priority is not None:
            merged["ansible_group_priority"] = group.priority
        merged.update(self._files(self._beside, "group_vars", [name]))
        merged.update(self._files(self._runbook, "group_vars", [name]))
        return merged

    def of_host(self, host: str, own: Mapping[str, object]) -> dict[str, object]:
        merged: dict[str, object] = {}
        for kind, name, folder in self.order(host):
            if folder is not None:
                merged.update(self._read(folder, kind, name))
            else:
                merged.update(own if kind == "host" else self._draft.groups[name].variables)
        return merged

    def of_host_alone(self, host: str, own: Mapping[str, object]) -> dict[str, object]:
        """What is said of the host itself, its files included, and not of its groups."""
        folders = [*self._beside, *self._runbook]
        return {**own, **self._files(folders, "host_vars", [host])}

    def order(self, host: str) -> Iterator[tuple[str, str, Path | None]]:
        """What is asked for variables of a host, the last wins: the sources' own `group` and `host` (no folder), and
        `group_vars` and `host_vars` in a folder, each with the name of the group or host."""
        groups = self.groups_of(host)
        others = [name for name in groups if name != ALL]
        for name in (ALL, *others):
            yield "group", name, None
        for names in ([ALL], others):
            for folder in (*self._beside, *self._runbook):
                for name in names:
                    yield "group_vars", name, folder
        yield "host", host, None
        for folder in (*self._beside, *self._runbook):
            yield "host_vars", host, folder

    def rank(self, group: str) -> tuple[int, int]:
        """How deep a group lies below `all`, and its priority: what decides among groups, before the name."""
        depth, priority, _ = self._rank(group)
        return depth, priority

    def is_beside_runbook(self, folder: Path) -> bool:
        return folder in self._runbook and folder not in self._beside

    def _files(self, folders: Iterable[Path], kind: str, names: Iterable[str]) -> dict[str, object]:
        merged: dict[str, object] = {}
        names = list(names)
        for folder in folders:
            for name in names:
                merged.update(self._read(folder, kind, name))
        return merged

    def _read(self, folder: Path, kind: str, name: str) -> Mapping[str, object]:
        if (folder, kind) not in self._listed:
            self._listed[folder, kind] = _listing(folder / kind)
        present = self._listed[folder, kind]
        if not any(f"{name}{suffix}" in present for suffix in SUFFIXES):
            return {}
        key = (folder, kind, name)
        found = self._cache.get(key)
        if found is None:
            found = {}
            for path in files_for(folder / kind, name):
                found.update(read_vars_file(path, self._opener))
            self._cache[key] = found
        return found


def _listing(folder: Path) -> frozenset[str]:
    """What is in a folder, looked at once for all hosts; nothing, where there is none."""
    try:
        return frozenset(os.listdir(folder))
    except OSError:
        return frozenset()


def files_for(folder: Path, name: str) -> list[Path]:
    """The files of one name: the first of `name`, `name.yml`, `name.yaml`, `name.json`; of a directory all in it."""
    if "/" in name or name in (".", "..") or not folder.is_dir():
        return []
    for suffix in SUFFIXES:
        path = folder / f"{name}{suffix}"
        if path.is_dir():
            return _inside(path) if not suffix else []
        if path.exists():
            return [path]
    return []


def _inside(folder: Path) -> list[Path]:
    found: list[Path] = []
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name.endswith("~"):
            continue
        if path.is_dir():
            found.extend(_inside(path) if not path.suffix else [])
        elif path.suffix in SUFFIXES:
            found.append(path)
    return found


def _depths(draft: Draft) -> dict[str, int]:
    """The longest way from `all` down to each group."""
    waiting = dict.fromkeys(draft.groups, 0)
    for group in draft.groups.values():
        for child in group.children:
            waiting[child] += 1
    depth = dict.fromkeys(draft.groups, 0)
    ready = [name for name, count in waiting.items() if count == 0]
    while ready:
        name = ready.pop()
        for child in draft.groups[name].children:
            depth[child] = max(depth[child], depth[name] + 1)
            waiting[child] -= 1
            if waiting[child] == 0:
                ready.append(child)
    return depth
