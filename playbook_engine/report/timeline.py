"""When what happened on each host, as geometry for an SVG and as rows of a table. Pure: units are those of a viewBox.

The width of a label is estimated (0.58 em a character), since nobody can measure text here; it goes to the first free
row below its bar, ends at its bar near the right edge, and is left out where no row is free: the bar's title, the
table below and the evidence have it all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from playbook_engine.journal.codec import Record
from playbook_engine.journal.fold import StepView
from playbook_engine.model.events import (
    CheckEvaluated,
    Event,
    HostConnected,
    HostUnreachable,
    PreconditionEvaluated,
    RollbackVerified,
    StepFinished,
    StepUndone,
)
from playbook_engine.model.frozen import frozen
from playbook_engine.report.moments import Moment, moments
from playbook_engine.report.status import judge_then
from playbook_engine.report.subject import Subject
from playbook_engine.report.text import clock, instant, one_line, plain_name, seconds, shortened

WIDTH, LEFT, RIGHT, TOP = 1000.0, 132.0, 12.0, 26.0
BAR, THIN, GAP, ROW, LANE_GAP = 13.0, 5.0, 2.0, 13.0, 12.0
FONT, EM = 10.5, 0.58
LABEL_ROWS = 4
LABEL = 44  # characters
LANES = 40  # more hosts than this are in the table only
LEAST = 2.5  # so that a bar can be seen and hit
STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200)


@frozen
class Bar:
    x: float
    y: float
    width: float
    height: float
    look: str
    title: str
    evidence: str


@frozen
class Label:
    """`x` is where the text begins, or ends when `anchor` is end; `stem` leads up to the bar."""

    x: float
    y: float
    text: str
    anchor: str
    look: str
    stem_x: float
    stem_y: float


@frozen
class Lane:
    host: str
    y: float
    height: float
    bars: tuple[Bar, ...]
    labels: tuple[Label, ...]


@frozen
class Tick:
    x: float
    text: str


@frozen
class Timeline:
    width: float
    height: float
    began: str
    span: str
    ticks: tuple[Tick, ...]
    lanes: tuple[Lane, ...]
    left_out: int
    moments: tuple[Moment, ...]


@dataclass(slots=True, kw_only=True)
class Span:
    """Something that took its time, on the lane called `host`. `evidence` is its record, `E` and `seq` unless given."""

    seq: int
    host: str
    start: datetime
    end: datetime
    look: str
    thin: bool
    label: str
    title: str
    weight: float = field(default=0.0)
    evidence: str = ""


def timeline(subject: Subject) -> Timeline:
    """Of one run; later rollbacks have timelines of their own."""
    records = subject.view.records
    times = [t for r in records if (t := instant(r.at)) is not None] or [datetime.now(UTC)]
    found = spans(subject)
    start = min([*times, *(s.start for s in found)])
    hosts = _chosen(subject)
    return drawn(
        hosts, found, start, max(times), moments=tuple(moments(records, start)),
        left_out=len(subject.view.hosts) - len(hosts),
    )  # fmt: skip


def spans(subject: Subject) -> list[Span]:
    """All that has a place on a run's timeline."""
    records = subject.view.records
    times = [t for r in records if (t := instant(r.at)) is not None] or [datetime.now(UTC)]
    found = [s for r in records if (s := _span(r)) is not None]
    return found + [s for h in subject.view.hosts.values() for step in h.steps if (s := _unfinished(step, max(times)))]


def drawn(
    names: Sequence[str], found: Sequence[Span], start: datetime, end: datetime, *,
    moments: tuple[Moment, ...] = (), left_out: int = 0,
) -> Timeline:  # fmt: skip
    """Lanes with these names, with whatever of `found` is on them."""
    end = max([end, *(s.end for s in found)])
    total = max((end - start).total_seconds(), 0.001)
    scale = (WIDTH - LEFT - RIGHT) / total
    lanes: list[Lane] = []
    y = TOP
    for name in names:
        lane = _lane(name, [s for s in found if s.host == name], start, scale, y)
        lanes.append(lane)
        y += lane.height + LANE_GAP
    return Timeline(
        width=WIDTH, height=max(y, TOP + 20), began=f"{start:%Y-%m-%d %H:%M:%S}Z", span=seconds(total),
        ticks=tuple(_ticks(start, total, scale)), lanes=tuple(lanes), left_out=left_out, moments=moments,
    )  # fmt: skip


def _chosen(subject: Subject) -> list[str]:
    """All hosts, or where there are too many those that ended badly first."""
    hosts = list(subject.view.hosts.values())
    if len(hosts) > LANES:
        hosts = sorted(hosts, key=lambda h: bool(h.status and h.status.good))[:LANES]
    return [h.name for h in hosts]


def _span(record: Record) -> Span | None:
    event, end = record.event, instant(record.at)
    if end is None or not event.host:
        return None
    match event:
        case StepFinished() if event.outcome != "skipped":
            label = f" [{event.label}]" if event.label else ""
            return _made(record, event, end, event.seconds, event.outcome, f"{event.name}{label}", "step")
        case StepUndone():
            return _made(record, event, end, event.seconds, event.outcome, f"undo: {event.name}", "undo")
        case HostConnected():
            return _made(record, event, end, event.seconds, "connect", "connect", "connection")
        case HostUnreachable():
            return _made(record, event, end, 0.0, "unreachable", f"unreachable: {event.kind}", "connection")
        case CheckEvaluated() | PreconditionEvaluated():
            said = judge_then(record.seq, record.at, event).status.replace(" ", "_")
            what = event.purpose if isinstance(event, CheckEvaluated) else "precondition"
            return _made(record, event, end, event.seconds, said, event.name, what, thin=True)
        case RollbackVerified():
            return _made(record, event, end, 0.0, "proved" if event.proved else "failed", "proof", "proof", thin=True)
        case _:
            return None


def _unfinished(step: StepView, end: datetime) -> Span | None:
    """A step without an end: the run goes on in it, or died in it."""
    start = instant(step.started_at)
    if step.finished is not None or start is None:
        return None
    name = plain_name(step.started.name)
    return Span(
        seq=step.seq, host=step.started.host, start=start, end=max(end, start), look="in_doubt", thin=False,
        label=shortened(name, LABEL), title=f"step: {name} · without an end", weight=1e6,
    )  # fmt: skip


def _made(
    record: Record, event: Event, end: datetime, span: float, look: str, name: str, what: str, *, thin: bool = False
) -> Span:
    word = look.replace("_", " ")
    shown = plain_name(name)
    title = f"{what}: {shown} · {word} · {seconds(span)} · {clock(record.at)} · E{record.seq}"
    bad = look in ("failed", "timed_out", "unreachable", "in_doubt", "unknown", "not_met", "invalid")
    # Labels are placed in the order of their weight: what went wrong, what took long, then the rest.
    weight = (1e6 if bad else 0.0) + span + (0.0 if thin else 0.001)
    return Span(
        seq=record.seq, host=event.host, start=end - timedelta(seconds=max(span, 0.0)), end=end, look=look, thin=thin,
        label=shortened(shown, LABEL), title=title, weight=weight,
    )  # fmt: skip


def _lane(host: str, spans: Sequence[Span], start: datetime, scale: float, y: float) -> Lane:
    thick = any(not s.thin and s.look != "connect" for s in spans)
    if not thick:  # nothing but checks, as in an audit: they are what the lane is about
        for each in spans:
            each.thin = False
    below = y + BAR + GAP + THIN + GAP
    bars, wanted = [], []
    for each in spans:
        x = LEFT + (each.start - start).total_seconds() * scale
        width = max((each.end - each.start).total_seconds() * scale, LEAST)
        x = min(x, WIDTH - RIGHT - LEAST)
        top = y + BAR + GAP if each.thin else y
        bars.append(
            Bar(
                x=round(x, 2), y=top, width=round(min(width, WIDTH - RIGHT - x), 2), height=THIN if each.thin else BAR,
                look=each.look, title=each.title, evidence=each.evidence or f"E{each.seq}",
            )
        )  # fmt: skip
        # Checks are labelled where nothing else is: in an audit, and wherever one did not hold.
        if each.look != "connect" and (not each.thin or each.weight >= 1e6):
            wanted.append((each, x, width, top))
    labels, rows = _labels(wanted, below)
    return Lane(host=one_line(host), y=y, height=below - y + rows * ROW, bars=tuple(bars), labels=tuple(labels))


def _labels(wanted: Iterable[tuple[Span, float, float, float]], below: float) -> tuple[list[Label], int]:
    """Labels by weight, each in the first row where neither its text nor the stems through that row collide."""
    taken: list[list[tuple[float, float]]] = [[] for _ in range(LABEL_ROWS)]
    stems: list[list[float]] = [[] for _ in range(LABEL_ROWS)]
    placed: list[Label] = []
    for span, x, width, top in sorted(wanted, key=lambda w: -w[0].weight):
        text_width = len(span.label) * FONT * EM + 6
        stem = x + min(width, 4.0) / 2
        end_anchored = stem + text_width > WIDTH - RIGHT
        left, right = (stem - text_width, stem + 2) if end_anchored else (stem - 2, stem + text_width)
        if left < LEFT - 40:
            continue
        for row, used in enumerate(taken):
            clear = all(right < a or left > b for a, b in used)
            through = all(stem < a or stem > b for above in taken[:row] for a, b in above)
            uncrossed = all(other < left or other > right for deeper in stems[row + 1 :] for other in deeper)
            if clear and through and uncrossed:
                used.append((left, right))
                stems[row].append(stem)
                y = below + row * ROW + FONT - 1
                placed.append(
                    Label(
                        x=round(stem + (-3 if end_anchored else 3), 2), y=y, text=span.label,
                        anchor="end" if end_anchored else "start", look=span.look, stem_x=round(stem, 2),
                        stem_y=top + (THIN if span.thin else BAR),
                    )
                )  # fmt: skip
                break
    rows = max((n + 1 for n, used in enumerate(taken) if used), default=0)
    return placed, rows


def _ticks(start: datetime, total: float, scale: float) -> Iterable[Tick]:
    """At round offsets; in runs of more than two minutes at round times of the day."""
    step = next((s for s in STEPS if total / s <= 9), 86400.0)
    if total <= 120:
        at = 0.0
        while at <= total:
            yield Tick(x=round(LEFT + at * scale, 2), text=f"{at:g} s")
            at = round(at + step, 6)
        return
    midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
    at = step * (int((start - midnight).total_seconds() // step) + 1)
    while (offset := (midnight - start).total_seconds() + at) <= total:
        when = midnight + timedelta(seconds=at)
        yield Tick(x=round(LEFT + offset * scale, 2), text=f"{when:%H:%M:%S}" if step < 60 else f"{when:%H:%M}")
        at += step
