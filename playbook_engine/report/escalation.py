"""The escalation report: what a person who is woken needs, on one screen, and nothing that was not recorded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from playbook_engine.model.events import EscalationRaised, StepFinished
from playbook_engine.model.frozen import frozen
from playbook_engine.report.advice import Advice, changing, safe, unsafe
from playbook_engine.report.contacts import Contact, contact
from playbook_engine.report.evidence import Entry, by_numbers, entries
from playbook_engine.report.hosts import HostEnd
from playbook_engine.report.meta import Meta
from playbook_engine.report.rollbacks import RollbackPart
from playbook_engine.report.run import RunReport, run_report
from playbook_engine.report.severity import Severity
from playbook_engine.report.situation import Impact, Rule, detected, impact, rule, sentence, severity
from playbook_engine.report.status import Status
from playbook_engine.report.subject import Subject
from playbook_engine.report.text import one_line, seconds, stamp
from playbook_engine.report.timeline import Timeline

UPDATE: Mapping[Severity, timedelta] = {
    Severity.P0: timedelta(minutes=30),
    Severity.P1: timedelta(hours=1),
    Severity.P2: timedelta(hours=4),
    Severity.P3: timedelta(days=1),
    Severity.P4: timedelta(days=1),
}
"""How long after a report the next one is due."""

ROWS = 8  # more steps than this, and those that did nothing are counted

UNDONE = {
    "undone": "taken back",
    "untouched": "had changed nothing",
    "kept": "kept: cannot be taken back",
    "failed": "taking it back failed",
}


@frozen
class Tried:
    """One step, precondition or criterion on the hosts that did not end well, by result."""

    what: str
    name: str
    hosts: tuple[str, ...]
    result: str
    detail: str
    undone: str
    evidence: tuple[str, ...]


@frozen
class Target:
    """Hosts in the same state."""

    hosts: tuple[str, ...]
    status: str
    now: str
    settled: bool
    evidence: tuple[str, ...]


@frozen
class Told:
    """Somebody was told of it, or should have been. `of` is the escalation, whose journal says so."""

    at: str
    name: str
    channels: tuple[str, ...]
    outcome: str
    of: str = ""


@frozen
class EscalationReport:
    """`left_out`: how many hosts ended well, and are not among what was tried. `quiet`: steps that were ok, where
    there are too many to be told one by one. `told`: who has heard of it; `standing`: how its escalations stand."""

    meta: Meta
    rule: Rule | None
    severity: Severity
    severity_why: str
    situation: str
    impact: tuple[Impact, ...]
    impact_text: str
    started: str
    detected: str
    detected_evidence: str
    tried: tuple[Tried, ...]
    left_out: int
    quiet: int
    rollbacks: tuple[RollbackPart, ...]
    targets: tuple[Target, ...]
    safe: tuple[Advice, ...]
    changing: tuple[Advice, ...]
    unsafe: tuple[Advice, ...]
    contacts: tuple[Contact, ...]
    raised: tuple[Entry, ...]
    told: tuple[Told, ...]
    standing: tuple[str, ...]
    next_update: str
    next_update_why: str
    evidence: tuple[Entry, ...]
    evidence_later: tuple[Entry, ...]
    timeline: Timeline


def escalation(
    subject: Subject, now: datetime, told: Sequence[Told] = (), standing: Sequence[str] = ()
) -> EscalationReport:
    """`told` and `standing` come from the journals of the run's escalations."""
    report = run_report(subject, now)
    fired = rule(subject, report.hosts)
    grade, why = severity(subject, fired)
    harm, harm_text = impact(subject, now)
    first = detected(subject)
    every = list(_tried(subject, report))
    tried = every if len(every) <= ROWS else [t for t in every if t.result != "ok"]
    raised = entries(subject, lambda r: isinstance(r.event, EscalationRaised))
    targets = tuple(_targets(report.hosts))
    linked = {e for part in (tried, harm, targets) for each in part for e in each.evidence}
    linked |= {e.id for e in raised} | ({f"E{first.seq}"} if first else set())
    linked |= {e for part in report.rollbacks for e in (part.evidence, *(u.evidence for u in part.undos))}
    started = subject.view.started
    return EscalationReport(
        meta=report.meta, rule=fired, severity=grade, severity_why=why, situation=sentence(subject, report),
        impact=harm, impact_text=harm_text, started=subject.view.started_at, detected=first.at if first else "",
        detected_evidence=f"E{first.seq}" if first else "", tried=tuple(tried),
        left_out=sum(h.good for h in report.hosts), quiet=len(every) - len(tried), rollbacks=report.rollbacks,
        targets=targets, safe=tuple(safe(subject, report)),
        changing=tuple(changing(subject, report)), unsafe=tuple(unsafe(subject, report)),
        contacts=(
            contact("escalation", started.escalation), contact("owner", started.owner),
            contact("starter", started.actor),
        ),
        raised=raised, told=tuple(told), standing=tuple(standing), next_update=stamp(now + UPDATE[grade]),
        next_update_why=f"every {seconds(UPDATE[grade].total_seconds())} for {grade}",
        evidence=entries(subject, by_numbers(int(e[1:]) for e in linked if e[:1] == "E")),
        evidence_later=report.evidence_later, timeline=report.timeline,
    )  # fmt: skip


def _tried(subject: Subject, report: RunReport) -> Iterable[Tried]:
    """Every step that did something or failed on a host that did not end well, grouped by result."""
    bad = {h.name for h in report.hosts if not h.good}
    for each in report.preconditions:
        if each.host in bad and each.status is not Status.MET:
            yield Tried(
                what="precondition", name=each.name, hosts=(each.host,), result=str(each.status), detail=each.why,
                undone="nothing to undo", evidence=(each.evidence,),
            )  # fmt: skip
    yield from steps_tried(subject, report, bad)
    for each in report.checks:
        if each.host in bad and each.purpose == "criterion" and each.status is not Status.MET:
            yield Tried(
                what="criterion", name=each.name, hosts=(each.host,), result=str(each.status), detail=each.why,
                undone="nothing to undo", evidence=(each.evidence,),
            )  # fmt: skip


def steps_tried(subject: Subject, report: RunReport, bad: set[str]) -> Iterable[Tried]:
    """Every step that was reached on the `bad` hosts, and what became of it; by result."""
    messages = {
        (one_line(r.event.host), r.event.step): one_line(r.event.message)
        for r in subject.view.records
        if isinstance(r.event, StepFinished)
    }
    for row in report.rows:
        groups: dict[tuple[str, str], list[tuple[str, str]]] = {}
        for host, cell in zip(report.hosts, row.cells, strict=True):
            if host.name in bad and cell.outcome not in ("", "skipped"):
                groups.setdefault((cell.outcome, cell.undone), []).append((host.name, cell.evidence))
        for (outcome, undone), members in groups.items():
            detail = next((m for host, _ in members if (m := messages.get((host, row.step)))), "")
            yield Tried(
                what="handler" if row.handler else "step", name=row.name, hosts=tuple(h for h, _ in members),
                result=outcome, detail=detail if outcome not in ("ok", "changed") else "",
                undone=UNDONE.get(undone) or _not_undone(outcome), evidence=tuple(e for _, e in members if e)[:3],
            )  # fmt: skip


def _not_undone(outcome: str) -> str:
    return {"changed": "still in force", "ok": "nothing to undo"}.get(outcome, "not taken back")


def _targets(hosts: Sequence[HostEnd]) -> Iterable[Target]:
    """Hosts in the same state together, those that need a look first."""
    groups: dict[tuple[str, str, bool], list[HostEnd]] = {}
    for host in sorted(hosts, key=lambda h: (h.settled, h.good)):
        groups.setdefault((host.status, host.now, host.settled), []).append(host)
    for (status, now, settled), members in groups.items():
        yield Target(
            hosts=tuple(h.name for h in members), status=status, now=now, settled=settled,
            evidence=tuple(h.evidence for h in members if h.evidence)[:3],
        )  # fmt: skip
