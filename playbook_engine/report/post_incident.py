"""The post-incident document: all that records say of an incident, and blanks for what only people can judge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from playbook_engine.model.frozen import frozen
from playbook_engine.model.incident import Milestone, NoteKind
from playbook_engine.report.accounts import Account, accounts
from playbook_engine.report.anchors import anchored, linked
from playbook_engine.report.blanks import Blank, Judged, judged, left, of_item
from playbook_engine.report.causes import Cause, Recurrence, causes, recurrences
from playbook_engine.report.chronicle import Chronicle, chronicle, drawing
from playbook_engine.report.compare import Pair, compare
from playbook_engine.report.criteria import Criterion, criteria
from playbook_engine.report.declared import intent
from playbook_engine.report.dossier import Dossier, Part
from playbook_engine.report.escalation import Tried, steps_tried
from playbook_engine.report.evidence import Entry
from playbook_engine.report.failings import Course, Failing, course, hosts_of
from playbook_engine.report.heading import Heading, heading, known
from playbook_engine.report.hints import Hint, hints
from playbook_engine.report.hosts import HostEnd
from playbook_engine.report.items import Item, items
from playbook_engine.report.matrix import COLUMNS, Row
from playbook_engine.report.meta import Meta
from playbook_engine.report.milestones import Lapse, Time, lapses, times
from playbook_engine.report.outages import Outage, outages
from playbook_engine.report.people import Person, people
from playbook_engine.report.rollbacks import RollbackPart
from playbook_engine.report.run import run_report
from playbook_engine.report.sources import Source, evidence, sources
from playbook_engine.report.text import count, listed, moment, one_line, shortened
from playbook_engine.report.timeline import Timeline


@frozen
class RunPart:
    """One run, as far as the document needs it."""

    label: str
    meta: Meta
    why: str
    summary: str
    hosts: tuple[str, ...]
    ends: tuple[HostEnd, ...]
    rows: tuple[Row, ...]
    wide: bool
    tried: tuple[Tried, ...]
    rollbacks: tuple[RollbackPart, ...]
    in_force: int
    taken_back: int


@frozen
class PostIncidentReport:
    """`summary` is computed; `judged` are the answers of people, by the kind of the note. `item_blanks`: by item."""

    meta: Heading
    summary: str
    judged: Mapping[str, Judged]
    hints: Mapping[str, tuple[Hint, ...]]
    times: tuple[Time, ...]
    lapses: tuple[Lapse, ...]
    detection: str
    outages: tuple[Outage, ...]
    unknown: tuple[str, ...]
    pairs: tuple[Pair, ...]
    runs: tuple[RunPart, ...]
    causes: tuple[Cause, ...]
    recurrences: tuple[Recurrence, ...]
    items: tuple[Item, ...]
    item_blanks: Mapping[str, Mapping[str, Blank]]
    people: tuple[Person, ...]
    decisions: tuple[Account, ...]
    questions: tuple[Account, ...]
    chronicle: Chronicle
    drawing: Timeline | None
    blanks: tuple[Blank, ...]
    sources: tuple[Source, ...]
    accounts: tuple[Account, ...]
    evidence: tuple[Entry, ...]

    @property
    def open_items(self) -> tuple[Item, ...]:
        return tuple(i for i in self.items if i.open)


def post_incident(dossier: Dossier, now: datetime) -> PostIncidentReport:
    """Pure: the same dossier and time give the same document."""
    view = dossier.incident
    fate = course(dossier)
    said = accounts(dossier)
    when = times(dossier, fate, said)
    todo = items(dossier, fate)
    runs = tuple(_run(part, now) for part in dossier.parts)
    answers = judged(view, known(dossier))
    blanks = left(answers, todo, view.incident)
    before = course(replace(dossier, parts=dossier.earlier))
    journals = sources(dossier)
    report = PostIncidentReport(
        meta=heading(dossier, when, blanks, sum(s.records for s in journals), now),
        summary=_summary(fate, when, runs, todo), judged=answers, hints=hints(dossier, fate), times=when,
        lapses=lapses(when), detection=_detection(dossier, when, said),
        outages=outages(fate), unknown=_unmeasured(fate), pairs=_pairs(dossier, now), runs=runs,
        causes=causes(dossier, fate), recurrences=recurrences(dossier, before, fate), items=todo,
        item_blanks={i.id: of_item(i, view.incident) for i in todo}, people=people(dossier),
        decisions=tuple(a for a in said if a.what == f"note: {NoteKind.DECISION}"),
        questions=tuple(a for a in said if a.what == f"note: {NoteKind.QUESTION}"),
        chronicle=chronicle(dossier, fate, said, when), drawing=drawing(dossier, said, when), blanks=blanks,
        sources=journals, accounts=said, evidence=(),
    )  # fmt: skip
    return replace(report, evidence=evidence(dossier, frozenset(linked(replace(report, drawing=None)))))


def _summary(fate: Course, when: Sequence[Time], runs: Sequence[RunPart], todo: Sequence[Item]) -> str:
    """Two sentences of computed facts."""
    at = {t.milestone: t for t in when}
    wrong = [f for f in fate.failings if f.kind != "undone"]
    if not wrong:
        first = "No record says that anything was wrong."
    else:
        names = list(dict.fromkeys(_name(f) for f in wrong))
        started = at[Milestone.STARTED]
        where = listed(list(hosts_of(wrong)), 3)
        first = f"From {moment(started.at)} on, {count(len(names), 'thing')} failed on {where}: {listed(names, 3)}."
    resolved, mitigated = at[Milestone.RESOLVED], at[Milestone.MITIGATED]
    if resolved.evidence:
        end = f"it was resolved at {moment(resolved.at)}"
    elif mitigated.evidence:
        end = f"it was mitigated at {moment(mitigated.at)}, and is not resolved by any record"
    else:
        end = "no record says that it is over" if wrong else "nothing had to be resolved"
    made, back = sum(r.in_force for r in runs), sum(r.taken_back for r in runs)
    open_ = sum(i.open for i in todo)
    second = (
        f"{count(len(runs), 'run')} left {count(made, 'change')} in force and took {back} back; {end}; "
        f"{open_} of {count(len(todo), 'action item')} {'is' if open_ == 1 else 'are'} open."
    )
    return f"{first} {second[:1].upper()}{second[1:]}"


def _name(failing: Failing) -> str:
    return f"{failing.service}: {failing.name}" if failing.service else failing.name


def _detection(dossier: Dossier, when: Sequence[Time], said: Sequence[Account]) -> str:
    """How it was noticed, and by whom."""
    found = next(t for t in when if t.milestone is Milestone.DETECTED)
    if not found.evidence:
        return f"not recorded: {found.why}"
    account = next((a for a in said if a.id == found.evidence), None)
    if account is not None:
        by = f", said by {account.who}" if account.who else ""
        return f"{account.kind} from {account.source}{by}: {account.text}"
    part = next((p for p in dossier.parts if found.evidence.startswith(p.prefix)), None)
    started = part.subject.view.started if part else None
    return (
        f"a record of {started.kind} {part.label} ({started.runbook}), which {started.actor or 'nobody'} had started"
        if part and started
        else ""
    )


# ------------------------------------------------------------------ what was measured and done


def _unmeasured(fate: Course) -> tuple[str, ...]:
    """Criteria that say nothing of those who use the service: they could not be measured, or not believed."""
    found = [f for f in fate.failings if f.kind == "criterion" and f.status != "not met" and f.over is None]
    return tuple(f"{_name(f)} on {f.host}: {f.status}" for f in found)


def _pairs(dossier: Dossier, now: datetime) -> tuple[Pair, ...]:
    """The first and the newest record of each criterion on each host."""
    first: dict[tuple[str, str, str], Criterion] = {}
    newest: dict[tuple[str, str, str], Criterion] = {}
    for part in dossier.parts:
        for each in criteria(part.subject, intent(part.subject.view.started), now, None):
            if each.seq:
                moved = anchored(each, part.prefix)
                first.setdefault(moved.key, moved)
                newest[moved.key] = moved
    twice = {key: c for key, c in first.items() if c.evidence != newest[key].evidence}
    return compare(list(twice.values()), [newest[key] for key in twice])


def _run(part: Part, now: datetime) -> RunPart:
    whole = run_report(part.subject, now)
    # A rollback that is a run of its own is told as one.
    own = anchored(run_report(replace(part.subject, later=()), now).rollbacks, part.prefix)
    tried = steps_tried(part.subject, whole, {h.name for h in whole.hosts})
    return RunPart(
        label=part.label, meta=whole.meta, why=one_line(part.why), summary=whole.summary,
        hosts=tuple(h.name for h in whole.hosts), ends=tuple(map(_short, anchored(whole.hosts, part.prefix))),
        rows=anchored(whole.rows, part.prefix), wide=len(whole.hosts) > COLUMNS,
        tried=anchored(tuple(t for t in tried if t.result != "ok"), part.prefix), rollbacks=own,
        in_force=len(whole.in_force), taken_back=sum(c.fate == "taken back" for c in whole.changes),
    )  # fmt: skip


def _short(end: HostEnd) -> HostEnd:
    return replace(end, message=shortened(end.message, 240))
