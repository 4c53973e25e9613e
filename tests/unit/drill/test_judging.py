"""Expectations and milestones, against the journals of runs on hosts in memory."""

from __future__ import annotations

import dataclasses
import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from memory_bench import Bench
from policies import small

from playbook_engine.drill.expectations import Finding, Found, judged
from playbook_engine.drill.milestones import Milestone, milestones
from playbook_engine.drill.mutation import broken, failing, mutants
from playbook_engine.drill.rehearsed import rehearsed
from playbook_engine.drill.scenario import Expected, Notified, Response, Scenario
from playbook_engine.drill.scorecard import Past, Scorecard, as_junit, as_text
from playbook_engine.escalation.policies import from_text
from playbook_engine.escalation.policy import Kind
from playbook_engine.escalation.simulation import Simulation
from playbook_engine.escalation.view import EscalationView
from playbook_engine.loading.runbooks import Loader
from playbook_engine.model.events import EscalationOpened
from playbook_engine.report.text import instant
from playbook_engine.templating.environment import Templar

TEXT = """\
name: mend
owner: sre
steps:
  - {name: first, copy: {content: new, dest: /first}}
  - name: second
    copy: {content: new, dest: /second}
    checks: [{name: it works, command: works, expect: result.rc == %s}]
checks:
  - {name: all is well, service: shop, command: well, expect: result.rc == 0}
"""


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    made = Bench(tmp_path)
    made.host()
    return made


def findings(bench: Bench, expect: Expected, code: int = 0, **more: object) -> dict[str, bool]:
    view = bench.run(TEXT % more.pop("rc", 0)).view
    found = Found(code=code, seconds=1.0, runs=[view], **more)  # type: ignore[arg-type]
    return {f.name: f.met for f in judged(Scenario(name="s", file="s.yml", expect=expect, speed=1), found)}


def test_what_is_expected_of_a_good_run(bench: Bench) -> None:
    expect = Expected(
        exit_code=0, hosts={"h1": "changed"}, changed=("first", "second"), undone=(), resumed=False, within=5,
        verdicts={"it works": "met", "shop: all is well": "met"},
    )  # fmt: skip
    assert set(findings(bench, expect).values()) == {True}


@pytest.mark.parametrize(
    "wrong",
    [
        Expected(exit_code=2), Expected(hosts={"h1": "ok"}), Expected(hosts={"h9": "changed"}),
        Expected(changed=("first",)), Expected(changed=("second", "first")), Expected(not_changed=("first",)),
        Expected(undone=("first",)), Expected(verdicts={"it works": "not_met"}), Expected(verdicts={"no such": "met"}),
        Expected(failed_on="it works"), Expected(resumed=True), Expected(within=0.5),
        Expected(notified=(Notified(level="first"),)),
    ],
    ids=str,
)  # fmt: skip
def test_what_did_not_come_of_it_is_not_met(bench: Bench, wrong: Expected) -> None:
    assert False in findings(bench, wrong).values()


def test_what_is_expected_of_a_run_that_is_taken_back(bench: Bench) -> None:
    expect = Expected(
        hosts={"h1": "rolled_back"}, undone=("second", "first"), failed_on="it works", verdicts={"it works": "not_met"}
    )
    assert set(findings(bench, expect, rc=1).values()) == {True}
    assert False in findings(bench, Expected(failed_on="another check"), rc=1).values()


def test_probes_and_likeness_count(bench: Bench) -> None:
    probes = {"room": ("not_met", "too little")}
    assert findings(bench, Expected(same=("/etc",)), probes=probes, moved=["/etc/x has come"]) == {
        "at the end: room": False, "as before: /etc": False,
    }  # fmt: skip


def test_a_run_that_never_began_meets_nothing() -> None:
    (only,) = judged(Scenario(name="s", file=""), Found(code=1, seconds=0, runs=[]))
    assert not only.met


def heard(*levels: float) -> EscalationView:
    """An escalation of which levels were told at these minutes."""
    at = datetime(2026, 3, 2, tzinfo=UTC)
    opening = EscalationOpened(
        host="h1",
        escalation="e",
        policy="p",
        key="k",
        run="r",
        trigger="step_failed",
        severity="P1",
        why="w",
        drill="d",
    )
    simulation = Simulation(small(), opening, at)
    list(simulation.until(at + timedelta(minutes=max(levels) + 0.01)))
    return simulation.view


def test_whoever_was_told_in_order_and_in_time(bench: Bench) -> None:
    view = heard(0, 5)
    both = Expected(notified=(Notified(level="first", within=60), Notified(level="second", within=400)))
    assert set(findings(bench, both, escalations=[view]).values()) == {True}
    scenario_late = Expected(notified=(Notified(level="first"), Notified(level="second", within=299)))
    assert findings(bench, scenario_late, escalations=[view])["“second” within 4 min 59 s"] is False
    swapped = Expected(notified=(Notified(level="second"), Notified(level="first")))
    assert False in findings(bench, swapped, escalations=[view]).values()


def test_without_anybody_who_answers_the_ladder_may_go_on(bench: Bench) -> None:
    view = bench.run(TEXT % 0).view
    expect = Expected(notified=(Notified(level="first"),))
    found = Found(code=0, seconds=1, runs=[view], escalations=[heard(0, 5)])
    silent = Scenario(name="s", file="", expect=expect, speed=1)
    answering = dataclasses.replace(silent, respond=(Response(level="first", by="ana"),))
    assert all(f.met for f in judged(silent, found))
    assert not all(f.met for f in judged(answering, found)), "an answer that comes in time stops it"


def test_milestones_come_from_records_and_from_nothing_else(bench: Bench) -> None:
    view = bench.run(TEXT % 1).view
    begin = instant(view.started_at)
    assert begin is not None
    found = {m.name: m for m in milestones(begin, [view], [], {"rolled_back": 5.0, "acknowledged": 5.0})}
    assert set(found) == {"detected", "acknowledged", "first_action", "mitigated", "verified", "rolled_back"}
    assert found["acknowledged"].after is None and found["acknowledged"].met is False
    assert found["rolled_back"].met is True
    assert found["first_action"].after is not None and found["detected"].after is not None
    assert found["first_action"].after <= found["detected"].after
    assert found["detected"].evidence.startswith(view.run)
    good = {m.name for m in milestones(begin, [bench.run(TEXT % 0).view], [], {})}
    assert "rolled_back" not in good and "detected" not in good and "verified" in good


def test_a_run_that_leaves_a_host_failed_has_mitigated_and_verified_nothing(bench: Bench) -> None:
    text = TEXT % 0 + "on_failure: stop\n"
    view = bench.run(
        text.replace("command: well, expect: result.rc == 0", "command: well, expect: result.rc == 1")
    ).view
    begin = instant(view.started_at)
    assert begin is not None
    assert {m.name for m in milestones(begin, [view], [], {})} == {"first_action", "detected"}


def load(folder: Path, text: str = TEXT % 0):  # type: ignore[no-untyped-def]
    (folder / "mend.yml").write_text(text)
    return Loader([folder], Templar()).load("mend")


def test_every_check_precondition_and_rollback_can_be_broken(tmp_path: Path, bench: Bench) -> None:
    runbook = load(tmp_path)
    found = mutants(runbook)
    assert [(m.kind, m.name) for m in found] == [
        ("check", "shop: all is well"), ("rollback", "first"), ("check", "it works"), ("rollback", "second"),
    ]  # fmt: skip
    for mutant in found:
        changed = broken(runbook, mutant.key)
        assert changed != runbook
        assert dataclasses.replace(changed, steps=runbook.steps, checks=runbook.checks) == runbook
    with pytest.raises(KeyError):
        broken(runbook, "check:c99")


def test_a_check_is_made_to_fail_by_name_or_by_step(tmp_path: Path) -> None:
    runbook = load(tmp_path)
    assert [p.expect for p in failing(runbook, (("", "all is well"),)).checks] == ["false"]
    step = failing(runbook, (("second", ""),)).steps[1]
    assert [p.expect for p in step.checks] == ["false"]  # type: ignore[union-attr]
    assert failing(runbook, (("first", ""),)) == runbook


def test_a_rehearsed_policy_is_the_same_faster_and_reaches_nobody(tmp_path: Path) -> None:
    policy = small(("repeat: 1", 'repeat: 1\nquiet_hours: {from: "22:00", until: "07:00", severities: [P1]}'))
    made = from_text(rehearsed(policy, tmp_path, 60, real=False), "p.yml")
    assert [(v.name, v.ack_timeout) for v in made.levels] == [("first", 5.0), ("second", 10.0)]
    assert {a.kind for c in made.contacts for a in c.addresses} == {Kind.FILE}
    assert all(a.address.startswith(str(tmp_path)) for c in made.contacts for a in c.addresses)
    assert made.quiet is None and made.again_after == 30.0
    real = from_text(rehearsed(policy, tmp_path, 60, real=True), "p.yml")
    assert [c.addresses for c in real.contacts] == [c.addresses for c in policy.contacts]


def card(**more: object) -> Scorecard:
    given: dict[str, object] = {
        "drill": "drill-1", "scenario": "fills", "title": "It fills", "kind": "live", "runbook": "mend",
        "at": "2026-03-02T03:00:00.000Z", "passed": False, "aborted": "", "seconds": 12.5,
        "findings": (
            Finding(name="exit code: 0", met=True, said="0"), Finding(name="h1 ends: ok", met=False, said="failed"),
        ),
        "milestones": (
            Milestone(name="detected", after=3.0, target=2.0), Milestone(name="acknowledged", after=None, target=9.0),
        ),
        "faults": (("h1: fill", False),), "past": (),
        **more,
    }  # fmt: skip
    return Scorecard(**given)  # type: ignore[arg-type]


def test_a_scorecard_says_drill_on_each_line_and_what_was_not_met() -> None:
    past = Past(drill="drill-0", at="2026-03-01T03:00:00.000Z", passed=True, seconds=9.0, milestones=card().milestones)
    text = as_text(card(past=(past,)))
    assert all(line.startswith("DRILL  ") for line in text.splitlines())
    for part in (
        "FAILED · It fills · 1 of 2 expectations met, 0 of 2 targets reached · 12 s", "NOT MET h1 ends: ok: failed",
        "LATE", "NOT PUT RIGHT: h1: fill", "before: 1 of 1 drill passed, the last on 2026-03-01 03:00:00Z",
    ):  # fmt: skip
        assert part in text, text


def test_junit_has_a_case_for_each_expectation_and_target() -> None:
    root = ET.fromstring(as_junit([card(), card(scenario="other", aborted="interrupted")]))
    first, second = root.findall("testsuite")
    assert (first.get("name"), first.get("tests"), first.get("failures")) == ("DRILL fills", "4", "3")
    assert second.get("tests") == "5"
    failures = [case.get("name") for case in first.findall("testcase") if case.find("failure") is not None]
    assert failures == ["h1 ends: ok", "detected within 2 s", "acknowledged within 9 s"]
