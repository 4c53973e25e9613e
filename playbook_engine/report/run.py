"""The run report: what was found, done, checked and taken back, on which host, with the records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from playbook_engine.journal.fold import Evidence
from playbook_engine.model.events import CheckEvaluated
from playbook_engine.model.frozen import frozen
from playbook_engine.report.changes import ChangeRow, changes
from playbook_engine.report.evidence import Entry, entries
from playbook_engine.report.hosts import HostEnd, ends
from playbook_engine.report.matrix import COLUMNS, Row, matrix
from playbook_engine.report.meta import Meta, meta
from playbook_engine.report.rollbacks import RollbackPart, later_prefix, rollbacks
from playbook_engine.report.status import Status, judge, threshold_of, value_of
from playbook_engine.report.subject import Subject
from playbook_engine.report.text import count, listed, one_line, plain_name, quantity
from playbook_engine.report.timeline import Timeline, timeline


@frozen
class CheckRow:
    """A precondition or a check as recorded."""

    host: str
    purpose: str
    name: str
    status: Status
    why: str
    value: str
    threshold: str
    at: str
    evidence: str


@frozen
class RunReport:
    """`in_force`: changes that nobody took back. `kept`: those of a rollback that could not be taken back."""

    meta: Meta
    summary: str
    hosts: tuple[HostEnd, ...]
    rows: tuple[Row, ...]
    wide: bool
    preconditions: tuple[CheckRow, ...]
    checks: tuple[CheckRow, ...]
    changes: tuple[ChangeRow, ...]
    in_force: tuple[ChangeRow, ...]
    kept: tuple[ChangeRow, ...]
    rollbacks: tuple[RollbackPart, ...]
    evidence: tuple[Entry, ...]
    evidence_later: tuple[Entry, ...]
    timeline: Timeline

    @property
    def good(self) -> bool:
        """Whether the run ended, and well."""
        return self.meta.exit_code == 0 and all(h.good or h.status == "rolled back" for h in self.hosts)


def run_report(subject: Subject, now: datetime) -> RunReport:
    hosts = ends(subject)
    made = changes(subject)
    checks = [_check(e, now) for e in subject.view.evidence]
    return RunReport(
        meta=meta(subject, now), summary=_summary(hosts, subject), hosts=hosts,
        rows=matrix(list(subject.view.hosts.values())), wide=len(hosts) > COLUMNS,
        preconditions=tuple(c for c in checks if c.purpose == "precondition"),
        checks=tuple(c for c in checks if c.purpose not in ("precondition", "unless")), changes=made,
        in_force=tuple(c for c in made if c.fate in ("in force", "in doubt")),
        kept=tuple(c for c in made if c.fate == "kept"), rollbacks=rollbacks(subject), evidence=entries(subject),
        evidence_later=tuple(e for n, s in enumerate(subject.later) for e in entries(s, prefix=later_prefix(n))),
        timeline=timeline(subject),
    )  # fmt: skip


def _summary(hosts: Sequence[HostEnd], subject: Subject) -> str:
    """How many hosts ended how; computed."""
    if not hosts:
        return f"The run {subject.state} before any host was named."
    ended = Counter(h.status for h in hosts)
    if len(ended) == 1:
        return f"{count(len(hosts), 'host')} {hosts[0].status}"
    return f"{len(hosts)} hosts: {listed([f'{n} {status}' for status, n in ended.items()])}"


def _check(evidence: Evidence, now: datetime) -> CheckRow:
    event = evidence.event
    said = judge(evidence, now, None)
    if isinstance(event, CheckEvaluated):
        purpose, value, threshold = event.purpose, value_of(event), threshold_of(event)
    else:
        purpose, value, threshold = "precondition", _found(event.evidence), event.expect
    return CheckRow(
        host=one_line(event.host), purpose=purpose, name=plain_name(event.name), status=said.status,
        why=one_line(said.why), value=value, threshold=one_line(threshold), at=evidence.at, evidence=evidence.id,
    )  # fmt: skip


def _found(evidence: Mapping[str, object]) -> str:
    """What a precondition's probe found, name by name."""
    measured = evidence.get("measured")
    said = []
    for each in measured if isinstance(measured, (list, tuple)) else ():
        if isinstance(each, Mapping):
            unit = str(each.get("unit") or "")
            said.append(f"{one_line(str(each.get('name')))}: {quantity(each.get('value'), unit)}")
    return ", ".join(said)
