"""The head of every report: which run, of what, by whom, when, and what is wrong with its record."""

from __future__ import annotations

from datetime import datetime

from playbook_engine.model.events import RunStarted
from playbook_engine.model.frozen import frozen
from playbook_engine.report.subject import RunState, Subject
from playbook_engine.report.text import count, instant, one_line, shortened, stamp


@frozen
class Meta:
    """`rendered` is when the report was made; all times are UTC. `faults` stand above everything else."""

    run: str
    kind: str
    runbook: str
    title: str
    severity: str
    owner: str
    actor: str
    reason: str
    command: str
    started: str
    finished: str
    seconds: float
    state: RunState
    exit_code: int | None
    check: bool
    engine: str
    of: str
    runbook_sha256: str
    inventory_sha256: str
    drill: str
    hosts: int
    records: int
    faults: tuple[str, ...]
    rendered: str
    resumed: int = 0

    @property
    def about(self) -> str:
        """`run 20250801-174200-1a2b on 3 hosts`."""
        return f"{self.kind} {self.run} on {count(self.hosts, 'host')}"


def meta(subject: Subject, now: datetime) -> Meta:
    started, finished, view = subject.view.started, subject.view.finished, subject.view
    last = view.records[-1].at if view.records else view.started_at
    began, ended = instant(view.started_at), instant(view.finished_at or last)
    return Meta(
        run=view.run, kind=started.kind, runbook=one_line(started.runbook),
        title=title_of(started), severity=one_line(started.severity),
        owner=one_line(started.owner), actor=one_line(started.actor), reason=one_line(started.reason),
        command=shortened(one_line(started.command), 400), started=view.started_at, finished=view.finished_at,
        seconds=finished.seconds if finished else max((ended - began).total_seconds(), 0.0) if began and ended else 0.0,
        state=subject.state, exit_code=finished.exit_code if finished else None, check=started.check,
        engine=started.engine, of=started.of, runbook_sha256=started.runbook_sha256,
        inventory_sha256=started.inventory_sha256, drill=one_line(started.drill),
        hosts=len(view.hosts), records=len(view.records),
        faults=tuple(one_line(f) for f in subject.faults), rendered=stamp(now), resumed=len(view.resumed),
    )  # fmt: skip


def title_of(started: RunStarted) -> str:
    """What a run is called wherever it is named: a drill's is never mistaken for a real one."""
    title = one_line(started.title or started.runbook)
    return f"DRILL {title}" if started.drill else title
