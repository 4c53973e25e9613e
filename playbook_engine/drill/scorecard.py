"""The scorecard of a drill: what was expected, when what happened, and how that was the times before."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence

from playbook_engine.drill.expectations import Finding
from playbook_engine.drill.milestones import Milestone
from playbook_engine.journal.codec import Record
from playbook_engine.model.events import DrillAborted, DrillScored, DrillStarted, FaultCleared, FaultInjected
from playbook_engine.model.frozen import frozen
from playbook_engine.report.text import count, listed, moment, one_line, seconds, visible

WIDTH = 60


@frozen
class Past:
    """An earlier drill of the same scenario."""

    drill: str
    at: str
    passed: bool
    seconds: float
    milestones: tuple[Milestone, ...]


@frozen
class Scorecard:
    """`passed`: every expectation was met and every target reached. `faults`: what was broken, and whether it was put
    right again."""

    drill: str
    scenario: str
    title: str
    kind: str
    runbook: str
    at: str
    passed: bool
    aborted: str
    seconds: float
    findings: tuple[Finding, ...]
    milestones: tuple[Milestone, ...]
    faults: tuple[tuple[str, bool], ...]
    past: tuple[Past, ...] = ()

    @property
    def counted(self) -> str:
        """`7 of 8 expectations met, 2 of 2 targets reached`; computed."""
        targets = [m for m in self.milestones if m.met is not None]
        said = f"{sum(f.met for f in self.findings)} of {count(len(self.findings), 'expectation')} met"
        reached = f", {sum(bool(m.met) for m in targets)} of {count(len(targets), 'target')} reached"
        return said + (reached if targets else "")


def scorecard(drill: str, records: Sequence[Record], past: Sequence[Past] = ()) -> Scorecard | None:
    """From the journal of a drill; None for one that has not begun."""
    started = next((r for r in records if isinstance(r.event, DrillStarted)), None)
    if started is None:
        return None
    event = started.event
    assert isinstance(event, DrillStarted)
    scored = next((r.event for r in reversed(records) if isinstance(r.event, DrillScored)), None)
    aborted = next((r.event.why for r in records if isinstance(r.event, DrillAborted)), "")
    cleared = [(r.event.host, r.event.fault) for r in records if isinstance(r.event, FaultCleared)]
    broken = [r.event for r in records if isinstance(r.event, FaultInjected)]
    faults = [(_named(f), (f.host, f.fault) in cleared) for f in broken]
    return Scorecard(
        drill=drill, scenario=event.scenario, title=event.title, kind=event.kind, runbook=event.runbook,
        at=started.at, passed=bool(scored and scored.passed), aborted=aborted if scored or aborted else "it has no end",
        seconds=scored.seconds if scored else 0.0, faults=tuple(dict.fromkeys(faults)), past=tuple(past),
        findings=tuple(_finding(d) for d in (scored.expectations if scored else ())),
        milestones=tuple(_milestone(d) for d in (scored.milestones if scored else ())),
    )  # fmt: skip


def _named(fault: FaultInjected) -> str:
    at = f" at “{fault.at_step}”" if fault.at_step else ""
    return f"{fault.host or 'controller'}: {fault.fault}{at}"


def _finding(data: object) -> Finding:
    assert isinstance(data, dict)
    return Finding(name=str(data["name"]), met=bool(data["met"]), said=str(data["said"]))


def _milestone(data: object) -> Milestone:
    assert isinstance(data, dict)
    return Milestone(
        name=str(data["name"]), after=data.get("after"), target=data.get("target"),
        evidence=str(data.get("evidence") or ""),
    )  # fmt: skip


def as_past(card: Scorecard) -> Past:
    return Past(drill=card.drill, at=card.at, passed=card.passed, seconds=card.seconds, milestones=card.milestones)


# ------------------------------------------------------------------ as text, as JUnit


def as_text(card: Scorecard) -> str:
    """For the terminal. Every line says DRILL."""
    end = "PASSED" if card.passed else "FAILED"
    lines = [f"{end} · {card.title or card.scenario} · {card.counted} · {seconds(card.seconds)}"]
    if card.aborted:
        lines.append(f"ABORTED: {one_line(card.aborted)}")
    for finding in card.findings:
        mark = "met    " if finding.met else "NOT MET"
        lines.append(f"  {mark} {one_line(finding.name)}{'' if finding.met else ': ' + one_line(finding.said)}")
    if card.milestones:
        lines.append(f"  {'':<14}{'after':>12}{'target':>12}{'last time':>12}{'before':>12}")
    for each in card.milestones:
        lines.append("  " + _row(each, card.past))
    left = [name for name, clear in card.faults if not clear]
    if card.faults:
        lines.append(f"  broken: {'; '.join(name for name, _ in card.faults)}")
    if left:
        lines.append(f"  NOT PUT RIGHT: {listed(left)}; `runbook drill clean` does")
    if card.past:
        passed = f"{sum(p.passed for p in card.past)} of {count(len(card.past), 'drill')} passed"
        lines.append(f"  before: {passed}, the last on {moment(card.past[-1].at)}")
    return "\n".join(f"DRILL  {line}" for line in lines)


def _row(each: Milestone, past: Sequence[Past]) -> str:
    after = "not" if each.after is None else seconds(each.after)
    target = "" if each.target is None else seconds(each.target)
    before = [m.after for p in past[-2:] for m in p.milestones if m.name == each.name]
    shown = [*("" if b is None else seconds(b) for b in reversed(before)), "", ""]
    late = "  LATE" if each.met is False else ""
    return f"{each.name.replace('_', ' '):<14}{after:>12}{target:>12}{shown[0]:>12}{shown[1]:>12}{late}".rstrip()


def as_junit(cards: Sequence[Scorecard]) -> str:
    """JUnit XML: a test suite for each drill, a test case for each expectation and each target."""
    root = ET.Element("testsuites", name="drills")
    for card in cards:
        cases = [(f.name, f.met, f.said) for f in card.findings]
        cases += [
            (f"{m.name} within {seconds(m.target)}", bool(m.met), f"after {m.after} s")
            for m in card.milestones
            if m.target is not None
        ]
        if card.aborted:
            cases.append(("goes to its end", False, card.aborted))
        suite = ET.SubElement(
            root, "testsuite", name=f"DRILL {card.scenario}", tests=str(len(cases)), time=f"{card.seconds:.3f}",
            failures=str(sum(not met for _, met, _ in cases)), timestamp=card.at,
        )  # fmt: skip
        for name, met, said in cases:
            case = ET.SubElement(suite, "testcase", classname=f"drill.{card.scenario}", name=visible(name))
            if not met:
                ET.SubElement(case, "failure", message=visible(said))
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"
