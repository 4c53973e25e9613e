"""The criteria of a run, one row for each and each host: what was declared, joined with what was recorded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from playbook_engine.journal.fold import Evidence, HostView
from playbook_engine.model.events import CheckEvaluated
from playbook_engine.model.frozen import frozen
from playbook_engine.model.runbook import Tier
from playbook_engine.report.declared import Declared, Intent
from playbook_engine.report.severity import Rated, rate
from playbook_engine.report.status import Judgement, Status, judge, result_of, threshold_of, value_of
from playbook_engine.report.subject import Subject
from playbook_engine.report.text import number, one_line, plain_name


@frozen
class Criterion:
    """One criterion on one host. `evidence` is the id of the record that the status comes from, or empty.

    `raw` is the value as recorded, `at` the record's time. `severity` is None for what is not open.
    """

    probe: str
    scope: str
    name: str
    host: str
    service: str
    phase: str
    status: Status
    why: str
    value: str
    unit: str
    threshold: str
    expect: str
    at: str
    evidence: str
    seq: int
    severity: Rated | None
    critical: bool
    remedy: str
    touches: str
    samples: int
    raw: object = None

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes it the same criterion in another audit."""
        return (self.host, self.service, self.name)


def criteria(subject: Subject, intent: Intent, now: datetime, max_age: float | None) -> tuple[Criterion, ...]:
    """All that were declared, on every host, and all that were recorded besides; in the runbook's order.

    What was declared and has no record is unknown, whatever the reason.
    """
    found: list[Criterion] = []
    tiers = {s.name: s.tier for s in intent.services} if intent.tiered else {}
    records = {name: _newest(host) for name, host in subject.view.hosts.items()}
    declared = {d.probe: d for d in intent.criteria}
    extra: dict[str, Declared] = {}
    for newest in records.values():
        for probe, evidence in newest.items():
            if probe not in declared and isinstance(evidence.event, CheckEvaluated):
                extra.setdefault(probe, _of_record(evidence.event))
    for each in (*declared.values(), *extra.values()):
        for name, host in subject.view.hosts.items():
            record = records[name].get(each.probe)
            if record is not None:
                found.append(_measured(each, record, tiers, judge(record, now, max_age)))
            elif each.probe in declared:
                found.append(_missing(each, host, records[name].values(), tiers, subject))
    return tuple(_distrusted(found, records))


def _newest(host: HostView) -> dict[str, Evidence]:
    """The newest record of each criterion: a resumed run has several, and one status comes of them."""
    return {
        e.event.probe: e for e in host.checks if isinstance(e.event, CheckEvaluated) and e.event.purpose == "criterion"
    }


def _of_record(event: CheckEvaluated) -> Declared:
    return Declared(
        probe=event.probe, scope=event.scope, name=event.name, action=event.action, expect=event.expect,
        service=event.service, severity=event.severity, critical=event.critical, unit=event.unit, metric=event.metric,
    )  # fmt: skip


def _tier(each: Declared, tiers: Mapping[str, Tier]) -> Tier | None:
    return tiers.get(each.service) or (Tier.CRITICAL if each.critical else None)


def _measured(each: Declared, evidence: Evidence, tiers: Mapping[str, Tier], said: Judgement) -> Criterion:
    event = evidence.event
    assert isinstance(event, CheckEvaluated)
    tier = _tier(each, tiers)
    declared, reason = each.severity or event.severity, each.severity_reason
    return Criterion(
        probe=each.probe, scope=each.scope, name=plain_name(event.name), host=event.host,
        service=event.service or each.service, phase=each.phase, status=said.status, why=_why(said, event),
        value=value_of(event) or _claimed(event), unit=event.unit, threshold=one_line(threshold_of(event)),
        expect=event.expect, at=evidence.at, evidence=evidence.id, seq=evidence.seq,
        severity=rate(tier, said.status, declared, reason) if said.status.open else None,
        critical=tier is Tier.CRITICAL or event.critical, remedy=each.remedy, touches=event.touches,
        samples=event.samples, raw=event.value,
    )  # fmt: skip


def _why(said: Judgement, event: CheckEvaluated) -> str:
    """Nothing where value and threshold, which stand beside it, say it all."""
    told = one_line(said.why)
    plain = (
        said.status is Status.NOT_MET
        and event.verdict == "not_met"
        and event.value is not None
        and event.threshold not in (None, "")
    )
    return "" if plain and ";" not in told and "(" not in told.partition(" is ")[2] else told


def _claimed(event: CheckEvaluated) -> str:
    """What a service said of itself, where that was rejected and nothing was measured."""
    claim = result_of(event).get("claim")
    return f"{number(claim.get('raw'))}, claimed" if isinstance(claim, Mapping) and claim.get("valid") is False else ""


def _missing(
    each: Declared, host: HostView, recorded: Iterable[Evidence], tiers: Mapping[str, Tier], subject: Subject
) -> Criterion:
    """A criterion without a record. Its `when` did not hold if the same scope went on past it."""
    passed = host.scopes.get(each.scope) == "ok" or any(
        isinstance(e.event, CheckEvaluated) and e.event.scope == each.scope and _after(e.event.probe, each.probe)
        for e in recorded
    )
    skipped = host.scopes.get(each.scope) == "skipped"
    said = Judgement(status=Status.UNKNOWN, why=f"no record: {_reason(host, subject)}")
    if (each.conditional and passed) or skipped:
        said = Judgement(status=Status.NOT_APPLICABLE, why="its condition did not hold on this host")
    tier = _tier(each, tiers)
    return Criterion(
        probe=each.probe, scope=each.scope, name=plain_name(each.name), host=host.name, service=each.service,
        phase=each.phase, status=said.status, why=said.why, value="", unit=each.unit, threshold=one_line(each.expect),
        expect=each.expect, at="", evidence="", seq=0,
        severity=rate(tier, said.status, each.severity, each.severity_reason) if said.status.open else None,
        critical=tier is Tier.CRITICAL, remedy=each.remedy, touches="", samples=0,
    )  # fmt: skip


def _after(probe: str, other: str) -> bool:
    """Whether a probe comes later than another of the same scope: ids end in their number."""
    number, before = (int("".join(c for c in p.rpartition("c")[2] if c.isdigit()) or 0) for p in (probe, other))
    return number > before


def _reason(host: HostView, subject: Subject) -> str:
    if host.unreachable is not None:
        return one_line(f"the host could not be worked with: {host.unreachable.message}")
    if subject.damage:
        return "the journal is damaged before the place where it would stand"
    if host.finished is None:
        return f"the run {subject.state} before it was measured"
    if host.finished.message:
        return one_line(f"the host ended {host.finished.status.replace('_', ' ')}: {host.finished.message}")
    return "the run did not come to it"


def _distrusted(found: Sequence[Criterion], records: Mapping[str, Mapping[str, Evidence]]) -> list[Criterion]:
    """A source that published an impossible value is not believed in what else it says about itself.

    The status and the time that a client measured from outside are no claims, and stay.
    """
    import dataclasses

    impossible: dict[tuple[str, str], str] = {}
    for each in found:
        source = _source(each, records)
        if each.status is Status.INVALID and source:
            impossible.setdefault((each.host, source), each.evidence)
    made = []
    for each in found:
        source = _source(each, records)
        bad = impossible.get((each.host, source)) if source else None
        if bad and each.status is Status.MET and _claims(each):
            tier = Tier.CRITICAL if each.critical else None
            each = dataclasses.replace(
                each, status=Status.UNKNOWN, severity=rate(tier, Status.UNKNOWN, None, None),
                why=f"{source} said so, and the same source published an impossible value ({bad})",
            )  # fmt: skip
        made.append(each)
    return made


def _source(each: Criterion, records: Mapping[str, Mapping[str, Evidence]]) -> str:
    evidence = records[each.host].get(each.probe)
    if evidence is None or not isinstance(evidence.event, CheckEvaluated):
        return ""
    result = result_of(evidence.event)
    url = result.get("url") or result.get("final_url")
    return one_line(url) if isinstance(url, str) else ""


def _claims(each: Criterion) -> bool:
    """Whether what is looked at is the answer's content, which the service itself wrote."""
    return any(word in each.expect for word in ("result.json", "result.value", "result.content", "result.claim"))
