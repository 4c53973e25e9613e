"""What the hosts of a run share: the barrier before the first change, the batches' turns, the reasons to stop."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from playbook_engine.engine.commands import Cancel
from playbook_engine.engine.limits import DEADLINE, Limits
from playbook_engine.model.errors import Interrupted
from playbook_engine.model.outcome import HostStatus
from playbook_engine.model.ports import Clock


class Coordinator:
    """Thread-safe; one a run. `halted` is asked before every step: it says why nothing more may begin, or nothing."""

    def __init__(
        self, batches: Sequence[Sequence[str]], limits: Limits, clock: Clock, halted: Callable[[], str] = str
    ) -> None:
        self._batches = [list(b) for b in batches]
        self._batch_of = {name: n for n, batch in enumerate(batches) for name in batch}
        self._limits = limits
        self._halted = halted
        self._clock = clock
        self._ends = clock.monotonic() + limits.deadline if limits.deadline else None
        self._changed = threading.Condition()
        self._arrived: set[str] = set()
        self._finished: dict[str, HostStatus] = {}
        self._bad: dict[str, HostStatus] = {}
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

    def awaits(self, host: str) -> bool:
        """Whether a host was cancelled and has not heard of it yet."""
        return host in self._to_cancel

    def heard(self, host: str) -> bool:
        """Whether a host is to be told that it is cancelled; it is told once."""
        with self._changed:
            told = host in self._to_cancel
            self._to_cancel.discard(host)
            return told

    def interrupt(self, host: str) -> None:
        """Raises Interrupted when the host is to end what it is doing."""
        if self.awaits(host) and self.heard(host):
            raise Interrupted(self._cancel)

    def sleep(self, host: str, seconds: float) -> None:
        """Waits, unless the host is cancelled meanwhile. Raises Interrupted."""
        until = self._clock.monotonic() + seconds
        while (left := until - self._clock.monotonic()) > 0:
            self.interrupt(host)
            self._clock.sleep(min(left, 0.5))
        self.interrupt(host)

    def rest(self, host: str, seconds: float) -> None:
        """Waits where there is nothing to finish: a run that is stopped ends it at once. Raises Interrupted."""
        until = self._clock.monotonic() + seconds
        while (left := until - self._clock.monotonic()) > 0 and not self.halt():
            self.sleep(host, min(left, 0.5))

    @property
    def stopped(self) -> str:
        return self._stop

    def preconditions_done(self, host: str, fit: bool) -> str | None:
        """Waits until every host has looked at its preconditions; unfit ones do not wait, and have arrived when they
        have ended: what they use up of a failure budget is known before the first change."""
        with self._changed:
            if fit:
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
        return Cancel(self._cancel) if self.heard(host) else self.halt() or None

    def halt(self) -> str:
        """Why nothing more may begin; empty when it may."""
        if self._ends is not None and self._clock.monotonic() > self._ends:
            self.stop(f"{DEADLINE} of {self._limits.deadline:g}s has passed")
        if not self._stop and (reason := self._halted()):
            self.stop(reason)
        return self._stop

    def finished(self, host: str, status: HostStatus) -> None:
        """A host has ended: its batch may be over, or over its failure budget."""
        with self._changed:
            self._finished[host] = status
            self._arrived.add(host)
            # A host that was stopped has not failed: an interrupt or a deadline uses up no budget.
            if not status.good and not (self._stop and status is HostStatus.ABORTED):
                self._bad[host] = status
            over = self._limits.exceeded(self._batches, self._batch_of[host], self._finished, self._bad)
            if over:
                self.budget_exceeded = True
                self._stop = self._stop or over
            while self._current < len(self._batches) and all(h in self._finished for h in self._batches[self._current]):
                self._current += 1
            self._changed.notify_all()
