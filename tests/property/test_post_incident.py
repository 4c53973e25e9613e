"""Whatever runs were like: every status, time and row of the document links to a record that the document holds."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from playbook_engine.journal.codec import Record
from playbook_engine.journal.fold import fold
from playbook_engine.journal.incident import fold_incident
from playbook_engine.model.events import (
    ChangeApplied,
    ChangeFailed,
    ChangeIntended,
    CheckEvaluated,
    EscalationAcknowledged,
    EscalationOpened,
    Event,
    HostConnected,
    HostFinished,
    HostUnreachable,
    IncidentNoted,
    IncidentOpened,
    LineImported,
    PreconditionEvaluated,
    ProbeVerified,
    RollbackStarted,
    RollbackVerified,
    RunFinished,
    RunResumed,
    RunStarted,
    StateObserved,
    StepFinished,
    StepStarted,
    StepUndone,
)
from playbook_engine.model.incident import Milestone, NoteKind
from playbook_engine.model.outcome import HostStatus, Outcome, Verdict
from playbook_engine.report.blanks import found_in
from playbook_engine.report.disguise import disguised
from playbook_engine.report.dossier import Dossier, Log, Part
from playbook_engine.report.post_incident import PostIncidentReport, post_incident
from playbook_engine.report.render import render
from playbook_engine.report.subject import Subject

BEGAN = datetime(2025, 8, 1, 23, 50, tzinfo=UTC)
HOSTS = ("a.test", "b.test")
STEP = st.sampled_from(["s1", "s2", "s3.s1"])
CHANGES = st.sampled_from([(), ({"path": "/etc/app", "aspect": "content"},), ({"subject": "app"},)])
PLAN = {
    "$t": "Plan",
    "runbook": {
        "$t": "Runbook", "name": "r",
        "steps": [
            {"id": "s1", "name": "one", "checks": [{"id": "s1.c1", "name": "holds", "expect": "x"}]}, {"id": "s2"},
            {"id": "s3", "runbook": {"steps": [{"id": "s3.s1"}], "checks": [{"id": "s3.c1", "name": "inner"}]}},
        ],
        "checks": [
            {"id": "c1", "name": "answers", "expect": "result.status == 200", "service": "app"},
            {"id": "c2", "name": "other"},
        ],
    },
}  # fmt: skip


@st.composite
def happened(draw: st.DrawFn) -> list[Event]:
    """Something on one host."""
    host, name = draw(st.sampled_from(HOSTS)), draw(st.sampled_from(["one", "two"]))
    step, changes = draw(STEP), draw(CHANGES)
    text = draw(st.sampled_from(["", "it broke", "▢ to be judged: x (y)", "a | b `c` <d>", "\x1b[2J\udcff"]))
    verdict = draw(st.sampled_from([str(v) for v in Verdict]))
    skew, boot = draw(st.sampled_from([None, 0.0, 9.0])), draw(st.sampled_from("ab"))
    undone = draw(st.sampled_from(["undone", "kept", "failed"]))
    check = CheckEvaluated(
        host=host, purpose=draw(st.sampled_from(["criterion", "check", "unless"])), scope="main", name=name,
        probe=draw(st.sampled_from(["c1", "c2", "c9"])), action="http", verdict=verdict, expect="x == 1", detail=text,
        value=draw(st.sampled_from([None, 1, 503, "no", 1795620617266])), unit=draw(st.sampled_from(["", "ms", "%"])),
        threshold=draw(st.sampled_from([None, "== 1"])), service=draw(st.sampled_from(["", "app"])),
    )  # fmt: skip
    applied: Event = ChangeApplied(host=host, step=step)
    if draw(st.booleans()):
        applied = ChangeFailed(host=host, step=step, kind="x", message=text)
    started = StepStarted(host=host, name=name, step=step, action="copy")
    some: list[list[Event]] = [
        [HostConnected(host=host, boot_id=boot, clock_skew=skew)],
        [HostUnreachable(host=host, kind="link-lost", message=text)],
        [
            started, StateObserved(host=host, step=step, changes=changes),
            ChangeIntended(
                host=host, name=name, reversible="action", changes=changes, step=step, action="copy"
            ), applied,
        ],
        [started],
        [
            StepFinished(
                host=host, name=name, outcome=draw(st.sampled_from(Outcome)).value, message=text, step=step,
                action="copy",
            )
        ],
        [
            PreconditionEvaluated(
                host=host, scope="main", probe="p1", name=name, action="command", verdict=verdict, detail=text,
                otherwise=draw(st.sampled_from(["fail", "skip"])), expect="x",
            )
        ],
        [check],
        [RollbackStarted(host=host, scope="main", why=text)],
        [StepUndone(host=host, name=name, outcome=undone, how="action", step=step, action="copy")],
        [RollbackVerified(host=host, scope="main", proved=draw(st.booleans()), compared=1)],
        [HostFinished(host=host, status=draw(st.sampled_from(HostStatus)).value, message=text)],
        [RunResumed(actor="grace@ops.test", hosts=(host,))],
    ]  # fmt: skip
    return draw(st.sampled_from(some))


def numbered(events: list[Event], start: float) -> tuple[Record, ...]:
    """The events as records, a second apart."""
    found = []
    for n, event in enumerate(events, 1):
        at = BEGAN + timedelta(seconds=start + n)
        found.append(Record(seq=n, at=at.isoformat(timespec="milliseconds").replace("+00:00", "Z"), event=event))
    return tuple(found)


@st.composite
def subjects(draw: st.DrawFn, number: int) -> Subject:
    kind = draw(st.sampled_from(["run", "audit", "exec", "rollback"]))
    events: list[Event] = [
        RunStarted(
            run=f"run{number}", kind=kind, runbook=draw(st.sampled_from(["r", "q"])), hosts=HOSTS, actor="ada@ops.test",
            plan=PLAN if draw(st.booleans()) else {}, of="run1" if kind == "rollback" else "",
        )
    ]  # fmt: skip
    events += [e for some in draw(st.lists(happened(), max_size=8)) for e in some]
    if draw(st.booleans()):
        events.append(RunFinished(exit_code=draw(st.integers(0, 4))))
    view = fold(f"run{number}", numbered(events, number * draw(st.sampled_from([0.5, 100.0]))))
    assert view is not None
    return Subject(view=view, closed=draw(st.booleans()))


@st.composite
def dossiers(draw: st.DrawFn) -> Dossier:
    count = draw(st.integers(0, 3))
    found = [draw(subjects(n)) for n in range(1, count + 3)]
    told = "2025-08-01T23:51:00.000Z"
    kinds = st.sampled_from([str(k) for k in NoteKind])
    stones = st.sampled_from(["", *map(str, Milestone)])
    incident: list[Event] = [IncidentOpened(incident="inc-1", actor="ada@ops.test")]
    for _ in range(draw(st.integers(0, 4))):
        when, who = draw(st.sampled_from(["", told, "x"])), draw(st.sampled_from(["", "grace"]))
        some: list[Event] = [
            IncidentNoted(kind=draw(kinds), text="so it was", milestone=draw(stones), told=when),
            LineImported(source="x", told=told, speaker=who, text="said", milestone=draw(stones)),
            ProbeVerified(item="abcdef", run="run1", verdict="met", probes=("c1",), hosts=HOSTS[:1]),
        ]
        incident.append(draw(st.sampled_from(some)))
    view = fold_incident("inc-1", numbered(incident, 50.0))
    assert view is not None
    paged: list[Event] = [
        EscalationOpened(escalation="esc-1", policy="p", key="k", run="run1", trigger="t", severity="P1", why="w"),
        EscalationAcknowledged(by="grace"),
    ]
    logs = [Log(kind="escalation", id="esc-1", prefix="P1-", records=numbered(paged, 60.0))]
    return Dossier(
        incident=view, parts=tuple(Part(label=f"R{n}", subject=s) for n, s in enumerate(found[:count], 1)),
        earlier=tuple(Part(label=f"B{n}", subject=s) for n, s in enumerate(found[count:], 1)),
        logs=tuple(logs if draw(st.booleans()) else ()), names={s.run: s.view.started.runbook for s in found},
    )  # fmt: skip


def made(dossier: Dossier) -> PostIncidentReport:
    return post_incident(disguised(dossier), BEGAN + timedelta(hours=1))


def ids_of(report: PostIncidentReport) -> set[str]:
    return {e.id for e in report.evidence} | {a.id for a in report.accounts}


def evidence_in(data: object, key: str = "") -> Iterator[str]:
    """Everything that the JSON gives as evidence."""
    if isinstance(data, dict):
        for name, value in data.items():
            yield from evidence_in(value, name)
    elif isinstance(data, list):
        for value in data:
            yield from evidence_in(value, key)
    elif key == "evidence" and isinstance(data, str) and data:
        yield data


@settings(max_examples=150, deadline=None)
@given(dossiers())
def test_every_link_leads_to_a_record_of_the_document(dossier: Dossier) -> None:
    report = made(dossier)
    known = ids_of(report)
    assert len(known) == len(report.evidence) + len(report.accounts)
    data = json.loads(render(report, "json"))
    data.pop("drawing")  # its bars are links only where there is a record to lead to
    assert set(evidence_in(data)) <= known
    text = render(report, "md")
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= set(re.findall(r'<a id="([^"]+)">', text)) == known
    page = render(report, "html")
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(ids)


@settings(max_examples=150, deadline=None)
@given(dossiers())
def test_a_record_in_the_document_is_that_of_the_journal(dossier: Dossier) -> None:
    report = made(dossier)
    journals = {p.label: p.subject.view.records for p in (*dossier.parts, *dossier.earlier)}
    for entry in report.evidence:
        label, _, seq = entry.id.partition("-")
        record = journals[label][int(seq) - 1]
        assert (entry.at, entry.seq) == (record.at, record.seq)
    by_id = {e.id: e for e in report.evidence}
    for time in report.times:
        assert bool(time.evidence) == bool(time.at) != bool(time.why)
        if time.measured:
            assert time.at == by_id[time.evidence].at


@settings(max_examples=150, deadline=None)
@given(dossiers())
def test_green_stands_on_a_green_record(dossier: Dossier) -> None:
    """What is verified or resolved says by which record, and that one is met, proved, ok, changed or connected."""
    report = made(dossier)
    by_id = {e.id: e for e in report.evidence}
    good = {"met", "ok", "changed", "recorded"}
    for item in report.items:
        if item.status == "verified":
            ids = item.verification.evidence if item.verification else item.settled.evidence if item.settled else ()
            assert ids
            assert {by_id[e].outcome for e in ids} <= good
        else:
            assert item.settled is None or item.verification is not None or item.status == "dropped"
    for outage in report.outages:
        if not outage.open:
            assert by_id[outage.evidence[-1]].outcome == "met"


@settings(max_examples=100, deadline=None)
@given(dossiers())
def test_the_blanks_of_a_document_are_those_that_are_listed(dossier: Dossier) -> None:
    report = made(dossier)
    assert len({b.id for b in report.blanks}) == len(report.blanks)
    for form in ("md", "html"):
        assert sorted(b.id for _, b in found_in(render(report, form))) == sorted(b.id for b in report.blanks)
    asked = {kind for kind, j in report.judged.items() if j.blank}
    assert asked == {b.id for b in report.blanks if "-" not in b.id}
    for item in report.items:
        assert bool(report.item_blanks[item.id]) == item.open


@settings(max_examples=100, deadline=None)
@given(dossiers())
def test_the_same_records_give_the_same_document(dossier: Dossier) -> None:
    for form in ("md", "html", "json"):
        assert render(made(dossier), form) == render(made(dossier), form)
