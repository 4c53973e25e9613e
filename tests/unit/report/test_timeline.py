"""The drawing: nothing overlaps, nothing leaves the page, whatever the run was like."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from playbook_engine.journal.codec import Record
from playbook_engine.journal.fold import fold
from playbook_engine.model.events import CheckEvaluated, Event, HostFinished, RunFinished, RunStarted, StepFinished
from playbook_engine.report.subject import Subject
from playbook_engine.report.timeline import EM, FONT, LEFT, ROW, WIDTH, Label, timeline

STEP = st.tuples(
    st.floats(0.0, 400.0), st.text("abcdefgh ", min_size=1, max_size=60),
    st.sampled_from(["ok", "changed", "failed", "timed_out"]), st.booleans(),
)  # fmt: skip


def subject(steps: list[tuple[float, str, str, bool]], hosts: int = 1) -> Subject:
    names = tuple(f"h{n}" for n in range(hosts))
    events: list[tuple[float, Event]] = [(0.0, RunStarted(run="r", kind="run", runbook="x", hosts=names))]
    at = 0.0
    for span, name, outcome, is_check in steps:
        at += span
        for host in names:
            event: Event = StepFinished(host=host, step="s1", name=name, action="copy", outcome=outcome, seconds=span)
            if is_check:
                verdict = "met" if outcome == "ok" else "not_met"
                event = CheckEvaluated(
                    host=host, purpose="criterion", probe="c1", name=name, action="http", verdict=verdict,
                    expect="x", seconds=span,
                )  # fmt: skip
            events.append((at, event))
    events += [(at, HostFinished(host=h, status="ok")) for h in names]
    events.append((at, RunFinished(exit_code=0)))
    records = [Record(seq=n, at=_time(at), event=e) for n, (at, e) in enumerate(events, 1)]
    view = fold("r", records)
    assert view is not None
    return Subject(view=view)


def _time(seconds: float) -> str:
    from datetime import UTC, datetime, timedelta

    when = datetime(2025, 8, 1, 23, 50, tzinfo=UTC) + timedelta(seconds=seconds)
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def box(label: Label) -> tuple[float, float, float]:
    """(left, right, baseline) of a label, by the same estimate as the drawing."""
    width = len(label.text) * FONT * EM
    left = label.x - width if label.anchor == "end" else label.x
    return left, left + width, label.y


@settings(max_examples=150, deadline=None)
@given(st.lists(STEP, min_size=1, max_size=25))
def test_no_label_covers_another_or_is_crossed(steps: list[tuple[float, str, str, bool]]) -> None:
    (lane,) = timeline(subject(steps)).lanes
    boxes = sorted((box(label) for label in lane.labels), key=lambda b: (b[2], b[0]))
    for one, two in pairwise(boxes):
        assert one[2] != two[2] or one[1] <= two[0]
    for label in lane.labels:
        for left, right, y in boxes:
            if label.stem_y < y < label.y - ROW / 2:
                assert not left < label.stem_x < right


@settings(max_examples=100, deadline=None)
@given(st.lists(STEP, min_size=1, max_size=12), st.integers(1, 3))
def test_nothing_leaves_the_page(steps: list[tuple[float, str, str, bool]], hosts: int) -> None:
    drawn = timeline(subject(steps, hosts))
    for lane in drawn.lanes:
        for bar in lane.bars:
            assert bar.x >= LEFT - 0.01
            assert bar.x + bar.width <= WIDTH
            assert bar.width > 0
        for label in lane.labels:
            assert box(label)[1] <= WIDTH
            assert label.y <= lane.y + lane.height <= drawn.height
    for above, below in pairwise(drawn.lanes):
        assert above.y + above.height <= below.y
    assert all(LEFT <= tick.x <= WIDTH for tick in drawn.ticks)
    assert 1 <= len(drawn.ticks) <= 11


def test_too_many_hosts_are_in_the_table_only() -> None:
    drawn = timeline(subject([(1.0, "a", "ok", False)], hosts=45))
    assert (len(drawn.lanes), drawn.left_out) == (40, 5)
    assert len({m.host for m in drawn.moments if m.host}) == 45


def test_what_failed_is_labelled_first() -> None:
    steps = [(0.01, f"step number {n}", "ok", False) for n in range(40)]
    steps[20] = (0.01, "the one that failed", "failed", False)
    (lane,) = timeline(subject(steps)).lanes
    assert "the one that failed" in [label.text for label in lane.labels]
