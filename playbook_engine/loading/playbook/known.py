"""What is known of variables before the run: enough for keywords that have to be settled then."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field

from playbook_engine.model.frozen import frozen


@frozen
class Known:
    """`extra`: the operator's variables, and what the run says of itself. `inventory`: what all hosts have in common,
    `mixed`: the names in which they differ, whose value nobody knows before there is a host. `open`: no inventory has
    been read, and a keyword that hangs on it cannot be judged."""

    extra: Mapping[str, object] = field(default_factory=dict)
    inventory: Mapping[str, object] = field(default_factory=dict)
    mixed: frozenset[str] = frozenset()
    open: bool = False

    def under(self, weak: Mapping[str, object], strong: Mapping[str, object]) -> dict[str, object]:
        """All of it with the defaults of roles (`weak`) and with what plays, roles, blocks and tasks say."""
        sure = {name: value for name, value in weak.items() if name not in self.mixed}
        return {**sure, **self.inventory, **strong, **self.extra}


NOTHING_KNOWN = Known(open=True)


def in_common(hosts: Iterable[Mapping[str, object]], extra: Mapping[str, object]) -> Known:
    """Out of the variables of each host of the inventory."""
    common: dict[str, object] = {}
    mixed: set[str] = set()
    for number, variables in enumerate(hosts):
        if not number:
            common = dict(variables)
            continue
        differ = {name for name, value in common.items() if name not in variables or variables[name] != value}
        mixed |= differ | {name for name in variables if name not in common}
        common = {name: value for name, value in common.items() if name not in differ}
    return Known(extra=extra, inventory=common, mixed=frozenset(mixed))
