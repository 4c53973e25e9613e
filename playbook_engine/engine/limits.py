"""How much of a run may go wrong before the hosts that are left are spared: the runbook's limits, and when one is over.

Pure: the coordinator tells what has ended, this says whether that is too much.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from playbook_engine.engine.batches import over_budget
from playbook_engine.model.frozen import frozen
from playbook_engine.model.outcome import HostStatus
from playbook_engine.model.runbook import Runbook

NAMED = 8  # hosts that a message names; of the others it gives the number

DEADLINE = "the run's deadline"
"""What the reason begins with for which a run that took too long is stopped."""


@frozen
class Limits:
    """`max_fail_percentage` is of one batch, `failure_budget` (hosts) of the whole run, `deadline` in seconds.

    `canary`: every host of the first batch has to end well before another batch begins.
    """

    max_fail_percentage: float | None = None
    failure_budget: int | None = None
    canary: bool = False
    deadline: float | None = None

    @classmethod
    def of(cls, runbook: Runbook, hosts: int) -> Limits:
        """The limits of a runbook on so many hosts. A `serial` with several entries is a ramp: it begins small in order
        to learn something, so its first batch is the canary."""
        return cls(
            max_fail_percentage=runbook.max_fail_percentage,
            failure_budget=_budget(runbook.failure_budget, hosts),
            canary=len(runbook.serial) > 1,
            deadline=runbook.deadline,
        )

    def exceeded(
        self,
        batches: Sequence[Sequence[str]],
        batch: int,
        ended: Mapping[str, HostStatus],
        bad: Mapping[str, HostStatus],
    ) -> str:
        """Why no further step may begin, after a host of `batches[batch]` has ended; else empty.

        `ended` are all hosts that have, `bad` those of them that count: not those which were merely stopped.
        """
        if self.failure_budget is not None and len(bad) > self.failure_budget:
            total = sum(len(b) for b in batches)
            return (
                f"{len(bad)} of {total} hosts did not end well ({_named(bad)}), "
                f"and the failure budget of the run is {self.failure_budget}"
            )
        failed = [host for host in batches[batch] if host in bad]
        # Without a limit one host's failure is its own affair, until a whole batch with a successor has failed.
        last = batch == len(batches) - 1
        if self.canary and batch == 0 and not last and failed and all(host in ended for host in batches[0]):
            return f"the canary did not end well: {_named({h: bad[h] for h in failed})}; no other batch begins"
        size = len(batches[batch])
        if over_budget(len(failed), size, self.max_fail_percentage) and not (self.max_fail_percentage is None and last):
            return f"{len(failed)} of {size} hosts of the batch failed: over the failure budget"
        return ""


def _budget(entry: int | str | None, hosts: int) -> int | None:
    """A number of hosts; a percentage of all is rounded down."""
    if isinstance(entry, str):
        return math.floor(hosts * float(entry.rstrip("% ")) / 100)
    return entry


def _named(bad: Mapping[str, HostStatus]) -> str:
    names = [f"{host} {status.value}" for host, status in bad.items()]
    return ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")
