"""Which hosts a command is for: patterns and limits over an inventory, or plain names as SSH destinations."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from playbook_engine.app.wiring import App
from playbook_engine.inventory.inventory import Inventory, load_inventory
from playbook_engine.model.errors import InventoryError, UsageError
from playbook_engine.model.host import Host


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """The hosts of a run, all others that a step may be delegated to, and the groups."""

    hosts: tuple[Host, ...]
    others: Mapping[str, Host]
    groups: Mapping[str, tuple[str, ...]]


def targets(app: App, sources: Sequence[str], pattern: str, limit: str | None, folder: Path | None) -> Targets:
    """Raises InventoryError: zero hosts, a name that means nothing, an inventory that does not load."""
    inventory = load_inventory(sources, playbook_dir=folder, templar=app.templar)
    hosts = inventory.select(pattern, limit)
    if not hosts:
        raise InventoryError(f"no hosts match {pattern!r}" + (f" within {limit!r}" if limit else ""))
    return Targets(hosts=tuple(hosts), others=_others(inventory), groups=_groups(inventory))


def _others(inventory: Inventory) -> dict[str, Host]:
    return {h.name: h for h in inventory.hosts()}


def _groups(inventory: Inventory) -> dict[str, tuple[str, ...]]:
    return {name: tuple(group.hosts) for name, group in inventory.groups.items()}


def confirm_many(hosts: Sequence[Host], *, yes: bool, mean: int | None, terminal: bool) -> None:
    """More than one host without a pattern from the operator wants a yes. Raises UsageError."""
    count = len(hosts)
    if mean is not None and mean != count:
        raise UsageError(f"--yes-i-mean {mean}, and there are {count} hosts: {_some(hosts)}")
    if yes or mean is not None or count == 1:
        return
    if not terminal:
        raise UsageError(
            f"this would touch {count} hosts: {_some(hosts)}",
            advice=f"say --yes, or --yes-i-mean {count}, or name the hosts",
        )
    import click

    if not click.confirm(f"{count} hosts: {_some(hosts)}. Go on?"):
        raise UsageError("nothing was done")


def _some(hosts: Sequence[Host]) -> str:
    names = [h.name for h in hosts]
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")


def extra_vars(given: Sequence[str]) -> dict[str, object]:
    """`-e key=value`, `-e '{json}'`, `-e @file.yml`. Raises UsageError."""
    import json
    import shlex

    import yaml

    found: dict[str, object] = {}
    for text in given:
        if text.startswith("@"):
            try:
                loaded = yaml.safe_load(Path(os.path.expanduser(text[1:])).read_text())
            except (OSError, yaml.YAMLError) as error:
                raise UsageError(f"-e {text}: {error}") from error
        elif text.lstrip().startswith(("{", "[")):
            try:
                loaded = json.loads(text)
            except ValueError:
                loaded = yaml.safe_load(text)
        else:
            loaded = {}
            for word in shlex.split(text):
                key, equals, value = word.partition("=")
                if not equals or not key.isidentifier():
                    raise UsageError(f"-e {text!r} is neither key=value, JSON, nor @file")
                loaded[key] = value
        if not isinstance(loaded, dict):
            raise UsageError(f"-e {text!r} holds no mapping")
        found.update(loaded)
    return found
