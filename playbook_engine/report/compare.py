"""Two audits of the same hosts: what became of each criterion. Two samples are a difference, and no trend."""

from __future__ import annotations

from collections.abc import Sequence

from playbook_engine.model.frozen import frozen
from playbook_engine.report.criteria import Criterion
from playbook_engine.report.status import Status


@frozen
class Pair:
    """One criterion in both audits; either may be missing. `change` is a word of `CHANGES`."""

    name: str
    service: str
    host: str
    before: Criterion | None
    now: Criterion | None
    change: str

    @property
    def differs(self) -> bool:
        return self.change not in ("still met", "still open")


CHANGES = {
    "resolved": "the earlier audit has a record that it was not met, this one has one that it is",
    "opened": "it was met and is not any more",
    "lost": "it was measured, and is now invalid, unknown or stale",
    "now met": "nothing was known of it before; now it is met",
    "now not met": "nothing was known of it before; now it is not met",
    "still open": "it was open and is",
    "still met": "it was met and is",
    "new": "the earlier audit did not ask for it",
    "dropped": "this audit does not ask for it any more",
}


def compare(before: Sequence[Criterion], now: Sequence[Criterion]) -> tuple[Pair, ...]:
    """All criteria of both, in this audit's order, then those that are gone."""
    earlier = {c.key: c for c in before}
    here = {c.key for c in now}
    pairs = [*(_pair(earlier.get(c.key), c) for c in now), *(_pair(c, None) for c in before if c.key not in here)]
    return tuple(p for p in pairs if p.before is not None or p.now is not None)


def _pair(before: Criterion | None, now: Criterion | None) -> Pair:
    either = now or before
    assert either is not None
    # What does not apply to a host was not asked of it.
    before = None if before and before.status is Status.NOT_APPLICABLE else before
    now = None if now and now.status is Status.NOT_APPLICABLE else now
    return Pair(
        name=either.name, service=either.service, host=either.host, before=before, now=now, change=_word(before, now)
    )


def _word(before: Criterion | None, now: Criterion | None) -> str:
    if now is None:
        return "dropped"
    if before is None:
        return "new"
    was, is_ = before.status, now.status
    if is_ is Status.MET:
        return "still met" if was is Status.MET else "resolved" if was is Status.NOT_MET else "now met"
    if is_ is Status.NOT_MET:
        return "opened" if was is Status.MET else "still open" if was is Status.NOT_MET else "now not met"
    return "lost" if was in (Status.MET, Status.NOT_MET) else "still open"
