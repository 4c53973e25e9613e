"""What the hosts of a run share: the barrier before the first change, the batches' turns, the reasons to stop."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from playbook_engine.engine.batches import over_budget
from playbook_engine.engine.commands import Cancel
from playbook_engine.model.errors import Interrupted
from playbook_engine.model.outcome import HostStatus
from playbook_engine.model.ports import Clock


class Coordinator:
    """Thread-safe; one a run."""

    def __init__(
        self, batches: Sequence[Sequence[str]], max_fail_percentage: float | None, deadline: float | None, clock: Clock
    ) -> None:
        self._batches = [list(b) for b in batches]
        self._batch_of = {name: n for n, batch in enumerate(batches) for name in batch}
        self._max_fail = max_fail_percentage
        self._clock = clock
        self._ends = clock.monotonic() + deadline if deadline else None
        self._deadline = deadline
        self._changed = threading.Condition()
        self._arrived: set[str] = set()
        self._finished: dict[str, HostStatus] = {}
        self._current = 0
        self._stop = ""
        self._cancel = ""
        self._to_cancel: set[str] = set()
        self.budget_exceeded = False

    def stop(self, reason: str) -> None:
        """No host begins another step."""
        with self._changed:
            self._stop = self._stop or reason
            self._changed.notify_all()

    def cancel(self, reason: str, hosts: Sequence[str]) -> None:
        """These hosts end what they are doing: each is told once, wherever it is."""
        with self._changed:
            self._stop = self._stop or reason
            self._cancel = reason
            self._to_cancel |= set(hosts)
            self._changed.notify_all()

    def heard(self, host: str) -> bool:
        """Whether a host is to be told that it is cancelled; it is told once."""
        with self._changed:
            told = host in self._to_cancel
            self._to_cancel.discard(host)
            return told

    def interrupt(self, host: str) -> None:
        """Raises Interrupted when the host is to end what it is doing."""
        if self._to_cancel and self.heard(host):
            raise Interrupted(self._cancel)

    def sleep(self, host: str, seconds: float) -> None:
        """Waits, unless the host is cancelled meanwhile. Raises Interrupted."""
        until = self._clock.monotonic() + seconds
        while (left := until - self._clock.monotonic()) > 0:
            self.interrupt(host)
            self._clock.sleep(min(left, 0.5))
        self.interrupt(host)

    @property
    def stopped(self) -> str:
        return self._stop

    def preconditions_done(self, host: str, fit: bool) -> str | None:
        """Waits until every host has looked at its preconditions; unfit ones do not wait."""
        with self._changed:
            self._arrived.add(host)
            self._changed.notify_all()
            while fit and len(self._arrived) < len(self._batch_of) and not self._stop:
                self._changed.wait()
            return self._stop or None

    def turn(self, host: str) -> str | None:
        """Waits for the host's batch. None to go on, `again` when its preconditions are to be looked at once more."""
        batch = self._batch_of[host]
        with self._changed:
            while self._current < batch and not self._stop:
                self._changed.wait()
            if self._stop:
                return self._stop
            return "again" if batch else None

    def step(self, host: str) -> str | Cancel | None:
        """Whether a host may begin its next step."""
        if self.heard(host):
            return Cancel(self._cancel)
        if self._ends is not None and self._clock.monotonic() > self._ends:
            self.stop(f"the run's deadline of {self._deadline:g}s has passed")
        return self._stop or None

    def finished(self, host: str, status: HostStatus) -> None:
        """A host has ended: its batch may be over, or over its failure budget."""
        with self._changed:
            self._finished[host] = status
            self._arrived.add(host)
            batch = self._batches[self._batch_of[host]]
            failed = sum(1 for h in batch if h in self._finished and not self._finished[h].good)
            # Without a limit one host's failure is its own affair, until a whole batch with a successor has failed.
            last = self._batch_of[host] == len(self._batches) - 1
            if over_budget(failed, len(batch), self._max_fail) and not (self._max_fail is None and last):
                self.budget_exceeded = True
                self._stop = (
                    self._stop or f"{failed} of {len(batch)} hosts of the batch failed: over the failure budget"
                )
            while self._current < len(self._batches) and all(h in self._finished for h in self._batches[self._current]):
                self._current += 1
            self._changed.notify_all()
