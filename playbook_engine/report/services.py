"""Services and phases, each as well as its worst child: every count of a report is a query over these."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from playbook_engine.model.frozen import frozen
from playbook_engine.model.runbook import Service, Tier
from playbook_engine.report.criteria import Criterion
from playbook_engine.report.declared import Intent
from playbook_engine.report.severity import Rated, rate
from playbook_engine.report.status import Status, worst
from playbook_engine.report.text import count, listed


@frozen
class ServiceState:
    """A service with its criteria on all hosts. `why` says what besides its criteria made it worse."""

    name: str
    tier: Tier
    needs: tuple[str, ...]
    status: Status
    why: str
    severity: Rated | None
    counts: Mapping[str, int]
    criteria: tuple[Criterion, ...]
    blocked_by: tuple[str, ...] = ()

    @property
    def critical(self) -> bool:
        return self.tier is Tier.CRITICAL


@frozen
class PhaseState:
    """A gate. `locked`: one before it is not met, so that it is not this one's turn, whatever it measured."""

    name: str
    status: Status
    counts: Mapping[str, int]
    total: int
    locked: bool = False
    why: str = ""


def counted(criteria: Sequence[Criterion]) -> dict[str, int]:
    """How many of each status, worst first; computed, never typed."""
    found = Counter(c.status for c in criteria)
    return {status.value: found[status] for status in Status if found[status]}


def services(intent: Intent, criteria: Sequence[Criterion]) -> tuple[ServiceState, ...]:
    """All of the registry, and those that only criteria name. A service that nothing measures is unknown."""
    registry = {s.name: s for s in intent.services}
    for each in criteria:
        if each.service and each.service not in registry:
            registry[each.service] = Service(name=each.service)
    states = {
        name: _state(service, [c for c in criteria if c.service == name], intent.tiered)
        for name, service in registry.items()
    }
    return tuple(_blocked(state, states) for state in states.values())


def _state(service: Service, criteria: Sequence[Criterion], tiered: bool) -> ServiceState:
    critical = service.tier is Tier.CRITICAL or (not tiered and any(c.critical for c in criteria))
    tier = Tier.CRITICAL if critical else service.tier
    counting = [c for c in criteria if c.status is not Status.NOT_APPLICABLE]
    status, why = worst(c.status for c in counting), ""
    if not counting:
        why = "no criterion measures it"
    elif service.writes and status is Status.MET:
        unproved = sorted({c.host for c in counting} - {c.host for c in counting if c.touches})
        if unproved:
            status = Status.UNKNOWN
            why = f"no probe has written to it on {listed(unproved)}: a full disk still answers every read"
    own = [rate(tier, status, None, None)] if status.open and (why or not counting) else []
    found = [c.severity for c in counting if c.severity is not None] + own
    return ServiceState(
        name=service.name, tier=tier, needs=service.needs, status=status, why=why,
        severity=min(found, key=lambda r: r.severity.rank, default=None), counts=counted(criteria),
        criteria=tuple(criteria),
    )  # fmt: skip


def _blocked(state: ServiceState, states: Mapping[str, ServiceState]) -> ServiceState:
    import dataclasses

    bad = tuple(n for n in state.needs if n in states and states[n].status.open)
    return dataclasses.replace(state, blocked_by=bad) if bad else state


def phases(intent: Intent, criteria: Sequence[Criterion]) -> tuple[PhaseState, ...]:
    """The gates in their order. One that no criterion measures is unknown, and locks those behind it like any other."""
    found: list[PhaseState] = []
    for name in intent.phases:
        own = [c for c in criteria if c.phase == name and c.status is not Status.NOT_APPLICABLE]
        found.append(
            PhaseState(
                name=name, status=worst(c.status for c in own), counts=counted(own), total=len(own),
                locked=any(p.status.open for p in found), why="" if own else "no criterion measures it",
            )
        )  # fmt: skip
    return tuple(found)


def recommendation(found: Sequence[PhaseState]) -> str:
    """Where to go on, from the gates alone; empty without gates."""
    if not found:
        return ""
    here = next((p for p in found if p.status.open), None)
    if here is None:
        return f"All {len(found)} phases are met."
    missing = sum(n for status, n in here.counts.items() if Status(status).open)
    open_ = f"{missing} of {count(here.total, 'criterion', 'criteria')} {'is' if missing == 1 else 'are'} open"
    said = open_ if here.total else here.why
    behind = [p.name for p in found[found.index(here) + 1 :]]
    locked = f" {listed(behind)} {'is' if len(behind) == 1 else 'are'} locked behind it." if behind else ""
    return f"Stay in {here.name}: {said}.{locked}"
