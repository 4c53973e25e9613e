"""Journals for tests of reports: real runbook text, a real JournalWriter, events with times that a test chooses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playbook_engine.engine.compile import compile_plan
from playbook_engine.engine.plan_data import to_data
from playbook_engine.journal.files import FileStore, JournalWriter
from playbook_engine.journal.redaction import Redactor
from playbook_engine.loading.runbooks import Loader
from playbook_engine.model.events import (
    CheckEvaluated,
    Event,
    HostConnected,
    HostFinished,
    RunFinished,
    RunStarted,
    ScopeFinished,
)
from playbook_engine.model.host import ConnectionSpec, Host
from playbook_engine.model.plan import Options, Plan
from playbook_engine.model.runbook import Runbook
from playbook_engine.report.audit import DAY, AuditReport, audit
from playbook_engine.report.criteria import Criterion
from playbook_engine.report.subject import Subject, read
from playbook_engine.templating.environment import Templar

SEED_TIME = datetime(2025, 8, 1, 17, 42, 47, 750000, tzinfo=UTC)


class SetClock:
    """A clock that a test sets; each look at it takes a millisecond."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def utc(self) -> str:
        self.now += timedelta(milliseconds=1)
        return self.now.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def monotonic(self) -> float:
        return self.now.timestamp()

    def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Recorder:
    """A state folder whose journals a test writes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = SetClock(SEED_TIME)
        self.store = FileStore(folder / "state", self.clock, Redactor())
        self._count = 0

    def load(self, text: str) -> Runbook:
        """Raises LoadError, as the command line would."""
        path = self.folder / "runbook.yml"
        path.write_text(text)
        return Loader([self.folder], Templar()).load(str(path))

    @contextmanager
    def run(
        self,
        text: str,
        *,
        kind: str = "audit",
        hosts: Sequence[str] = ("db1.test",),
        end: int | None = 0,
        **more: object,
    ) -> Iterator[Journaled]:
        """A run of this runbook text. `end` is its exit code; None leaves it without an end, as a crash would."""
        runbook = self.load(text)
        plan = compile_plan(
            runbook, [Host(name=h, connection=ConnectionSpec(address=h)) for h in hosts], {}, kind=kind,
            options=Options(),
        )  # fmt: skip
        self._count += 1
        name = f"20250801-1742{self._count:02d}-{self._count:04x}"
        writer = self.store.create(name)
        journal = Journaled(writer, runbook, name, self.clock)
        journal.emit(_started(name, plan, kind, more))
        yield journal
        if end is None:
            # What a crash leaves: everything written so far, no closing record. Closing and cutting gives the same.
            size = (self.store.folder(name) / "journal").stat().st_size
            writer.close()
            with (self.store.folder(name) / "journal").open("r+b") as handle:
                handle.truncate(size)
        else:
            journal.emit(RunFinished(exit_code=end, seconds=1.0))
            writer.close()

    def subject(self, run: str, later: Sequence[str] = ()) -> Subject:
        return read(self.store, run, later)

    def audit(self, run: str, *, age: timedelta = timedelta(), max_age: float = DAY, before: str = "") -> AuditReport:
        """The audit report, made this long after the journal's last record."""
        earlier = self.subject(before) if before else None
        return audit(self.subject(run), self.clock.now + age, max_age=max_age, earlier=earlier)


class Journaled:
    """One journal while it is being written."""

    def __init__(self, writer: JournalWriter, runbook: Runbook, name: str, clock: SetClock) -> None:
        self._writer = writer
        self._runbook = runbook
        self.name = name
        self.clock = clock
        self._count = 0

    def emit(self, *events: Event) -> int:
        """The number of the last one's record."""
        for event in events:
            self._writer.append(event)
        self._count += len(events)
        return self._count

    def check(
        self, name: str, verdict: str, *, host: str = "db1.test", purpose: str = "criterion", **more: object
    ) -> str:
        """The record of a success criterion of the runbook; its evidence id."""
        probe = next((p for p in self._runbook.checks if p.name == name), None)
        given: dict[str, object] = {
            "probe": probe.id if probe else "c99", "name": name, "action": probe.action if probe else "http",
            "expect": (probe.expect or "") if probe else "", "service": (probe.service or "") if probe else "",
            "severity": (probe.severity or "") if probe else "", "critical": probe.critical if probe else False,
            "scope": "main", **more,
        }  # fmt: skip
        return f"E{self.emit(CheckEvaluated(host=host, purpose=purpose, verdict=verdict, **given))}"  # type: ignore[arg-type]

    def host(self, name: str = "db1.test", status: str = "ok", message: str = "") -> None:
        """The end of a host."""
        self.emit(
            HostConnected(host=name, address="192.0.2.1", user="root", python="3.11.2", seconds=0.0),
            ScopeFinished(host=name, scope="main", name=self._runbook.name, outcome="ok"),
            HostFinished(host=name, status=status, message=message, seconds=0.5),
        )


def _started(name: str, plan: Plan, kind: str, more: dict[str, object]) -> RunStarted:
    runbook = plan.runbook
    given: dict[str, object] = {
        "run": name, "kind": kind, "runbook": runbook.name, "title": runbook.title, "severity": runbook.severity,
        "owner": runbook.owner, "escalation": runbook.escalation or "", "services": runbook.services,
        "hosts": tuple(h.name for h in plan.hosts), "actor": "ada@ops.test", "engine": "0",
        "command": f"runbook {kind} {runbook.name} {','.join(h.name for h in plan.hosts)}", "plan": to_data(plan),
        **more,
    }  # fmt: skip
    return RunStarted(**given)  # type: ignore[arg-type]


def one(report: AuditReport, name: str, host: str = "db1.test") -> Criterion:
    """The criterion of this name: exactly one on a host."""
    (found,) = [c for c in report.criteria if c.name == name and c.host == host]
    return found
