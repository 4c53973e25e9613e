"""What `runbook inventory` prints: the shapes of `ansible-inventory`."""

from __future__ import annotations

import datetime
import json
from collections.abc import Collection, Mapping, Sequence

from playbook_engine.inventory.draft import ALL
from playbook_engine.inventory.inventory import Inventory
from playbook_engine.model.errors import InventoryError
from playbook_engine.model.secret import Secret
from playbook_engine.model.vaulted import Vaulted
from playbook_engine.templating.node import Template


def as_list(inventory: Inventory, shown: Collection[str], *, export: bool = False) -> dict[str, object]:
    """`--list`: every group, and the variables of every host under `_meta`; hosts as far as they are `shown`.

    With `export` each variable stands where it was written: with its group, or its host.
    """
    groups = inventory.groups
    made: dict[str, object] = {}

    def add(name: str) -> None:
        group = groups[name]
        entry: dict[str, object] = {}
        made[name] = entry
        hosts = [host for host in group.hosts if host in shown] if name != ALL else []
        for child in group.children:
            if child not in made:
                add(child)
        if group.children:
            entry["children"] = list(group.children)
        if hosts:
            entry["hosts"] = hosts
        if export and (values := _of_group(inventory, name)):
            entry["vars"] = values

    add(ALL)
    variables = {
        name: alone(inventory, name) if export else as_host(inventory, name)
        for name in shown
        if name in inventory.host_names
    }
    meta = {"hostvars": {name: values for name, values in variables.items() if values}}
    return {"_meta": meta, **{name: entry for name, entry in made.items() if entry or name == ALL}}


def as_tree(inventory: Inventory, shown: Collection[str], *, export: bool = False) -> dict[str, object]:
    """`--list --yaml`: an inventory in YAML that says the same. A host's variables stand where it is first named."""
    seen: set[str] = set()

    def tree(name: str) -> dict[str, object]:
        group = inventory.groups[name]
        children = {child: below for child in sorted(group.children) if (below := tree(child))}
        hosts: dict[str, object] = {}
        for host in sorted(host for host in group.hosts if host in shown and name != ALL):
            told = alone(inventory, host) if export else as_host(inventory, host)
            hosts[host] = {} if host in seen else told
            seen.add(host)
        values = _of_group(inventory, name) if export else {}
        parts = {"children": children, "hosts": hosts, "vars": values}
        return {key: part for key, part in parts.items() if part}

    return {ALL: tree(ALL)}


def _of_group(inventory: Inventory, name: str) -> dict[str, object]:
    values = shown_value(inventory.group_variables(name))
    assert isinstance(values, dict)
    return {key: value for key, value in values.items() if (key, value) != ("ansible_group_priority", 1)}


def alone(inventory: Inventory, name: str) -> dict[str, object]:
    """`--host --export`: what is said of the host itself."""
    values = shown_value(inventory.own_variables(name))
    assert isinstance(values, dict)
    return values


def as_host(inventory: Inventory, name: str) -> dict[str, object]:
    """`--host`: the merged variables of one host, templates as their authors wrote them."""
    values = shown_value(inventory.get(name).variables)
    assert isinstance(values, dict)
    return values


def as_graph(inventory: Inventory, shown: Collection[str], top: str = ALL, *, with_variables: bool = False) -> str:
    """`--graph`: the tree of groups and hosts as text, from the group `top` down."""
    groups = inventory.groups
    if top not in groups:
        raise InventoryError(f"there is no group {top!r}", advice=f"there are: {', '.join(groups)}")
    lines: list[str] = []

    def put(text: str, depth: int) -> None:
        lines.append(f"  {'|  ' * (depth - 1)}|--{text}" if depth else text)

    def variables(values: Mapping[str, object], depth: int) -> None:
        for name in sorted(values):
            value = values[name]
            shown = "(encrypted)" if isinstance(value, Vaulted) else shown_value(value)
            put("{" + f"{name} = {shown}" + "}", depth)

    def add(name: str, depth: int) -> None:
        group = groups[name]
        put(f"@{name}:", depth)
        for child in group.children:
            add(child, depth + 1)
        for host in group.hosts if name != ALL else ():
            if host in shown:
                put(host, depth + 1)
                if with_variables:
                    variables(inventory.get(host).variables, depth + 2)
        if with_variables:
            variables(inventory.group_variables(name), depth + 1)

    add(top, 0)
    return "\n".join(lines) + "\n"


def as_json(document: object) -> str:
    return json.dumps(document, indent=4, sort_keys=True, ensure_ascii=False, default=_spelled) + "\n"


def _spelled(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime.date) else str(value)


VAULTED = "__ansible_vault"
"""The key under which Ansible's JSON has an encrypted value."""


def shown_value(value: object) -> object:
    """A value for printing: templates as their text, encrypted values as they stand in their file, and what came out of
    an encrypted file as it is: who asks for it has given the password."""
    if isinstance(value, Template):
        return value.source
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, Vaulted):
        return {VAULTED: value.ciphertext}
    if isinstance(value, Mapping):
        return {str(key): shown_value(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [shown_value(item) for item in value]
    return value
