"""Which hosts a command is for: patterns and limits over an inventory, or plain names as SSH destinations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from playbook_engine.app.wiring import App
from playbook_engine.inventory.inventory import Inventory, load_inventory
from playbook_engine.inventory.vault import ADVICE
from playbook_engine.model.errors import InventoryError, VaultError
from playbook_engine.model.frozen import frozen
from playbook_engine.model.host import ConnectionSpec, Host


@frozen
class Targets:
    """The hosts of a run, all others that a step may be delegated to, and the groups."""

    hosts: tuple[Host, ...]
    others: Mapping[str, Host]
    groups: Mapping[str, tuple[str, ...]]


def targets(
    app: App,
    sources: Sequence[str],
    pattern: str,
    limit: str | None,
    folder: Path | None,
    extra: Mapping[str, object] | None = None,
) -> Targets:
    """Raises InventoryError: zero hosts, a name that means nothing, an inventory that does not load."""
    inventory = load_inventory(
        sources, playbook_dir=folder, templar=app.templar, extra_vars=extra, login=app.login,
        usual=app.settings.inventory,
    )  # fmt: skip
    hosts = inventory.select(pattern, limit)
    if not hosts:
        raise InventoryError(f"no hosts match {pattern!r}" + (f" within {limit!r}" if limit else ""))
    for host in hosts:
        refuse_locked(host)
    return Targets(hosts=tuple(hosts), others=others_of(inventory), groups=_groups(inventory))


def refuse_locked(host: Host) -> None:
    """Raises VaultError where how to reach a host that is wanted does not decrypt."""
    if host.connection.locked:
        raise VaultError(f"{host.name}: {host.connection.locked}", advice=ADVICE)


def others_of(inventory: Inventory) -> dict[str, Host]:
    """One whose variables do not decrypt is none of this run's business, until a step is delegated to it."""
    found: dict[str, Host] = {}
    for name in inventory.host_names:
        try:
            found[name] = inventory.get(name)
        except VaultError as error:
            found[name] = Host(name=name, connection=ConnectionSpec(locked=str(error)))
    return found


def _groups(inventory: Inventory) -> dict[str, tuple[str, ...]]:
    return {name: tuple(members) for name, members in inventory.members.items()}
