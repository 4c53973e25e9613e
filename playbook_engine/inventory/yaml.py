"""YAML (and JSON) inventories: groups with `hosts`, `children`, `vars`."""

from __future__ import annotations

from collections.abc import Mapping

from playbook_engine.inventory.draft import Draft, place_of
from playbook_engine.inventory.suggestions import did_you_mean
from playbook_engine.inventory.vars_files import plain_key, read_yaml
from playbook_engine.model.addresses import expand
from playbook_engine.model.errors import InventoryError
from playbook_engine.model.secret import Secret
from playbook_engine.model.source import SourcePos

KEYS = ("hosts", "children", "vars")


def parse(text: str, file: str, draft: Draft, *, secret: bool = False) -> None:
    """Add a YAML inventory to the draft. Raises `InventoryError` with the place where there is one."""
    data = read_yaml(text, file, secret=secret, placed=draft.trail is not None)
    where = SourcePos(file=file, line=1)
    if data is None:
        return
    if not isinstance(data, Mapping):
        raise InventoryError(
            f"an inventory in YAML is a mapping of groups, this is a {type(data).__name__}",
            advice="start with `all:` and put `hosts:` below it",
            where=where,
        )
    if isinstance(data.get("plugin"), str):
        raise InventoryError(
            f"this configures the inventory plugin {data['plugin']!r}, and plugins are not supported",
            advice="export it once with `ansible-inventory --list --export`, or use an executable script",
            where=where,
        )
    for name, body in data.items():
        _group(_name(name, where), body, draft, where)


def _name(name: object, where: SourcePos) -> str:
    if not isinstance(name, str):
        raise InventoryError(f"{name!r} is no name of a group or host", advice="put it in quotes", where=where)
    return name


def _group(name: str, body: object, draft: Draft, where: SourcePos) -> None:
    if body is not None and not isinstance(body, Mapping):
        kind = type(body).__name__
        draft.warnings.append(f"{where.file}: {name!r} is ignored; a group is a mapping with hosts, not a {kind}")
        return
    draft.add_group(name)
    if body is None:
        return
    for key in body:
        if key not in KEYS:
            hint = did_you_mean(str(key), KEYS) or "a group has hosts, children and vars"
            draft.warnings.append(f"{where.file}: group {name!r}: {key!r} is ignored; {hint}")
    for key in body:  # in the order written: a host's variables may be set by more than one of them
        if key == "vars":
            draft.set_group_variables(name, _section(name, body, key, where), where)
        elif key == "children":
            for child, below in _section(name, body, key, where).items():
                child_name = _name(child, where)
                _group(child_name, below, draft, where)
                draft.add_child(name, child_name, where)
        elif key == "hosts":
            section = _section(name, body, key, where)
            for entry, variables in section.items():
                _host(name, _name(entry, where), variables, draft, place_of(section, entry) or where)


def _host(group: str, entry: str, variables: object, draft: Draft, where: SourcePos) -> None:
    try:
        names, port = expand(entry)
    except ValueError as exc:
        raise InventoryError(str(exc), where=where) from None
    if variables is not None and not isinstance(variables, Mapping):
        raise InventoryError(
            f"the variables of host {entry!r} are a mapping, not a {type(variables).__name__}", where=where
        )
    for name in names:
        draft.add_host(name, group, port, where)
        draft.set_host_variables(name, variables or {}, where)


def _section(group: str, body: Mapping[object, object], key: str, where: SourcePos) -> Mapping[str, object]:
    section = body.get(key)
    if section is None:
        return {}
    if isinstance(section, str | Secret):
        return {str(plain_key(section)): None}
    if not isinstance(section, Mapping):
        raise InventoryError(
            f"{key!r} of group {group!r} is a mapping, not a {type(section).__name__}",
            advice="write a colon after each name instead of a dash before it" if isinstance(section, list) else None,
            where=where,
        )
    return section
