"""How bad it is, on one scale: computed from a service's tier and what was measured, typed P0 to P4."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

from playbook_engine.model.frozen import frozen
from playbook_engine.model.runbook import Tier
from playbook_engine.report.status import Status


class Severity(StrEnum):
    """P0 is the worst."""

    P0 = "P0"
    P1 = "P1"
    P2 = "P2"
    P3 = "P3"
    P4 = "P4"

    @property
    def rank(self) -> int:
        return int(self.value[1])


RISK: Mapping[Severity, str] = {
    Severity.P0: "critical",
    Severity.P1: "high",
    Severity.P2: "medium",
    Severity.P3: "low",
    Severity.P4: "low",
}

COMPUTED: Mapping[Tier, tuple[Severity, Severity]] = {
    Tier.CRITICAL: (Severity.P0, Severity.P1),
    Tier.NORMAL: (Severity.P2, Severity.P3),
    Tier.LOW: (Severity.P3, Severity.P4),
}
"""By tier: what is not met, and what is invalid, unknown or stale. Unsure means the higher: unknown counts as open."""


@frozen
class Rated:
    """A severity and where it comes from."""

    severity: Severity
    why: str


def parse(text: str | None) -> Severity | None:
    """None for a text that is no priority: `COMPLETE` is a status."""
    return Severity(text) if text is not None and text in Severity.__members__ else None


def computed(tier: Tier, status: Status) -> Severity:
    measured, unsure = COMPUTED[tier]
    return measured if status is Status.NOT_MET else unsure


def rate(tier: Tier | None, status: Status, declared: str | None, reason: str | None) -> Rated:
    """The severity of an open criterion. A declared one that is milder than the computed one needs its reason.

    `tier` is None where the runbook does not say which tier the service is of.
    """
    given = parse(declared)
    if tier is None and given is not None:
        return Rated(severity=given, why=f"declared {given}")
    found = computed(tier or Tier.NORMAL, status)
    basis = f"{tier or Tier.NORMAL} service, {status}"
    if declared and given is None:
        return Rated(severity=found, why=f"{basis}; the declared {declared!r} is none of P0 to P4")
    if given is None or given is found:
        return Rated(severity=found, why=basis)
    if given.rank < found.rank:
        return Rated(severity=given, why=f"declared {given}; computed {found} ({basis})")
    if reason:
        return Rated(severity=given, why=f"declared {given}, computed {found} ({basis}): {reason}")
    return Rated(severity=found, why=f"{basis}; the declared {given} gives no reason for being milder")


def highest(found: Iterable[Severity]) -> Severity | None:
    """The worst of them; None when nothing is open."""
    return min(found, key=lambda s: s.rank, default=None)
