"""What a run was to measure, from the plan in its first record: criteria, services, phases.

The plan is read here as the plain data that the journal holds: a report needs a few names of it, not the engine.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from playbook_engine.model.events import Data, RunStarted
from playbook_engine.model.runbook import Service, Tier

TOP = "main"


@dataclass(frozen=True, slots=True, kw_only=True)
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


@dataclass(frozen=True, slots=True, kw_only=True)
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
    runbook = _mapping(started.plan.get("runbook"))
    found = {s.name: s for s in _services(runbook)}
    for name in started.services:
        found.setdefault(name, Service(name=name))
    return Intent(
        criteria=tuple(_criteria(runbook, TOP)),
        services=tuple(found.values()),
        phases=tuple(_texts(runbook.get("phases"))),
        description=_text(runbook.get("description")),
    )


def _services(runbook: Data) -> Iterator[Service]:
    for raw in _list(runbook.get("registry")):
        data = _mapping(raw)
        tier = _text(_mapping(data.get("tier")).get("v"))
        yield Service(
            name=_text(data.get("name")),
            tier=Tier(tier) if tier in set(Tier) else Tier.NORMAL,
            needs=tuple(_texts(data.get("needs"))),
            writes=data.get("writes") is True,
        )


def _criteria(runbook: Data, scope: str) -> Iterator[Declared]:
    for entry in _list(runbook.get("steps")):
        step = _mapping(entry)
        inner = _mapping(step.get("runbook"))
        if inner:
            yield from _criteria(inner, _text(step.get("id")))
    for raw in _list(runbook.get("checks")):
        data = _mapping(raw)
        yield Declared(
            probe=_text(data.get("id")), scope=scope, name=_text(data.get("name")), action=_text(data.get("action")),
            expect=_text(data.get("expect")), service=_text(data.get("service")), phase=_text(data.get("phase")),
            remedy=_text(data.get("remedy")), severity=_text(data.get("severity")),
            severity_reason=_text(data.get("severity_reason")), unit=_text(data.get("unit")),
            metric=_text(data.get("metric")), critical=data.get("critical") is True,
            conditional=bool(_list(data.get("when"))),
        )  # fmt: skip


def _mapping(value: object) -> Data:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> list[object]:
    return list(value) if isinstance(value, (list, tuple)) else []


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: object) -> list[str]:
    return [v for v in _list(value) if isinstance(v, str)]
