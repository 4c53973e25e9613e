"""Running the closing probes of an incident's action items: an audit of just those probes, journaled like any run."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

from playbook_engine.app.audits import checks_only
from playbook_engine.app.incidents import add, report_of
from playbook_engine.app.runs import execute, view_of
from playbook_engine.app.wiring import App
from playbook_engine.engine.plan_data import plan_from
from playbook_engine.journal.fold import RunView
from playbook_engine.model.errors import NotFound, UsageError
from playbook_engine.model.events import CheckEvaluated, Event, IncidentAttached, ProbeVerified
from playbook_engine.model.frozen import frozen
from playbook_engine.model.outcome import ExitCode
from playbook_engine.model.plan import Options, Plan
from playbook_engine.model.ports import EventSink
from playbook_engine.model.runbook import Import, Probe, Runbook, Step, mapped
from playbook_engine.report.items import Item, named
from playbook_engine.report.post_incident import PostIncidentReport
from playbook_engine.report.status import Status, judge_then, worst
from playbook_engine.transport.known_hosts import Ask


@frozen
class Verified:
    """What was found: the document as it is since, the runs that measured, and the items that they were about."""

    report: PostIncidentReport
    runs: tuple[str, ...]
    items: tuple[Item, ...]

    @property
    def code(self) -> ExitCode:
        return ExitCode.HOST_FAILED if any(i.open for i in self.items) else ExitCode.DONE


def verify(
    app: App, name: str, wanted: Sequence[str], watchers: Sequence[EventSink], ask: Ask | None, command: str
) -> Verified:
    """Runs the closing probes of open items, or of those that are wanted. Raises NotFound, UsageError, JournalError."""
    report = report_of(app, name)
    chosen = list(_chosen(report, wanted))
    if not chosen:
        raise UsageError(
            f"{report.meta.run} has no open action item with a closing probe",
            advice=f"`runbook incident show {report.meta.run}` lists the items",
        )
    runs = []
    for source in dict.fromkeys(i.probe.run for i in chosen if i.probe):
        mine = [i for i in chosen if i.probe and i.probe.run == source]
        end = execute(app, closing_plan(app, source, mine, report.meta.run, command), watchers, ask)
        events: list[Event] = [
            IncidentAttached(kind="run", of=end.run, actor=app.settings.actor, why="closing probes of action items")
        ]
        events += [_verified(item, end.run, view_of(app, end.run)) for item in mine]
        add(app, name, events)
        runs.append(end.run)
    after = report_of(app, name)
    ids = {i.id for i in chosen}
    return Verified(report=after, runs=tuple(runs), items=tuple(i for i in after.items if i.id in ids))


def _chosen(report: PostIncidentReport, wanted: Sequence[str]) -> Iterator[Item]:
    if not wanted:
        yield from (i for i in report.items if i.open and i.probe is not None)
    for each in wanted:
        item = named(report.items, each)
        if item is None:
            raise NotFound(f"{report.meta.run} has no action item {each!r}")
        if item.probe is None:
            raise UsageError(f"{item.id} has no closing probe: its runbook has no check that would prove it")
        yield item


def closing_plan(app: App, run: str, chosen: Sequence[Item], incident: str, command: str) -> Plan:
    """The run's plan, with nothing left of it but these probes and what they need to be asked. Raises UsageError."""
    past = plan_from(view_of(app, run).started.plan)
    wanted: dict[str, set[str]] = {}
    for item in chosen:
        if item.probe is not None:
            wanted.setdefault(item.probe.scope, set()).update(item.probe.probes)
    names = {name for item in chosen for name in item.hosts}
    hosts = tuple(h for h in past.hosts if h.name in names)
    if not hosts:
        raise UsageError(f"none of {', '.join(sorted(names))} is a host of {run}")
    plan = dataclasses.replace(
        past, kind="audit", runbook=_closing(past.runbook, "main", wanted), hosts=hosts, command=command, of="",
        plan_run="", expected={}, files={}, options=Options(reason=f"closing probes of {incident}"),
    )  # fmt: skip
    return checks_only(plan)


def _closing(runbook: Runbook, scope: str, wanted: Mapping[str, set[str]]) -> Runbook:
    """The runbook with the wanted probes of each scope as its criteria, wherever they stood."""

    def closing(entry: Step | Import) -> Step | Import:
        if isinstance(entry, Step):
            return entry
        return dataclasses.replace(entry, runbook=_closing(entry.runbook, entry.id, wanted))

    mine = wanted.get(scope, set())
    return dataclasses.replace(
        runbook,
        steps=mapped(runbook.steps, closing),
        checks=tuple(p for p in _probes(runbook) if p.id in mine),
        deadline=None,
    )


def _probes(runbook: Runbook) -> Iterator[Probe]:
    yield from runbook.preconditions
    for step in runbook.everything():
        if not isinstance(step, Import):
            yield from (*step.unless, *step.checks)
    yield from runbook.checks


def _verified(item: Item, run: str, view: RunView) -> ProbeVerified:
    assert item.probe is not None
    found = {
        (r.event.host, r.event.probe): judge_then(r.seq, r.at, r.event)
        for r in view.records
        if isinstance(r.event, CheckEvaluated) and r.event.probe in item.probe.probes and r.event.host in item.hosts
    }
    missing = [f"no record of {p} on {h}" for h in item.hosts for p in item.probe.probes if (h, p) not in found]
    status = worst([*(s.status for s in found.values()), *([Status.UNKNOWN] if missing else [])])
    why = next((s.why for s in found.values() if s.status.open and s.why), missing[0] if missing else "")
    return ProbeVerified(
        item=item.id, run=run, verdict=status.replace(" ", "_"), probes=item.probe.probes, hosts=item.hosts, why=why
    )
