"""An audit report once said, by hand: two issues remain (three were listed), 1133 ms is below 200 ms, a database is
healthy that answers in 55 years. Each of its contradictions has a test here that it cannot be produced any more."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from report_recorder import Recorder, one
from report_samples import AUDIT, written

from playbook_engine.model.errors import LoadError
from playbook_engine.report.escalation import escalation
from playbook_engine.report.render import render
from playbook_engine.report.severity import Severity
from playbook_engine.report.status import Status


def test_all_green_is_possible(recorder: Recorder) -> None:
    report = recorder.audit(written(recorder))
    assert report.overall is Status.MET
    assert report.risk is None
    assert report.counts == {"met": 8}


def test_x1_counts_are_computed_from_the_list(recorder: Recorder) -> None:
    """Once: "2 REMAINING ISSUES", and three were listed."""
    run = written(
        recorder, leave_out=("engine crypto",), database_latency={"verdict": "not_met", "value": 400},
        MLflow_tracks={"verdict": "not_met", "value": False},
    )  # fmt: skip
    report = recorder.audit(run)
    assert report.counts == {"not met": 2, "unknown": 1, "met": 5}
    assert report.total == len(report.criteria) == sum(report.counts.values())
    assert report.summary.startswith("8 criteria: 2 not met, 1 unknown and 5 met.")
    for form in ("md", "html"):
        assert "8 criteria: 2 not met, 1 unknown and 5 met." in render(report, form)


def test_x2_a_value_beyond_its_threshold_is_not_met_whatever_the_verdict(recorder: Recorder) -> None:
    """Once: "API response times < 200ms: DONE (1133ms)"."""
    report = recorder.audit(written(recorder, API_latency={"value": 1133, "verdict": "met"}))
    found = one(report, "API latency")
    assert found.status is Status.NOT_MET
    assert found.why.startswith("1133 ms is not < 200 ms")
    assert (found.value, found.threshold) == ("1133 ms", "< 200 ms")
    assert report.overall is Status.NOT_MET


def test_x3_one_status_for_each_criterion(recorder: Recorder) -> None:
    """Once: "✅ Database response time < 100ms ❌ NEEDS FIX"."""
    text = AUDIT.replace("{name: cache,", '{name: "✅ cache ❌ NEEDS FIX",')
    with recorder.run(text) as journal:
        journal.check("✅ cache ❌ NEEDS FIX", "unknown", detail="the first try")
        journal.check("✅ cache ❌ NEEDS FIX", "not_met", value=False, detail="the second, after a resume")
        journal.host()
    report = recorder.audit(journal.name)
    found = one(report, "cache NEEDS FIX")
    assert found.status is Status.NOT_MET
    assert len({(c.probe, c.host) for c in report.criteria}) == len(report.criteria)
    for form in ("md", "html", "json"):
        assert not re.search("[✅❌🟡]", render(report, form))


def test_x4_no_tick_without_a_record(recorder: Recorder) -> None:
    """Phase 0.5 had four ticks, and nothing of it had been measured."""
    report = recorder.audit(written(recorder, leave_out=("security scan",)))
    found = one(report, "security scan")
    assert (found.status, found.evidence, found.at) == (Status.UNKNOWN, "", "")
    assert {p.name: p.status for p in report.phases} == {
        "0.1": Status.MET, "0.5": Status.UNKNOWN, "1": Status.UNKNOWN,
    }  # fmt: skip


def test_x4_a_record_that_is_too_old_is_no_tick(recorder: Recorder) -> None:
    run = written(recorder)
    report = recorder.audit(run, age=timedelta(hours=25))
    assert {c.status for c in report.criteria} == {Status.STALE}
    assert report.overall is Status.STALE
    assert "measured 25 h ago, and 24 h is the most that counts (it was met then)" in one(report, "cache").why
    assert recorder.audit(run, age=timedelta(hours=25), max_age=2 * 86400.0).overall is Status.MET


def test_x5_critical_services_are_a_query_over_one_registry(recorder: Recorder) -> None:
    """Once: "All critical services operational" beside "Critical Services: 2/4 healthy"."""
    report = recorder.audit(written(recorder, MLflow_tracks={"verdict": "not_met", "value": False}))
    assert [s.name for s in report.critical] == ["disk", "database", "cache", "mlflow", "engines"]
    assert "4 of 5 critical services met." in report.summary
    assert "4 of 5 critical services met." in render(report, "md")


def test_x5_a_service_that_nothing_measures_is_counted(recorder: Recorder) -> None:
    text = AUDIT.replace("  api: {", "  backup: {tier: critical}\n  api: {")
    report = recorder.audit(written(recorder, text=text))
    (backup,) = [s for s in report.services if s.name == "backup"]
    assert (backup.status, backup.why) == (Status.UNKNOWN, "no criterion measures it")
    assert report.overall is Status.UNKNOWN
    assert "5 of 6 critical services met." in report.summary


def test_x5_a_check_of_a_service_outside_the_registry_does_not_load(recorder: Recorder) -> None:
    with pytest.raises(LoadError, match="there is no service 'mlfow'"):
        recorder.load(AUDIT.replace("service: mlflow,", "service: mlfow,"))


def test_x6_a_service_is_as_well_as_its_worst_criterion(recorder: Recorder) -> None:
    """Once: "Database: RESOLVED" with "Remaining issue: P1"."""
    report = recorder.audit(written(recorder, database_latency={"value": 400, "verdict": "not_met"}))
    (database,) = [s for s in report.services if s.name == "database"]
    assert one(report, "database writes").status is Status.MET
    assert database.status is Status.NOT_MET
    assert database.counts == {"not met": 1, "met": 1}


def test_x7_a_duration_longer_than_the_process_has_lived_is_invalid(recorder: Recorder) -> None:
    """1754070167750 ms in a process that was up for 139 s."""
    uptime = {"evidence": {"result": {"uptime_seconds": 139.0}}}
    report = recorder.audit(written(recorder, database_latency={"value": 200000, "verdict": "not_met", **uptime}))
    found = one(report, "database latency")
    assert found.status is Status.INVALID
    assert "longer than the process has lived (139 s)" in found.why
    # Neither slow nor healthy: the service is not known to be either.
    assert next(s for s in report.services if s.name == "database").status is Status.INVALID
    fine = recorder.audit(written(recorder, database_latency={"value": 90, **uptime}))
    assert one(fine, "database latency").status is Status.MET


@pytest.mark.parametrize("verdict", ["met", "not_met"])
def test_x8_a_time_of_day_published_as_a_duration_is_named(recorder: Recorder, verdict: str) -> None:
    report = recorder.audit(written(recorder, database_latency={"value": 1754070167750, "verdict": verdict}))
    found = one(report, "database latency")
    assert found.status is Status.INVALID
    assert "2025-08-01T17:42:47Z in milliseconds since 1970: a time of day, not a duration" in found.why
    assert "1754070167750 ms" in found.value


def test_x8_a_duration_of_decades_is_invalid_at_any_time(recorder: Recorder) -> None:
    with recorder.run(AUDIT) as journal:
        journal.check("database latency", "not_met", value=954070167750, unit="ms", threshold="< 100", metric="ms")
        journal.host()
    assert one(recorder.audit(journal.name), "database latency").status is Status.INVALID


def test_x9_a_database_that_nobody_wrote_to_is_not_well(recorder: Recorder) -> None:
    """Once: "Database Connection Fixed", on a disk that was full: every read still worked."""
    report = recorder.audit(written(recorder, database_writes={"touches": ""}))
    (database,) = [s for s in report.services if s.name == "database"]
    assert all(c.status is Status.MET for c in database.criteria)
    assert database.status is Status.UNKNOWN
    assert "no probe has written to it on db1.test" in database.why
    assert report.overall is Status.UNKNOWN


def test_x10_risk_is_that_of_the_worst_that_is_open(recorder: Recorder) -> None:
    """Once: "Risk: MEDIUM", with a P0 open, a full disk, and security unknown."""
    bad = recorder.audit(written(recorder, disk={"value": 100.0, "verdict": "not_met"}))
    assert (bad.risk, bad.risk_word) == (Severity.P0, "critical")
    unsure = recorder.audit(written(recorder, leave_out=("engine crypto",)))
    assert (unsure.risk, unsure.risk_word) == (Severity.P1, "high")


def test_x11_an_impact_that_nobody_measured_is_not_measured(recorder: Recorder) -> None:
    """Once: "Core trading functionality compromised", of engines whose status was unknown."""
    with recorder.run(AUDIT, kind="run", end=2) as journal:
        journal.host(status="failed", message="it did not start")
    report = escalation(recorder.subject(journal.name), recorder.clock.now)
    assert (report.impact, report.impact_text) == ((), "not measured")


def test_x12_severity_is_computed_from_tier_and_state(recorder: Recorder) -> None:
    """Engines were "core" and P1, MLflow was P0."""
    bad = {"verdict": "not_met", "value": 400.0}
    report = recorder.audit(written(recorder, engine_crypto=bad, API_latency=bad, cache={"verdict": "unknown"}))
    rated = {c.name: c.severity.severity for c in report.criteria if c.severity}
    assert rated == {"engine crypto": Severity.P0, "API latency": Severity.P2, "cache": Severity.P1}


def test_x12_a_milder_severity_needs_its_reason(recorder: Recorder) -> None:
    milder = AUDIT.replace("service: engines,", "service: engines, severity: P3,")
    bad = {"verdict": "not_met", "value": 400.0}
    without = one(recorder.audit(written(recorder, text=milder, engine_crypto=bad)), "engine crypto").severity
    assert without is not None
    assert without.severity is Severity.P0
    assert "the declared P3 gives no reason" in without.why
    reasoned = milder.replace("severity: P3,", "severity: P3, severity_reason: it trades on paper only,")
    with_reason = one(recorder.audit(written(recorder, text=reasoned, engine_crypto=bad)), "engine crypto").severity
    assert with_reason is not None
    assert (with_reason.severity, with_reason.why) == (
        Severity.P3, "declared P3, computed P0 (critical service, not met): it trades on paper only",
    )  # fmt: skip


def test_x13_two_audits_are_a_difference_and_no_trend(recorder: Recorder) -> None:
    """Once: "System Stability: Improving", from one sample."""
    before = written(recorder, disk={"value": 100.0, "verdict": "not_met"})
    report = recorder.audit(written(recorder), before=before)
    text = render(report, "md")
    assert "Two samples are a difference, and no trend." in text
    assert not re.search(r"\b(improv|stable|stability|better|degrad)", text, re.I)


def test_x14_a_ratio_names_its_denominator(recorder: Recorder) -> None:
    """Once: "Memory 96 %", of a heap that grows on demand."""
    report = recorder.audit(written(recorder, disk={"value": 71.5, "metric": "used_percent"}))
    found = one(report, "disk")
    assert found.status is Status.INVALID
    assert "71.5 % of what?" in found.why
    named = recorder.audit(written(recorder, disk={"metric": "result.heap_used / result.heap_limit"}))
    assert (one(named, "disk").status, one(named, "disk").value) == (Status.MET, "71.5 % of heap_limit")
    known = recorder.audit(written(recorder, disk={"metric": "used_percent", "action": "disk_usage"}))
    assert one(known, "disk").value == "71.5 % of the blocks that users may fill"


def test_x14_a_percentage_without_denominator_does_not_load(recorder: Recorder) -> None:
    text = AUDIT.replace("{name: cache,", '{name: cache, unit: "%", metric: memory,')
    with pytest.raises(LoadError, match="a percentage of what"):
        recorder.load(text)


def test_x15_no_judgement_without_a_threshold(recorder: Recorder) -> None:
    """Once: "969ms (ACCEPTABLE)", and nobody had said what is."""
    with recorder.run(AUDIT) as journal:
        journal.check("exchange", "met", value=969, unit="ms", expect="", probe="c9")
        journal.host()
    report = recorder.audit(journal.name)
    assert one(report, "exchange").status is Status.UNKNOWN
    assert "without a threshold there is no judgement" in one(report, "exchange").why
    for each in recorder.audit(written(recorder)).criteria:
        assert each.threshold


def test_x16_a_state_is_one_of_six_words(recorder: Recorder) -> None:
    """Once: "Compliance: Active"."""
    report = recorder.audit(written(recorder, cache={"verdict": "active"}))
    assert (one(report, "cache").status, one(report, "cache").why) == (
        Status.UNKNOWN, "'active' is no verdict of a probe",
    )  # fmt: skip


def test_x17_the_plan_is_ordered_by_dependency_then_severity(recorder: Recorder) -> None:
    """Fix 1 was a P1, fix 2 the P0 that everything else waited for."""
    text = AUDIT.replace("disk: {tier: critical}", "disk: {tier: low}")
    bad = {"verdict": "not_met", "value": 400.0}
    run = written(
        recorder, text=text, disk={"value": 100.0, "verdict": "not_met"}, database_latency=bad, API_latency=bad,
        MLflow_tracks={"verdict": "not_met", "value": False}, engine_crypto=bad,
    )  # fmt: skip
    report = recorder.audit(run)
    # The disk is the mildest of all by itself, and comes first: two critical services wait for it.
    assert [t.title for t in report.tasks] == ["disk", "database", "mlflow", "engines", "api"]
    assert [t.after for t in report.tasks] == [(), ("disk",), ("disk",), (), ("database",)]
    assert report.tasks[0].command == "runbook run free-disk db1.test"


def test_x18_nothing_stands_in_the_plan_twice(recorder: Recorder) -> None:
    """Once: "Install MLflow" was in the next 30 minutes and in the next 2 hours."""
    text = AUDIT.replace("name: security scan, ", "name: security scan, service: mlflow, remedy: mlflow, ")
    bad = {"verdict": "not_met", "value": 1}
    report = recorder.audit(written(recorder, text=text, MLflow_tracks=bad, security_scan=bad))
    commands = [t.command for t in report.tasks if t.command]
    assert len(commands) == len(set(commands)) == 1
    assert [c.name for c in report.tasks[0].criteria] == ["MLflow tracks", "security scan"]


def test_x20_a_priority_is_typed(recorder: Recorder) -> None:
    """Once: "Priority: ✅ COMPLETE"."""
    with pytest.raises(LoadError, match="none of P0, P1, P2, P3, P4"):
        recorder.load(AUDIT.replace("service: cache,", 'service: cache, severity: "✅ COMPLETE",'))
    with recorder.run(AUDIT) as journal:
        journal.check("cache", "not_met", value=False, severity="COMPLETE")
        journal.host()
    rated = one(recorder.audit(journal.name), "cache").severity
    assert rated is not None
    assert rated.severity is Severity.P0
    assert "'COMPLETE' is none of P0 to P4" in rated.why


def test_x21_resolved_needs_a_record_that_it_was_open(recorder: Recorder) -> None:
    """Once: "ES module import issue resolved": nowhere had it been found."""
    opened = written(recorder, disk={"value": 100.0, "verdict": "not_met"}, leave_out=("cache",))
    report = recorder.audit(written(recorder), before=opened)
    changes = {p.name: p.change for p in report.pairs}
    assert (changes["disk"], changes["cache"], changes["API latency"]) == ("resolved", "now met", "still met")


@pytest.mark.parametrize("name", ["[TBD]", "TBD", "", "todo", "xxx", "N/A", "ops@example.com", "???", "<script>"])
def test_x22_a_placeholder_is_nobody(recorder: Recorder, name: str) -> None:
    """Once: "System Admin: [TBD]"."""
    with recorder.run(AUDIT, kind="run", end=2, escalation=name) as journal:
        journal.host(status="failed", message="it did not start")
    report = escalation(recorder.subject(journal.name), recorder.clock.now)
    contact = report.contacts[0]
    assert (contact.role, contact.name) == ("escalation", "")
    assert contact.missing
    assert "MISSING" in render(report, "md")
    assert [c.name for c in report.contacts[1:]] == ["sre", "ada@ops.test"]


def test_x23_gates_are_ordered_and_the_recommendation_is_computed(recorder: Recorder) -> None:
    """Once: "Before proceeding to Phase 1", with phase 0.5 between."""
    report = recorder.audit(written(recorder, API_latency={"value": 1133, "verdict": "not_met"}))
    assert [(p.name, p.locked) for p in report.phases] == [("0.1", False), ("0.5", True), ("1", True)]
    assert report.recommendation == "Stay in 0.1: 1 of 7 criteria is open. 0.5 and 1 are locked behind it."
    further = recorder.audit(written(recorder, security_scan={"value": 2, "verdict": "not_met"}))
    assert further.recommendation == "Stay in 0.5: 1 of 1 criterion is open. 1 is locked behind it."
    assert recorder.audit(written(recorder)).recommendation == "Stay in 1: no criterion measures it."


def test_x24_one_scale_and_its_legend(recorder: Recorder) -> None:
    """Once: "Yellow", "CRITICAL ISSUES PARTIALLY RESOLVED" and "MEDIUM", all overall."""
    report = recorder.audit(written(recorder, disk={"value": 100.0, "verdict": "not_met"}))
    text = render(report, "md")
    assert text.count("**Overall: ") == 1
    for status in Status:
        assert f"- **{status}**: " in text


def test_x25_a_source_of_an_impossible_value_is_not_believed_in_its_other_claims(recorder: Recorder) -> None:
    """The health endpoint answered, and so all was well; it also said that a query took 55 years."""
    source = {"evidence": {"result": {"url": "http://127.0.0.1:8080/health"}}}
    run = written(
        recorder, database_latency={"value": 1754070167750, "verdict": "not_met", **source},
        cache={"expect": "result.json.cache == 'healthy'", "value": "healthy", **source},
        API_latency={"expect": "result.p95_ms < 200", **source},
    )  # fmt: skip
    report = recorder.audit(run)
    assert one(report, "cache").status is Status.UNKNOWN
    assert "published an impossible value (E" in one(report, "cache").why
    # What was measured from outside is no claim of that source.
    assert one(report, "API latency").status is Status.MET
