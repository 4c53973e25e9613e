"""The timeline of an incident: records of runs and accounts of people, each row with source, actor and link."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from playbook_engine.model.events import CheckEvaluated
from playbook_engine.model.frozen import frozen
from playbook_engine.report.accounts import Account
from playbook_engine.report.dossier import Dossier, Part, actor
from playbook_engine.report.failings import Course
from playbook_engine.report.milestones import Time
from playbook_engine.report.moments import Moment, moments
from playbook_engine.report.text import clock, instant, listed, one_line, shortened
from playbook_engine.report.timeline import LABEL, Span, Timeline, drawn, spans

QUIET = ("ok", "met", "connected", "skipped")
"""Outcomes that are only told where something that was wrong got well by them."""
WELL = ("changed", "proved", "undone")
LANES = 12  # more hosts than this share the lane of their run, and only what went wrong on them is told
DETAIL = 180  # characters of a run's own words; the evidence has all of them
LANE_NAMES = {"alert": "alerts", "chat": "chat", "note": "notes", "escalation": "escalation", "drill": "drill"}


@frozen
class ChronicleRow:
    """One row. `said`: somebody's word, and not a record of a run. `milestones`: the times that are this row's."""

    at: str
    time: str
    host: str
    what: str
    name: str
    outcome: str
    detail: str
    actor: str
    source: str
    said: bool
    evidence: str
    milestones: tuple[str, ...] = ()


@frozen
class Chronicle:
    """`quiet`: how many records of what went well are left out."""

    rows: tuple[ChronicleRow, ...]
    quiet: int


def chronicle(dossier: Dossier, fate: Course, said: Sequence[Account], times: Sequence[Time]) -> Chronicle:
    turned = {f.over.evidence for f in fate.failings if f.over}
    turned |= {f.eased.evidence for f in fate.failings if f.eased}
    named: dict[str, list[str]] = {}
    for time in times:
        if time.evidence:
            named.setdefault(time.evidence, []).append(time.milestone)
    rows: list[ChronicleRow] = []
    quiet = 0
    for part in dossier.parts:
        services, wide = _services(part), len(part.subject.view.hosts) > LANES
        for moment in moments(part.subject.view.records, datetime.now(UTC)):
            row = _of_run(part, moment, services.get(moment.seq, ""))
            quiet_here = row.outcome in QUIET or (wide and row.host and row.outcome in WELL)
            if quiet_here and row.evidence not in turned and row.evidence not in named:
                quiet += 1
            else:
                rows.append(row)
    rows += [_of_account(a) for a in said if not a.what.endswith(" attached")]
    rows = [replace(r, milestones=tuple(named.get(r.evidence, ()))) for r in rows]
    return Chronicle(rows=tuple(sorted(rows, key=lambda r: r.at)), quiet=quiet)


def _services(part: Part) -> dict[int, str]:
    """What each criterion is about: `latency` alone is that of many things."""
    return {
        r.seq: one_line(r.event.service)
        for r in part.subject.view.records
        if isinstance(r.event, CheckEvaluated) and r.event.service
    }


def _of_run(part: Part, moment: Moment, service: str) -> ChronicleRow:
    ended = moment.what == "host" or moment.outcome.startswith("exit ")
    nameless = ended or (moment.what == "run" and moment.outcome != "started")
    return ChronicleRow(
        at=moment.at, time=moment.time, host=moment.host, what=f"{moment.what} ended" if ended else moment.what,
        name="" if nameless else f"{service}: {moment.name}" if service else moment.name, outcome=moment.outcome,
        detail=shortened(moment.detail, DETAIL), actor=one_line(actor(part, moment.seq)),
        source=f"{part.label} journal", said=False, evidence=f"{part.prefix}{moment.seq}",
    )  # fmt: skip


def _of_account(account: Account) -> ChronicleRow:
    return ChronicleRow(
        at=account.at, time=clock(account.at), host="", what=account.what, name="", outcome="",
        detail=shortened(account.text, 400), actor=account.who, source=account.source, said=account.said,
        evidence=account.id,
    )  # fmt: skip


def drawing(dossier: Dossier, said: Sequence[Account], times: Sequence[Time]) -> Timeline | None:
    """All of it as one drawing: the times of the incident, what was said, and each run; None with nothing to draw."""
    found: list[Span] = []
    lanes: list[str] = []
    together: dict[str, list[Time]] = {}
    for time in times:
        together.setdefault(time.evidence, []).append(time)
    for evidence, mine in together.items():
        if (at := instant(mine[0].at)) is not None:
            label = listed([t.milestone for t in mine])
            found.append(_point("milestones", at, f"milestone {mine[-1].milestone}", label, evidence, 2e6))
    if found:
        lanes.append("milestones")
    for kind, lane in LANE_NAMES.items():
        own = [a for a in said if a.kind == kind and instant(a.at) is not None]
        if own:
            lanes.append(lane)
        for account in own:
            at = instant(account.at)
            assert at is not None
            label = account.text if kind in ("alert", "chat", "note") else account.what
            found.append(_point(lane, at, kind, f"{account.who}: {label}" if account.who else label, account.id, 1.0))
    for part in dossier.parts:
        for span in _of_part(part):
            found.append(span)
            if span.host not in lanes:
                lanes.append(span.host)
    if not found:
        return None
    start, end = min(s.start for s in found), max(s.end for s in found)
    return drawn(lanes, found, start, end)


def _point(lane: str, at: datetime, look: str, label: str, evidence: str, weight: float) -> Span:
    shown = shortened(one_line(label), LABEL)
    title = f"{lane}: {one_line(label)} · {clock(at.isoformat())} · {evidence}"
    return Span(
        seq=0, host=lane, start=at, end=at, look=look, thin=False, label=shown, title=title, weight=weight,
        evidence=evidence,
    )  # fmt: skip


def _of_part(part: Part) -> Iterator[Span]:
    together = len(part.subject.view.hosts) > LANES
    for span in spans(part.subject):
        lane = part.label if together else f"{part.label} {one_line(span.host)}"
        evidence = f"{part.prefix}{span.seq}"
        title = f"{part.label} {span.title.removesuffix(f'E{span.seq}')}{evidence}"
        yield replace(span, host=lane, evidence=evidence, title=title)
