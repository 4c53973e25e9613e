"""What the hosts of a run let one another see: what each has set, and which of them are out."""

from __future__ import annotations

from collections.abc import Mapping

from playbook_engine.model.frozen import frozen


class Crowd:
    """Shared by the machines of a run. Each host writes its own entry only; the others read."""

    def __init__(self) -> None:
        self._set: dict[str, Mapping[str, object]] = {}
        self.out: set[str] = set()

    def shows(self, host: str, values: Mapping[str, object]) -> None:
        """What a host has registered and set, as a mapping that it goes on filling."""
        self._set[host] = values

    def of(self, host: str) -> Mapping[str, object]:
        return dict(self._set.get(host, {}))


@frozen
class Play:
    """The hosts that a play is for, and the batch of them whose turn it is."""

    hosts: tuple[str, ...]
    batch: tuple[str, ...]

    def magic(self, crowd: Crowd) -> dict[str, object]:
        """Ansible's names for them: those that are out are among `ansible_play_hosts_all` only."""
        return {
            "ansible_play_hosts_all": list(self.hosts),
            "ansible_play_hosts": [h for h in self.hosts if h not in crowd.out],
            "ansible_play_batch": [h for h in self.batch if h not in crowd.out],
        }
