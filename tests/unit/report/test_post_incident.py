"""The post-incident document: what it says comes from records, and what it does not know it says so."""

from __future__ import annotations

import pytest
from incident_samples import HOSTS, Desk, run_of, step, story
from report_recorder import Recorder
from report_samples import RUNBOOK, failed_run

from playbook_engine.app.incidents import report_of
from playbook_engine.model.events import (
    CheckEvaluated,
    DrillNoted,
    DrillStarted,
    EscalationResolved,
    Event,
    HostConnected,
    HostFinished,
    HostUnreachable,
    IncidentAttached,
    IncidentNoted,
    ItemDecided,
    LineImported,
    PreconditionEvaluated,
    ProbeVerified,
    RollbackVerified,
    StateObserved,
    StepFinished,
    StepStarted,
    StepUndone,
)
from playbook_engine.model.incident import Milestone
from playbook_engine.report.blanks import MARK, found_in
from playbook_engine.report.post_incident import PostIncidentReport
from playbook_engine.report.render import render


@pytest.fixture
def desk(recorder: Recorder) -> Desk:
    return Desk(recorder)


def of(desk: Desk, *runs: str) -> PostIncidentReport:
    return report_of(desk.app, desk.opened(*map(run_of, runs)))


def at(report: PostIncidentReport, milestone: str) -> tuple[str, str]:
    """When, and from which record."""
    (found,) = [t for t in report.times if t.milestone == milestone]
    return found.at, found.evidence


def audited(desk: Desk, verdict: str, host: str = "web1.test", **more: object) -> str:
    """An audit of the roll-out, which asks whether it answers."""
    with desk.recorder.run(RUNBOOK, hosts=(host,)) as journal:
        given = {"value": 200 if verdict == "met" else 503, "threshold": "== 200", "metric": "status", **more}
        journal.check("it answers", verdict, host=host, **given)  # type: ignore[arg-type]
        journal.host(host, "ok")
    desk.later(minutes=10)
    return journal.name


# ------------------------------------------------------------------ times


def test_times_come_from_the_records_that_they_name(desk: Desk) -> None:
    report = report_of(desk.app, story(desk))
    known = {e.id: e for e in report.evidence} | {a.id: a for a in report.accounts}
    for time in report.times:
        assert time.at == known[time.evidence].at
    assert at(report, "detected")[1] == "N6", "the alert was first"
    assert at(report, "acknowledged")[1] == "P1-5"
    assert known[at(report, "mitigated")[1]].what == "proof"  # type: ignore[union-attr]
    assert known[at(report, "resolved")[1]].outcome == "met"  # type: ignore[union-attr]


def test_a_time_without_evidence_is_not_guessed(desk: Desk) -> None:
    report = of(desk, audited(desk, "not_met"))
    for milestone in ("acknowledged", "mitigated", "resolved"):
        assert at(report, milestone) == ("", "")
    assert [lapse.seconds for lapse in report.lapses] == [None] * 4
    assert report.lapses[0].why == "the first evidence of it is its detection"
    text = render(report, "md")
    assert "| resolved | not recorded: 1 failing still open |" in text


def test_what_fails_again_is_not_resolved(desk: Desk) -> None:
    bad, good, again = (audited(desk, v) for v in ("not_met", "met", "not_met"))
    report = of(desk, bad, good, again)
    assert at(report, "mitigated")[1] == "R2-2"
    assert at(report, "resolved") == ("", "")
    assert [(o.since, o.until) for o in report.outages] == [(at(report, "started")[0], "")]
    assert report.items[0].open


def test_resolved_is_the_record_since_which_nothing_is_wrong(desk: Desk) -> None:
    runs = [audited(desk, v) for v in ("not_met", "met", "not_met", "met")]
    report = of(desk, *runs)
    assert at(report, "mitigated")[1] == "R2-2"
    assert at(report, "resolved")[1] == "R4-2"
    assert report.lapses[3].text == "30 min"


def test_one_host_that_is_well_does_not_make_another_well(desk: Desk) -> None:
    report = of(desk, audited(desk, "not_met"), audited(desk, "met", "web2.test"))
    assert at(report, "mitigated") == ("", "")


@pytest.mark.parametrize("proved", [True, False])
def test_only_a_proved_rollback_mitigates(desk: Desk, proved: bool) -> None:
    with desk.recorder.run(RUNBOOK, kind="run", hosts=("web1.test",), end=2) as journal:
        step(journal, "web1.test", "step 1", "failed", message="it broke")
        journal.emit(
            StepUndone(host="web1.test", step="s1", name="step 1", action="copy", outcome="undone", how="action"),
            RollbackVerified(host="web1.test", scope="main", proved=proved, compared=1),
            HostFinished(host="web1.test", status="rolled_back" if proved else "rollback_failed"),
        )
    report = of(desk, journal.name)
    assert bool(at(report, "mitigated")[1]) == proved
    assert at(report, "resolved") == ("", "")


def test_people_may_say_a_time_and_a_record_comes_first(desk: Desk) -> None:
    bad = audited(desk, "not_met")
    name = desk.opened(run_of(bad))
    early = "2025-08-01T17:00:00.000Z"
    desk.write("incidents", name, [
        IncidentNoted(text="users called", told=early, milestone="started", actor="grace"),
        IncidentNoted(text="switched over", told="2025-08-01T17:50:00.000Z", milestone="mitigated", actor="grace"),
        LineImported(
            source="slack", told="2025-08-01T17:45:00.000Z", speaker="grace", text="mine", milestone="acknowledged"
        ),
    ])  # fmt: skip
    report = report_of(desk.app, name)
    assert at(report, "started")[0] == early
    assert at(report, "detected")[1] == "R1-2"
    assert at(report, "acknowledged")[0] == "2025-08-01T17:45:00.000Z"
    assert at(report, "mitigated")[0] == "2025-08-01T17:50:00.000Z"
    said = {t.milestone: t.said for t in report.times}
    assert said == {
        Milestone.STARTED: True, Milestone.DETECTED: False, Milestone.ACKNOWLEDGED: True, Milestone.MITIGATED: True,
        Milestone.RESOLVED: False,
    }  # fmt: skip
    good = audited(desk, "met")
    desk.write("incidents", name, [run_of(good)])
    assert at(report_of(desk.app, name), "mitigated")[1] == "R2-2"


def test_the_end_of_the_escalation_resolves_what_no_record_does(desk: Desk) -> None:
    name = desk.opened(run_of(audited(desk, "not_met")), IncidentAttached(kind="escalation", of="esc-1", why="of it"))
    desk.write("escalations", "esc-1", [EscalationResolved(by="grace", why="it is another team's")])
    assert at(report_of(desk.app, name), "resolved")[1] == "P1-1"


# ------------------------------------------------------------------ items


FAILURES: dict[str, tuple[Event, ...]] = {
    "step": (
        StepStarted(host="web1.test", step="s1", name="step 1", action="copy"),
        StepFinished(host="web1.test", step="s1", name="step 1", action="copy", outcome="failed", message="no"),
    ),
    "unknown step": (StepFinished(host="web1.test", step="s1", name="step 1", action="copy", outcome="unknown"),),
    "precondition": (
        PreconditionEvaluated(
            host="web1.test", scope="main", probe="p1", name="room", action="command", verdict="not_met", expect="x",
        ),
    ),
    "connection": (HostUnreachable(host="web1.test", kind="unreachable", message="no route"),),
    "undone": (StepUndone(host="web1.test", step="s1", name="step 1", action="copy", outcome="undone", how="action"),),
    "criterion": (
        CheckEvaluated(
            host="web1.test", purpose="criterion", scope="main", probe="c1", name="it answers", action="command",
            verdict="unknown", expect="result.status == 200", service="app", detail="no python",
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", list(FAILURES))
def test_everything_that_failed_is_unknown_or_was_undone_is_an_item(desk: Desk, kind: str) -> None:
    with desk.recorder.run(RUNBOOK, kind="run", hosts=("web1.test",), end=2) as journal:
        journal.emit(*FAILURES[kind])
    report = of(desk, journal.name)
    (item,) = report.items
    assert item.open
    assert item.evidence[0] in {e.id for e in report.evidence}
    assert set(report.item_blanks[item.id]) == {"owner", "due"}
    assert item.probe is not None
    assert item.probe.names == ("it answers",)


def test_what_is_ignored_skipped_or_well_is_no_item(desk: Desk) -> None:
    with desk.recorder.run(RUNBOOK, kind="run", hosts=("web1.test",)) as journal:
        journal.emit(
            StepFinished(host="web1.test", step="s1", name="a", action="copy", outcome="failed", ignored=True),
            StepFinished(host="web1.test", step="s2", name="b", action="copy", outcome="skipped"),
            PreconditionEvaluated(
                host="web1.test", scope="main", probe="p1", name="room", action="command", verdict="not_met",
                otherwise="skip",
            ),
        )  # fmt: skip
        journal.check("it answers", "met", host="web1.test", value=200, threshold="== 200")
    assert of(desk, journal.name).items == ()


def test_a_runbook_without_a_probe_leaves_a_blank(desk: Desk) -> None:
    bare = "name: bare\nowner: sre\nsteps:\n  - {name: step 1, copy: {dest: /x, content: y}}\n"
    with desk.recorder.run(bare, kind="run", hosts=("web1.test",), end=2) as journal:
        step(journal, "web1.test", "step 1", "failed")
    name = desk.opened(run_of(journal.name))
    report = report_of(desk.app, name)
    (item,) = report.items
    assert item.probe is None
    assert f"{item.id}-probe" in {b.id for b in report.blanks}
    desk.write("incidents", name, [ItemDecided(item=item.id, proof="the file is there", owner="ada", due="2025-09-01")])
    after = report_of(desk.app, name)
    assert not [b for b in after.blanks if b.id.startswith(item.id)]
    assert "the file is there" in render(after, "md")


def test_an_item_keeps_its_id_when_the_incident_grows_and_names_are_left_out(desk: Desk) -> None:
    first = audited(desk, "not_met")
    name = desk.opened(run_of(first))
    (before,) = report_of(desk.app, name).items
    desk.write("incidents", name, [run_of(audited(desk, "not_met", "web2.test"))])
    (after,) = report_of(desk.app, name, roles=True, external=True).items
    assert after.id == before.id
    assert len(after.hosts) == 2


def test_a_probe_that_held_counts_until_it_fails_again(desk: Desk) -> None:
    name = desk.opened(run_of(audited(desk, "not_met")))
    (item,) = report_of(desk.app, name).items
    held = audited(desk, "met")
    desk.write("incidents", name, [
        run_of(held, "closing probes"),
        ProbeVerified(item=item.id, run=held, verdict="met", probes=("c1",), hosts=("web1.test",)),
    ])  # fmt: skip
    (after,) = report_of(desk.app, name).items
    assert (after.status, after.status_why) == ("verified", "its closing probe holds")
    assert after.verification is not None
    assert after.verification.evidence == ("R2-2",)
    desk.write("incidents", name, [run_of(audited(desk, "not_met"))])
    (again,) = report_of(desk.app, name).items
    assert again.open


def test_a_later_record_has_the_word_over_a_probe_that_did_not_hold(desk: Desk) -> None:
    name = desk.opened(run_of(audited(desk, "not_met")))
    (item,) = report_of(desk.app, name).items
    bad = audited(desk, "not_met")
    desk.write("incidents", name, [
        run_of(bad), ProbeVerified(item=item.id, run=bad, verdict="not_met", probes=("c1",), hosts=("web1.test",)),
    ])  # fmt: skip
    assert report_of(desk.app, name).items[0].status_why == "its closing probe: not met"
    desk.write("incidents", name, [run_of(audited(desk, "met"))])
    (after,) = report_of(desk.app, name).items
    assert (after.status, after.verification) == ("verified", None)
    assert after.settled is not None
    assert after.settled.evidence == ("R3-2",)


def test_a_verdict_without_its_record_closes_nothing(desk: Desk) -> None:
    """What the event says is checked against the journal of the run: here that has no such record."""
    name = desk.opened(run_of(audited(desk, "not_met")))
    (item,) = report_of(desk.app, name).items
    other = audited(desk, "met", "web2.test")
    desk.write("incidents", name, [
        run_of(other), ProbeVerified(item=item.id, run=other, verdict="met", probes=("c1",), hosts=("web1.test",)),
    ])  # fmt: skip
    (after,) = report_of(desk.app, name).items
    assert after.open
    assert after.verification is not None
    assert (after.verification.status, after.verification.why) == ("unknown", "1 record missing")


def test_people_may_drop_an_item_but_not_talk_it_done(desk: Desk) -> None:
    name = desk.opened(run_of(audited(desk, "not_met")))
    (item,) = report_of(desk.app, name).items
    desk.write("incidents", name, [ItemDecided(item=item.id, status="done", actor="ada")])
    report = report_of(desk.app, name)
    assert report.items[0].status == "done"
    # Somebody's word is no status: it has no mark of one, and the name of whoever gave it.
    assert "<i>done</i>" in render(report, "html")
    assert 'class="st done"' not in render(report, "html")
    assert "*said* by ada [N" in render(report, "md")
    bad = audited(desk, "not_met")
    desk.write("incidents", name, [
        run_of(bad), ProbeVerified(item=item.id, run=bad, verdict="not_met", probes=("c1",), hosts=("web1.test",)),
    ])  # fmt: skip
    assert report_of(desk.app, name).items[0].open
    desk.write("incidents", name, [ItemDecided(item=item.id, status="dropped", reason="the host is gone")])
    (dropped,) = report_of(desk.app, name).items
    assert (dropped.status, dropped.status_why) == ("dropped", "the host is gone")


# ------------------------------------------------------------------ causes


def test_an_earlier_change_of_what_failed_is_named_first(desk: Desk) -> None:
    report = report_of(desk.app, story(desk))
    first = report.causes[0]
    assert (first.kind, first.host, first.close) == ("earlier change", "web2.test", True)
    assert "copy /etc/app by linus@ops.test" in first.detail
    assert "20 h before the first bad record" in first.detail
    assert {c.kind for c in report.causes} == {"earlier change", "clock", "restart"}


def test_drift_restart_and_clock_are_found_in_the_records(desk: Desk) -> None:
    def connected(boot: str, python: str, skew: float) -> HostConnected:
        return HostConnected(host="web1.test", boot_id=boot, python=python, clock_skew=skew)

    change = {"path": "/etc/app", "aspect": "content"}
    with desk.recorder.run(RUNBOOK, kind="run", hosts=("web1.test",)) as before:
        before.emit(connected("a", "3.11.2", 0.1))
        step(before, "web1.test", "step 1")
    desk.later(hours=1)
    with desk.recorder.run(RUNBOOK, kind="run", hosts=("web1.test",), end=2) as now:
        now.emit(
            connected("b", "3.11.4", 12.0),
            StepStarted(host="web1.test", step="s1", name="step 1", action="copy"),
            StateObserved(host="web1.test", step="s1", changes=(change,)),
            StepFinished(host="web1.test", step="s1", name="step 1", action="copy", outcome="failed"),
        )
    report = of(desk, now.name)
    found = {c.kind: c for c in report.causes}
    assert set(found) == {"earlier change", "drift", "restart", "clock", "other version"}
    assert found["drift"].evidence == ("B1-5", "R1-4")
    assert found["clock"].detail == "12 s ahead of the controller's"
    assert found["other version"].detail.startswith("3.11.2 became 3.11.4 since ")


def test_what_failed_before_is_said(desk: Desk) -> None:
    audited(desk, "not_met")
    desk.later(hours=30)
    report = of(desk, audited(desk, "not_met"))
    (seen,) = report.recurrences
    assert (seen.what, seen.times, seen.evidence) == ("criterion it answers of app", 1, ("B1-2",))
    assert "B1-2" in {e.id for e in report.evidence}


# ------------------------------------------------------------------ what people say


def test_only_the_document_itself_sets_the_mark_of_a_blank(desk: Desk) -> None:
    trick = f"{MARK} nothing (root-cause)"
    name = story(desk, trick, alert=trick)
    desk.write("incidents", name, [IncidentNoted(text=trick, actor=trick), IncidentNoted(kind="well", text=trick)])
    report = report_of(desk.app, name)
    for form in ("md", "html"):
        assert {b.id for _, b in found_in(render(report, form))} == {b.id for b in report.blanks}


def test_a_note_does_not_look_like_a_measurement(desk: Desk) -> None:
    report = report_of(desk.app, story(desk))
    rows = {r.evidence: r for r in report.chronicle.rows}
    assert {e for e, r in rows.items() if r.said} == {"N6", "N7", "N8", "N9"}
    assert all(not r.outcome for r in rows.values() if r.said)
    page = render(report, "html")
    for row in ("N6", "N8"):
        assert f'<tr id="{row}" class="said">' in page
    assert '<p class="said">the port was taken' in page


def test_of_many_hosts_the_timeline_tells_what_went_wrong(desk: Desk) -> None:
    hosts = tuple(f"web{n}.test" for n in range(20))
    with desk.recorder.run(RUNBOOK, kind="run", hosts=hosts, end=2) as journal:
        for host in hosts:
            step(journal, host, "step 1", "failed" if host == "web7.test" else "changed")
            journal.emit(HostFinished(host=host, status="failed" if host == "web7.test" else "changed"))
    report = of(desk, journal.name)
    assert {r.host for r in report.chronicle.rows if r.host} == {"web7.test"}
    assert report.chronicle.quiet == 38
    assert report.drawing is not None
    assert [lane.host for lane in report.drawing.lanes] == ["milestones", "R1"]
    assert "| step 1 | 19 changed, 1 failed | web7.test failed [R1-" in render(report, "md")


def test_a_drill_says_so_above_all(desk: Desk) -> None:
    with desk.recorder.run(RUNBOOK, hosts=("web1.test",), drill="drill-7") as journal:
        journal.check("it answers", "not_met", host="web1.test", value=503, threshold="== 200")
    name = desk.opened(run_of(journal.name), IncidentAttached(kind="drill", of="drill-7", why="practice"))
    desk.write("drills", "drill-7", [
        DrillStarted(drill="drill-7", kind="live", scenario="full-disk", actor="ada@ops.test"),
        DrillNoted(actor="grace", text="mine", milestone="acknowledged"),
    ])  # fmt: skip
    report = report_of(desk.app, name)
    assert report.meta.drill
    assert render(report, "md").startswith("# DRILL: Roll out")
    page = render(report, "html")
    assert "<title>DRILL Roll out" in page
    assert 'class="drill-banner"' in page
    assert at(report, "acknowledged")[1] == "D1-2"
    assert not of(desk, audited(desk, "not_met")).meta.drill


def test_a_run_that_cannot_be_read_is_said_and_left_out(desk: Desk) -> None:
    bad, gone = audited(desk, "not_met"), audited(desk, "met")
    (desk.recorder.store.folder(gone) / "key").unlink()
    report = of(desk, bad, gone)
    assert [r.meta.run for r in report.runs] == [bad]
    assert any(f"run {gone} belongs to it and cannot be read" in f for f in report.meta.faults)
    assert "cannot be read" in render(report, "html")


def test_damage_of_any_of_its_journals_stands_above_all(desk: Desk) -> None:
    name = story(desk)
    for kind, said in (("escalations", "escalation esc-"), ("incidents", "the journal of the incident is damaged")):
        store = desk.store(kind)
        path = store.folder(store.runs()[0]) / "journal"
        lines = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(b"".join(lines[:2]) + b"9" + lines[2])
        report = report_of(desk.app, name)
        assert said in " ".join(report.meta.faults)
        assert all(fault in render(report, "html") for fault in (said, "damaged"))


def test_later_rollbacks_are_runs_of_their_own(desk: Desk) -> None:
    failed = failed_run(desk.recorder)
    with desk.recorder.run(RUNBOOK, kind="rollback", hosts=HOSTS, of=failed) as back:
        back.emit(
            StepUndone(host="web1.test", step="s1", name="step 1", action="copy", outcome="undone", how="action"),
            RollbackVerified(host="web1.test", scope="main", proved=True, compared=1),
        )
        back.host("web1.test", "rolled_back")
    report = of(desk, failed, back.name)
    first, second = report.runs
    assert next(h.now for h in first.ends if h.name == "web1.test").startswith(f"restored by {back.name}")
    assert (first.taken_back, second.meta.of) == (2, failed)
