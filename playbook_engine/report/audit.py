"""The audit report: every criterion with its record, and what follows from all of them, computed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from playbook_engine.model.frozen import frozen
from playbook_engine.model.runbook import Tier
from playbook_engine.report import compare as comparison
from playbook_engine.report.compare import Pair
from playbook_engine.report.criteria import Criterion, criteria
from playbook_engine.report.declared import intent
from playbook_engine.report.evidence import Entry, by_numbers, entries
from playbook_engine.report.hosts import HostEnd, ends
from playbook_engine.report.matrix import COLUMNS
from playbook_engine.report.meta import Meta, meta
from playbook_engine.report.services import (
    PhaseState,
    ServiceState,
    counted,
    phases,
    recommendation,
    services,
)
from playbook_engine.report.severity import RISK, Severity, highest
from playbook_engine.report.status import Status, worst
from playbook_engine.report.subject import Subject
from playbook_engine.report.tasks import Task, tasks
from playbook_engine.report.text import count, listed
from playbook_engine.report.timeline import Timeline, timeline

DAY = 86400.0


@frozen
class AuditReport:
    """All of it is computed from the records of one or two runs."""

    meta: Meta
    max_age: float
    overall: Status
    risk: Severity | None
    summary: str
    counts: Mapping[str, int]
    total: int
    hosts: tuple[HostEnd, ...]
    services: tuple[ServiceState, ...]
    loose: tuple[Criterion, ...]
    criteria: tuple[Criterion, ...]
    phases: tuple[PhaseState, ...]
    recommendation: str
    tasks: tuple[Task, ...]
    wrote: tuple[str, ...]
    before: Meta | None
    pairs: tuple[Pair, ...]
    evidence: tuple[Entry, ...]
    evidence_before: tuple[Entry, ...]
    timeline: Timeline

    @property
    def wide(self) -> bool:
        """Whether there are so many hosts that what is met is folded away."""
        return len(self.hosts) > COLUMNS

    @property
    def risk_word(self) -> str:
        return RISK[self.risk] if self.risk is not None else "none open"

    @property
    def critical(self) -> tuple[ServiceState, ...]:
        return tuple(s for s in self.services if s.tier is Tier.CRITICAL)


def audit(subject: Subject, now: datetime, *, max_age: float = DAY, earlier: Subject | None = None) -> AuditReport:
    """`max_age` in seconds: an older record says nothing about now. `earlier`: an audit to compare with."""
    meant = intent(subject.view.started)
    found = criteria(subject, meant, now, max_age)
    states = services(meant, found)
    gates = phases(meant, found)
    loose = tuple(c for c in found if not c.service)
    counting = [c for c in found if c.status is not Status.NOT_APPLICABLE]
    overall = worst([*(s.status for s in states), *(c.status for c in loose if c in counting)])
    open_ = [
        *(s.severity.severity for s in states if s.severity is not None),
        *(c.severity.severity for c in loose if c.severity is not None),
    ]
    risk = highest(open_) or (None if overall is Status.MET else Severity.P1)
    before: Meta | None = None
    pairs: tuple[Pair, ...] = ()
    evidence_before: tuple[Entry, ...] = ()
    if earlier is not None:
        # The earlier audit is judged as it was when it ended: that it is old now is what a comparison is about.
        was = criteria(earlier, intent(earlier.view.started), now, None)
        before, pairs = meta(earlier, now), comparison.compare(was, found)
        evidence_before = entries(earlier, by_numbers(c.seq for c in was if c.seq), prefix="B")
    return AuditReport(
        meta=meta(subject, now), max_age=max_age, overall=overall, risk=risk,
        summary=_summary(counting, states), counts=counted(found), total=len(counting), hosts=ends(subject),
        services=states, loose=loose, criteria=found, phases=gates, recommendation=recommendation(gates),
        tasks=tasks(subject.view.started, states, [c for c in loose if c.status.open]),
        wrote=tuple(dict.fromkeys(f"{c.name}: {c.touches}" for c in found if c.touches)),
        before=before, pairs=pairs, evidence=entries(subject, by_numbers(c.seq for c in found if c.seq)),
        evidence_before=evidence_before, timeline=timeline(subject),
    )  # fmt: skip


def _summary(criteria: list[Criterion], states: tuple[ServiceState, ...]) -> str:
    """One sentence of numbers, each a query."""
    if not criteria:
        return "Nothing was measured: there is no criterion."
    said = [f"{n} {status}" for status, n in counted(criteria).items()]
    text = f"{count(len(criteria), 'criterion', 'criteria')}: {listed(said)}."
    critical = [s for s in states if s.critical]
    if critical:
        met = sum(s.status is Status.MET for s in critical)
        text += f" {met} of {len(critical)} critical services met."
    return text
