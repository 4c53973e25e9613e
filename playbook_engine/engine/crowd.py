"""What the hosts of a run let one another see: what each has set, which of them are out, which plays are over."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

OVER = "over"
"""How a play ends (`ScopeFinished`) on a host that has ended it for all that come later."""


class Crowd:
    """Shared by the machines of a run. Each host writes its own entry only; the others read. `given`: what hosts have
    learned of one another, which the host itself may know better."""

    def __init__(self) -> None:
        self._set: dict[str, Mapping[str, object]] = {}
        self.given: dict[str, dict[str, object]] = {}
        self._gifts: dict[str, dict[tuple[int, int], Mapping[str, object]]] = {}
        self._steps: list[str] = []
        self._plays: dict[tuple[tuple[str, ...], tuple[str, ...]], Play] = {}
        self._lock = threading.Lock()
        self.out: set[str] = set()
        self.over: set[str] = set()  # the ids of plays that `meta: end_play` has ended

    def shows(self, host: str, values: Mapping[str, object]) -> None:
        """What a host has registered and set, as a mapping that it goes on filling."""
        self._set[host] = values

    def gives(self, host: str, values: Mapping[str, object], step: str, giver: int) -> None:
        """What another host has learned of this one (`delegate_facts`). Of what several have learned in one step that
        of the last one counts, in the order of the hosts (`giver`), whoever was faster."""
        with self._lock:
            if step not in self._steps:
                self._steps.append(step)
            gifts = self._gifts.setdefault(host, {})
            order = (self._steps.index(step), giver)
            gifts[order] = {**gifts.get(order, {}), **values}
            self.given[host] = {name: value for _, found in sorted(gifts.items()) for name, value in found.items()}

    def of(self, host: str) -> Mapping[str, object]:
        return {**self.given.get(host, {}), **self._set.get(host, {})}

    def play(self, hosts: tuple[str, ...], batch: tuple[str, ...]) -> Play:
        """The hosts that a play is for, and the batch of them whose turn it is: one for all that are in it."""
        if (hosts, batch) not in self._plays:
            self._plays[hosts, batch] = Play(hosts, batch)
        return self._plays[hosts, batch]


class Play:
    """What a play's hosts are called in templates. The lists are made once for all hosts, and again when one is out."""

    def __init__(self, hosts: Sequence[str], batch: Sequence[str]) -> None:
        self._hosts = list(hosts)
        self._batch = list(batch)
        self._known: tuple[int, dict[str, object]] = (-1, {})

    def magic(self, crowd: Crowd) -> dict[str, object]:
        """Ansible's names for them: those that are out are among `ansible_play_hosts_all` only."""
        out = len(crowd.out)
        known, names = self._known
        if known != out:
            names = {
                "ansible_play_hosts_all": self._hosts,
                "ansible_play_hosts": [h for h in self._hosts if h not in crowd.out],
                "play_hosts": [h for h in self._batch if h not in crowd.out],
                "ansible_play_batch": [h for h in self._batch if h not in crowd.out],
            }
            self._known = out, names
        return names
