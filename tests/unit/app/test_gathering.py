"""What is found to belong to an incident, and what is not."""

from __future__ import annotations

from pathlib import Path

import pytest
from incident_samples import Desk
from report_recorder import Recorder
from report_samples import RUNBOOK

from playbook_engine.app.gathering import earlier, gather
from playbook_engine.model.events import DrillStarted, EscalationJoined, EscalationOpened, RunPerformed


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(Recorder(tmp_path))


def ran(
    desk: Desk, kind: str = "run", hosts: tuple[str, ...] = ("web1.test",), name: str = "deploy", **more: object
) -> str:
    """A run of a minute."""
    with desk.recorder.run(RUNBOOK.replace("name: deploy", f"name: {name}"), kind=kind, hosts=hosts, **more) as journal:
        desk.later(minutes=1)
    return journal.name


def found(desk: Desk, *named: str) -> dict[str, str]:
    return {f.id: f.why for f in gather(desk.app, named)}


def test_runs_of_the_same_runbook_around_it(desk: Desk) -> None:
    ran(desk)
    desk.later(hours=7)
    near = ran(desk)
    desk.later(hours=5)
    mine = ran(desk, end=2)
    elsewhere, other = ran(desk, hosts=("db1.test",)), ran(desk, name="else")
    check = ran(desk, check=True)
    desk.later(hours=5)
    after = ran(desk)
    desk.later(hours=7)
    late = ran(desk)
    assert list(found(desk, mine)) == [near, mine, other, after], "other ran on its host meanwhile"
    assert not {elsewhere, check, late} & set(found(desk, mine))
    assert check in found(desk, check), "whoever names it wants it"


def test_what_else_went_on_meanwhile(desk: Desk) -> None:
    before = ran(desk, "exec", name="by-hand-before")
    first = ran(desk, end=2)
    by_hand, elsewhere = ran(desk, "exec", name="by-hand"), ran(desk, "exec", ("db1.test",), "by-hand")
    second = ran(desk)
    later = ran(desk, "exec", name="by-hand-later")
    why = found(desk, first)
    assert list(why) == [first, by_hand, second]
    assert why[by_hand] == "on its hosts while it went on"
    assert not {before, elsewhere, later} & set(why)


def test_rollbacks_both_ways(desk: Desk) -> None:
    run = ran(desk, end=2)
    back = ran(desk, "rollback", of=run)
    assert found(desk, run) == {run: "named", back: f"took {run} back"}
    assert found(desk, back) == {run: f"taken back by {back}", back: "named"}


def test_the_audit_before_and_those_since(desk: Desk) -> None:
    long_ago = ran(desk, "audit")
    desk.later(hours=25)
    older, before, elsewhere = ran(desk, "audit"), ran(desk, "audit"), ran(desk, "audit", ("db1.test",))
    run = ran(desk, end=2)
    since = ran(desk, "audit")
    desk.later(hours=25)
    late = ran(desk, "audit")
    assert found(desk, run) == {before: "the audit before", run: "named", since: "an audit since"}
    assert not {long_ago, older, elsewhere, late} & set(found(desk, run))


def test_escalations_and_drills(desk: Desk) -> None:
    run, other = ran(desk, end=2, drill="drill-1"), ran(desk, hosts=("db1.test",))
    opened = EscalationOpened(escalation="e", policy="p", key="k", run=other, trigger="t", severity="P1", why="w")
    joined = EscalationJoined(run=run, seq=4, trigger="t", severity="P1", why="w")
    desk.write("escalations", "esc-1", [opened, joined])
    desk.write("escalations", "esc-2", [opened])
    desk.write("drills", "drill-1", [DrillStarted(drill="drill-1", kind="live", scenario="s")])
    desk.write("drills", "drill-2", [RunPerformed(run=run, exit_code=2)])
    desk.write("drills", "drill-3", [RunPerformed(run=other, exit_code=2)])
    assert [(f.kind, f.id) for f in gather(desk.app, [run])] == [
        ("run", run), ("escalation", "esc-1"), ("drill", "drill-1"), ("drill", "drill-2"),
    ]  # fmt: skip


def test_a_journal_that_cannot_be_read_stops_nothing(desk: Desk) -> None:
    run = ran(desk, end=2)
    desk.write("escalations", "esc-1", [EscalationJoined(run=run, seq=1, trigger="t", severity="P1", why="w")])
    (desk.store("escalations").folder("esc-1") / "key").unlink()
    assert list(found(desk, run)) == [run]


def test_runs_before_it_on_its_hosts(desk: Desk) -> None:
    runs = [ran(desk), ran(desk, "exec", name="x"), ran(desk, hosts=("db1.test",)), ran(desk, "check"), ran(desk)]
    began = desk.app.store.read(runs[4]).records[0].at
    assert earlier(desk.app, ["web1.test"], began, [runs[0]], 10) == [runs[1]]
    assert earlier(desk.app, ["web1.test"], began, [], 1) == [runs[1]]
