"""Hosts that wait for one another: step by step (`strategy: linear`), one for all (`run_once`), a few at a time
(`throttle`), a play's batches, and a person who is asked before each step."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from playbook_engine.engine.batches import over_budget
from playbook_engine.engine.commands import Fatal, Join, Key, Place
from playbook_engine.engine.result import StepResult
from playbook_engine.model.outcome import HostStatus

LOOK = 0.5  # seconds after which a host that waits looks whether the run was stopped

Past = Mapping[Key, Mapping[str, StepResult | None]]
"""By which hosts a step that is done once was begun before this controller, and how it ended there, if it did."""
Group = tuple[str, int]


@dataclass(slots=True)
class _Shared:
    """A step that one host does for all: who, and what came of it."""

    leader: str = ""
    result: StepResult | None = None


class Lockstep:
    """Thread-safe; one a run. `stopped` says why nothing more may begin: then nobody waits any longer."""

    def __init__(self, batches: Sequence[Sequence[str]], stopped: Callable[[], str], past: Past | None = None) -> None:
        self._batches = [tuple(b) for b in batches]
        self._batch_of: dict[str, Group] = {name: ("", n) for n, batch in enumerate(batches) for name in batch}
        self._members: dict[Group, tuple[str, ...]] = {("", n): tuple(b) for n, b in enumerate(batches)}
        self._group = dict(self._batch_of)
        self._limits: dict[Group, Join] = {}
        self._stopped = stopped
        self._past = past or {}
        self._changed = threading.Condition()
        self._waiting: dict[str, Place] = {}
        self._here: dict[str, Place] = {}
        self._ranks: dict[Place, int] = {}
        self._failed: dict[str, Place] = {}
        self._fatal: dict[str, tuple[Place, Fatal]] = {}
        self._finished: dict[str, HostStatus] = {}
        self._once: dict[tuple[Key, Group], _Shared] = {}
        self._throttled: Counter[str] = Counter()
        self._confirmed: dict[Key, bool] = {}
        self._asking = threading.Lock()
        self.confirm: Callable[[str], str] | None = None

    # ---------------------------------------------------------------- step by step

    def arrive(self, host: str, place: Place) -> Fatal | None:
        """Waits until every other host of the run's batch has come as far: the earliest places go first. What another
        host has said of the place that this one came from, if this one has not failed there itself."""
        with self._changed:
            self._waiting[host] = place
            self._here.pop(host, None)
            self._leaves(host)
            self._release()
            while host in self._waiting and not self._stopped():
                self._changed.wait(LOOK)
            self._waiting.pop(host, None)
            fatal = self._fatal.pop(host, None)
            return fatal[1] if fatal is not None and fatal[0] != self._failed.get(host) else None

    def fatal(self, host: str, fatal: Fatal) -> None:
        """The host has failed where it is, and so has every other one of its batch that is there."""
        with self._changed:
            place = self._here.get(host)
            if place is not None:
                self._failed[host] = place
                for name in self._members[self._group[host]]:
                    if name not in (host, *self._finished):
                        self._fatal[name] = (place, fatal)

    def _release(self) -> None:
        """Lets those at the earliest place go, as soon as everybody waits."""
        for batch in self._batches:
            active = [h for h in batch if h not in self._finished]
            if active and all(h in self._waiting for h in active):
                places = {h: self._ordered(self._waiting[h]) for h in active}
                first = min(places.values())
                for name in active:
                    if places[name] == first:
                        self._here[name] = self._waiting.pop(name)
        self._changed.notify_all()

    def _ordered(self, place: Place) -> Place:
        """With the files that hosts have chosen in the order of the hosts that were the first to choose them."""
        return tuple(
            n if n >= 0 else self._ranks.setdefault(place[: depth + 1], len(self._ranks))
            for depth, n in enumerate(place)
        )

    def join(self, host: str, join: Join) -> None:
        """The host takes part in a batch of a play."""
        group = (join.play.id, join.batch)
        with self._changed:
            if group not in self._members:
                self._members[group] = tuple(h for h in join.play.batches[join.batch] if h not in self._finished)
                self._limits[group] = join
            self._group[host] = group

    def finished(self, host: str, status: HostStatus) -> str:
        """A host has ended. Why the others are to stop, or nothing."""
        with self._changed:
            self._finished[host] = status
            self._waiting.pop(host, None)
            self._leaves(host)
            self._release()
            join = self._limits.get(self._group[host])
            return "" if join is None or status.good or status is HostStatus.ABORTED else self._over(host, join)

    def _over(self, host: str, join: Join) -> str:
        play, members = join.play, self._members[self._group[host]]
        if play.runbook.any_errors_fatal:
            return f"{host} did not end well, and any error is fatal in {play.name}"
        bad = [h for h in members if h in self._finished and not self._finished[h].good]
        if not over_budget(len(bad), len(members), play.runbook.max_fail_percentage):
            return ""
        if play.runbook.max_fail_percentage is None:
            return f"no host is left of the batch of {play.name}"
        return f"{len(bad)} of {len(members)} hosts of the batch failed: over the failure budget of {play.name}"

    # ---------------------------------------------------------------- one for all

    def once(self, host: str, key: Key) -> StepResult | None:
        """None when this host is to do the step; else what came of it where it was done."""
        group = self._group[host]
        with self._changed:
            shared = self._once.setdefault((key, group), self._remembered(key, group))
            while shared.result is None and shared.leader != host and not self._stopped():
                if not shared.leader:
                    shared.leader = self._leader(host, group)
                    continue
                self._changed.wait(LOOK)
            return shared.result

    def told(self, host: str, key: Key, result: StepResult) -> None:
        """What came of a step that a host did for all."""
        with self._changed:
            self._once[key, self._group[host]].result = result
            self._changed.notify_all()

    def _leaves(self, host: str) -> None:
        """The host has gone on, or has ended: what it was to do for all and has not done, another one does."""
        for shared in self._once.values():
            if shared.leader == host and shared.result is None:
                shared.leader = ""

    def _leader(self, host: str, group: Group) -> str:
        """The first, in the order of its batch, of those who stand at this place; else the one that came first."""
        place = self._here.get(host)
        if place is None:
            return host
        there = [h for h in self._members[group] if h not in self._finished and self._here.get(h) == place]
        return there[0] if there else host

    def _remembered(self, key: Key, group: Group) -> _Shared:
        members = self._members[group]
        begun = {h: result for h, result in self._past.get(key, {}).items() if h in members}
        done = next((r for r in begun.values() if r is not None), None)
        return _Shared(leader=next((h for h in begun if h not in self._finished), ""), result=done)

    # ---------------------------------------------------------------- a few at a time, a person's word

    def throttle(self, step: str, limit: int) -> None:
        """Waits until fewer than `limit` hosts are at a step; with 0, one of them has left it."""
        with self._changed:
            if not limit:
                self._throttled[step] -= 1
                self._changed.notify_all()
                return
            while self._throttled[step] >= limit and not self._stopped():
                self._changed.wait(LOOK)
            self._throttled[step] += 1

    def confirmed(self, key: Key, name: str) -> bool:
        """Whether a person wants a step to be done: asked by the first host that comes to it."""
        with self._asking:
            if self.confirm is None:
                return True
            if key not in self._confirmed:
                answer = self.confirm(name)
                if answer == "continue":
                    self.confirm = None
                self._confirmed[key] = answer != "no"
            return self._confirmed[key]
