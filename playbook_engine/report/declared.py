"""What a run was to measure, from the plan in its first record: criteria, services, phases.

The plan is read here as the plain data that the journal holds: a report needs a few names of it, not the engine.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from playbook_engine.model.events import Data, RunStarted
from playbook_engine.model.frozen import frozen
from playbook_engine.model.runbook import Service, Tier

TOP = "main"


@frozen
class Declared:
    """A success criterion as its author wrote it. `scope`: the import that it belongs to, or `main`."""

    probe: str
    scope: str
    name: str
    action: str = ""
    expect: str = ""
    service: str = ""
    phase: str = ""
    remedy: str = ""
    severity: str = ""
    severity_reason: str = ""
    unit: str = ""
    metric: str = ""
    critical: bool = False
    conditional: bool = False


@frozen
class Intent:
    """What a run was to measure. `services`: the registry, in its order; `tiered` when it says more than names."""

    criteria: tuple[Declared, ...] = ()
    services: tuple[Service, ...] = ()
    phases: tuple[str, ...] = ()
    description: str = ""

    @property
    def tiered(self) -> bool:
        return any(s != Service(name=s.name) for s in self.services)


def intent(started: RunStarted) -> Intent:
    """Empty, but for the names of services, for a run without a plan."""
    runbook = mapping(started.plan.get("runbook"))
    found = {s.name: s for s in _services(runbook)}
    for name in started.services:
        found.setdefault(name, Service(name=name))
    return Intent(
        criteria=tuple(_criteria(runbook, TOP)),
        services=tuple(found.values()),
        phases=tuple(words(runbook.get("phases"))),
        description=word(runbook.get("description")),
    )


def _services(runbook: Data) -> Iterator[Service]:
    for raw in sequence(runbook.get("registry")):
        data = mapping(raw)
        tier = word(mapping(data.get("tier")).get("v"))
        yield Service(
            name=word(data.get("name")),
            tier=Tier(tier) if tier in set(Tier) else Tier.NORMAL,
            needs=tuple(words(data.get("needs"))),
            writes=data.get("writes") is True,
        )


def _criteria(runbook: Data, scope: str) -> Iterator[Declared]:
    for entry in sequence(runbook.get("steps")):
        step = mapping(entry)
        inner = mapping(step.get("runbook"))
        if inner:
            yield from _criteria(inner, word(step.get("id")))
    for raw in sequence(runbook.get("checks")):
        data = mapping(raw)
        yield Declared(
            probe=word(data.get("id")), scope=scope, name=word(data.get("name")), action=word(data.get("action")),
            expect=word(data.get("expect")), service=word(data.get("service")), phase=word(data.get("phase")),
            remedy=word(data.get("remedy")), severity=word(data.get("severity")),
            severity_reason=word(data.get("severity_reason")), unit=word(data.get("unit")),
            metric=word(data.get("metric")), critical=data.get("critical") is True,
            conditional=bool(sequence(data.get("when"))),
        )  # fmt: skip


def mapping(value: object) -> Data:
    return value if isinstance(value, Mapping) else {}


def sequence(value: object) -> list[object]:
    return list(value) if isinstance(value, (list, tuple)) else []


def word(value: object) -> str:
    return value if isinstance(value, str) else ""


def words(value: object) -> list[str]:
    return [v for v in sequence(value) if isinstance(v, str)]
