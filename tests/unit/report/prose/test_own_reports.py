"""What the product renders contradicts nothing in it: every kind, form and ending, and whatever hosts say."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from report_recorder import Recorder
from report_samples import AUDIT, RUNBOOK, failed_run, written

from playbook_engine.model.events import (
    HostFinished,
    HostUnreachable,
    RollbackStarted,
    RollbackVerified,
    StepUndone,
)
from playbook_engine.report.audit import audit
from playbook_engine.report.escalation import escalation
from playbook_engine.report.prose.checker import check
from playbook_engine.report.prose.reading import read
from playbook_engine.report.render import render
from playbook_engine.report.run import run_report

BAD = {"verdict": "not_met"}


def green(recorder: Recorder) -> str:
    return written(recorder)


def seed(recorder: Recorder) -> str:
    return written(
        recorder, API_latency={"value": 1133, **BAD}, database_latency={"value": 1754070167750, **BAD},
        disk={"value": 100.0, **BAD}, engine_crypto={"verdict": "unknown", "detail": "no python on the host"},
        leave_out=("security scan",),
    )  # fmt: skip


def all_bad(recorder: Recorder) -> str:
    return written(
        recorder, API_latency={"value": 1133, **BAD}, disk={"value": 97.2, **BAD}, cache={"value": False, **BAD},
        database_writes={"value": False, **BAD}, MLflow_tracks={"value": False, **BAD},
    )  # fmt: skip


def lied_about(recorder: Recorder) -> str:
    """The record says met; the value says otherwise."""
    return written(recorder, API_latency={"value": 1133, "verdict": "met"})


def nothing_measured(recorder: Recorder) -> str:
    with recorder.run(AUDIT) as journal:
        journal.host(status="unreachable", message="no route to host")
    return journal.name


def wide(recorder: Recorder) -> str:
    hosts = tuple(f"web{n}.test" for n in range(1, 41))
    with recorder.run(AUDIT, hosts=hosts, end=2) as journal:
        for n, host in enumerate(hosts):
            slow = n % 7 == 0
            journal.check(
                "API latency", "not_met" if slow else "met", host=host, value=900 if slow else 90, unit="ms",
                threshold="< 200", metric="p95_ms",
            )  # fmt: skip
            journal.check(
                "disk", "met", host=host, value=71.5, unit="%", threshold="<= 90", metric="used of the blocks"
            )
            journal.host(host, "failed" if slow else "ok")
    return journal.name


def without_owner(recorder: Recorder) -> str:
    text = RUNBOOK.replace("owner: sre", 'owner: "[TBD]"').replace("app-oncall", "TODO")
    with recorder.run(text, kind="run", hosts=("web1.test",), end=2) as journal:
        journal.check("it answers", "not_met", host="web1.test", value=503, threshold="== 200")
        journal.host("web1.test", "failed", "it answers: 503")
    return journal.name


def died(recorder: Recorder) -> str:
    with recorder.run(RUNBOOK, kind="run", hosts=("web1.test",), end=None) as journal:
        journal.check("it answers", "met", host="web1.test", value=200, threshold="== 200")
    return journal.name


def unreachable(recorder: Recorder) -> str:
    with recorder.run(RUNBOOK, kind="run", hosts=("web1.test", "web2.test"), end=4) as journal:
        journal.emit(
            HostUnreachable(host="web1.test", kind="unreachable", message="no answer within 10 s"),
            HostFinished(host="web1.test", status="unreachable", message="no answer within 10 s", seconds=10.0),
        )
        journal.check("it answers", "met", host="web2.test", value=200, threshold="== 200")
        journal.host("web2.test", "changed")
    return journal.name


def not_proved(recorder: Recorder) -> str:
    with recorder.run(RUNBOOK, kind="run", hosts=("web1.test",), end=3) as journal:
        journal.check("it answers", "not_met", host="web1.test", value=500, threshold="== 200")
        journal.emit(
            RollbackStarted(host="web1.test", scope="main", why="it answers: 500", steps=("step 1",)),
            StepUndone(host="web1.test", step="s1", name="step 1", action="copy", outcome="failed", how="action"),
            RollbackVerified(host="web1.test", scope="main", proved=False, compared=1),
        )
        journal.host("web1.test", "rollback_failed", "the file is not as it was")
    return journal.name


def rolled_back(recorder: Recorder) -> str:
    return failed_run(recorder)


def hosts_that_judge(recorder: Recorder) -> str:
    return written(recorder, cache={"value": False, "detail": "response time 969 ms (acceptable)", **BAD})


def hosts_that_boast(recorder: Recorder) -> str:
    return written(recorder, cache={"value": "✅ fine ❌ FAILED", "detail": "Priority: COMPLETE", **BAD})


def hosts_that_count(recorder: Recorder) -> str:
    return written(recorder, cache={"value": False, "detail": "status: 2/4 healthy, 3 remaining issues", **BAD})


def impossible_words(recorder: Recorder) -> str:
    """What a process says of itself, in the detail of another criterion."""
    return written(recorder, cache={"value": False, "detail": "uptime: 139 s, answered in 1754070167750 ms", **BAD})


RUNS: tuple[Callable[[Recorder], str], ...] = (
    green, seed, all_bad, lied_about, nothing_measured, wide, without_owner, died, unreachable, not_proved,
    rolled_back, hosts_that_judge, hosts_that_boast, hosts_that_count, impossible_words,
)  # fmt: skip


@pytest.mark.parametrize("make", RUNS, ids=lambda make: make.__name__)
@pytest.mark.parametrize("kind", ["audit", "run", "escalation"])
@pytest.mark.parametrize("form", ["md", "html"])
def test_nothing_is_found_in_a_report_of_ours(
    recorder: Recorder, make: Callable[[Recorder], str], kind: str, form: str
) -> None:
    subject, now = recorder.subject(make(recorder)), recorder.clock.now
    report = {"audit": audit, "run": run_report, "escalation": escalation}[kind](subject, now)
    assert found(f"{kind}.{form}", render(report, form)) == []


@pytest.mark.parametrize("form", ["md", "html"])
@pytest.mark.parametrize(("before", "after"), [(all_bad, green), (green, seed), (seed, all_bad), (seed, seed)])
def test_nothing_is_found_in_a_comparison(
    recorder: Recorder, before: Callable[[Recorder], str], after: Callable[[Recorder], str], form: str
) -> None:
    earlier = recorder.subject(before(recorder))
    report = audit(recorder.subject(after(recorder)), recorder.clock.now, earlier=earlier)
    assert found(f"audit.{form}", render(report, form)) == []


@pytest.mark.parametrize("form", ["md", "html"])
def test_nothing_is_found_in_an_audit_that_is_too_old(recorder: Recorder, form: str) -> None:
    report = recorder.audit(seed(recorder), age=timedelta(days=3))
    assert found(f"audit.{form}", render(report, form)) == []


@pytest.mark.parametrize("form", ["md", "html"])
def test_the_same_report_forged_is_caught(recorder: Recorder, form: str) -> None:
    """No mark lets a report off: what a person changes in one of ours is held against the rest of it."""
    text = render(recorder.audit(seed(recorder)), form)
    forged = re.sub(r'not met(?=(?:</a></td><td data-l="Value" class="value">| \| )1133 ms)', "met", text, count=1)
    assert forged != text
    assert [each.split()[0] for each in found(f"audit.{form}", forged)] == ["X2"]


def found(name: str, text: str) -> list[str]:
    document = read(name, text.encode("utf-8", "surrogateescape"))
    return [f"{f.rule.id} {f.found.at.line}: {f.found.says}" for f in check(name, document)]
