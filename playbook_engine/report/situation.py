"""How grave it is, what happened, since when, and what is known of its impact: each from records alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from playbook_engine.journal.codec import Record
from playbook_engine.journal.fold import Evidence, HostView
from playbook_engine.model.events import (
    CheckEvaluated,
    EscalationRaised,
    HostUnreachable,
    PreconditionEvaluated,
    RollbackStarted,
    StepFinished,
    StepUndone,
)
from playbook_engine.model.frozen import frozen
from playbook_engine.model.outcome import HostStatus, Outcome
from playbook_engine.report.hosts import HostEnd
from playbook_engine.report.run import RunReport
from playbook_engine.report.severity import Severity, parse
from playbook_engine.report.status import WORST, Judgement, Status, judge, threshold_of, value_of
from playbook_engine.report.subject import RunState, Subject
from playbook_engine.report.text import count, listed, one_line, plain_name


@frozen
class Rule:
    """What made this an escalation. `least`: it is never milder than this, whatever the runbook says."""

    name: str
    why: str
    least: Severity | None = None


@frozen
class Impact:
    """What probes' records say of a service, as it bears on those who use it; hosts of which they say the same."""

    service: str
    hosts: tuple[str, ...]
    status: Status
    text: str
    at: str
    evidence: tuple[str, ...]


BY_STATUS = (
    (HostStatus.IN_DOUBT, "a change was sent to {}, and nobody heard how it ended"),
    (HostStatus.FAILED, "a step or a criterion failed on {}"),
    (HostStatus.PARTLY_ROLLED_BACK, "a step failed on {}, and something that was done cannot be taken back"),
    (HostStatus.ROLLED_BACK, "a step failed on {}, and the changes were taken back"),
    (HostStatus.UNKNOWN, "what was to be measured on {} could not be"),
    (HostStatus.UNREACHABLE, "{} could not be worked with"),
    (HostStatus.ABORTED, "the run was stopped before {} was finished"),
)


def rule(subject: Subject, hosts: Sequence[HostEnd]) -> Rule | None:
    """The first that fires, the gravest first. None when nothing calls for anybody."""
    by_status: dict[str, list[str]] = {}
    for host in hosts:
        by_status.setdefault(host.status.replace(" ", "_"), []).append(host.name)
    if subject.state is RunState.DEAD:
        return Rule(name="run died", why="the journal does not say how the run ended", least=Severity.P1)
    if names := by_status.get(HostStatus.ROLLBACK_FAILED):
        why = f"a rollback failed or could not be proved on {listed(names)}"
        return Rule(name="rollback failed", why=why, least=Severity.P1)
    if names := [h.name for h in hosts if not h.settled]:
        return Rule(name="state unknown", why=f"what state {listed(names)} is in is not known", least=Severity.P1)
    for status, why in BY_STATUS:
        # To be taken back is what a rollback run is for.
        wanted = subject.view.started.kind == "rollback" and status.value.endswith("rolled_back")
        if (names := by_status.get(status)) and not wanted:
            return Rule(name=f"host {status.value.replace('_', ' ')}", why=why.format(listed(names)))
    return None


def severity(subject: Subject, fired: Rule | None) -> tuple[Severity, str]:
    """The runbook's, or worse by the rule: unsure is taken for the higher one."""
    declared = parse(subject.view.started.severity)
    base = declared or Severity.P2
    said = f"the runbook says {base}" if declared else f"the runbook declares no severity, taken for {base}"
    if fired is not None and fired.least is not None and fired.least.rank < base.rank:
        return fired.least, f"{said}; at least {fired.least} by this rule"
    return base, said


def sentence(subject: Subject, report: RunReport) -> str:
    """The situation, in one."""
    hosts = report.hosts
    bad = [h for h in hosts if not h.good]
    title, all_ = report.meta.title, count(len(hosts), "host")
    if subject.state is RunState.LIVE:
        return f"{title} is still running on {all_}."
    if subject.state is RunState.DEAD:
        where = hosts[0].name if len(hosts) == 1 else all_
        return f"{title} died on the way on {where}; {_states(hosts)}."
    if not bad or (subject.view.started.kind == "rollback" and report.meta.exit_code == 0):
        return f"{title} ended well on {all_}: nothing calls for anybody."
    where = bad[0].name if len(bad) == 1 else f"{len(bad)} of {all_}"
    cause = next((h.message.rstrip(".") for h in bad if h.message), "")
    return f"{title} failed on {where}{': ' + cause if cause else ''}; {_states(bad)}."


def _states(hosts: Sequence[HostEnd]) -> str:
    """`it is now restored`, `now 2 restored and 1 unknown`."""
    states = Counter(h.now.partition(":")[0].partition(" (")[0] for h in hosts)
    if len(states) == 1:
        return f"{'it is' if len(hosts) == 1 else 'all of them are'} now {next(iter(states))}"
    return f"now {listed([f'{n} {state}' for state, n in states.items()])}"


def detected(subject: Subject) -> Record | None:
    """The first record that something was wrong."""
    return next((r for r in subject.view.records if _is_bad(r)), None)


def _is_bad(record: Record) -> bool:
    event = record.event
    match event:
        case CheckEvaluated():
            return event.purpose != "unless" and event.verdict != "met"
        case PreconditionEvaluated():
            return event.verdict != "met" and event.otherwise != "skip"
        case StepFinished():
            return (
                not event.ignored
                and not event.rescued
                and event.outcome not in (Outcome.OK, Outcome.CHANGED, Outcome.SKIPPED)
            )
        case HostUnreachable() | EscalationRaised():
            return True
        case _:
            return False


def impact(subject: Subject, now: datetime) -> tuple[tuple[Impact, ...], str]:
    """What the newest records of criteria say of services, and that in a word.

    A record from before a rollback says nothing of now: such a host is not measured.
    """
    found: dict[tuple[str, Status, str], list[Evidence]] = {}
    unmeasured: list[str] = []
    for host in subject.view.hosts.values():
        newest = _since_rollback(host, subject)
        if not newest:
            unmeasured.append(one_line(host.name))
        for evidence in newest:
            event = evidence.event
            assert isinstance(event, CheckEvaluated)
            said = judge(evidence, now, None)
            found.setdefault((one_line(event.service), said.status, _measured(event, said)), []).append(evidence)
    rows = [
        Impact(
            service=service, hosts=tuple(one_line(e.event.host) for e in records), status=status, text=text,
            at=records[-1].at, evidence=tuple(e.id for e in records[:3]),
        )
        for (service, status, text), records in found.items()
    ]  # fmt: skip
    return tuple(sorted(rows, key=lambda i: WORST.index(i.status))), _in_a_word(rows, unmeasured)


def _since_rollback(host: HostView, subject: Subject) -> list[Evidence]:
    """The newest record of each criterion, unless changes were taken back after it."""
    if subject.later:
        return []
    undone = max(
        (r.seq for r in subject.view.records
         if isinstance(r.event, (RollbackStarted, StepUndone)) and r.event.host == host.name), default=0,
    )  # fmt: skip
    newest = {
        e.event.probe: e for e in host.checks
        if isinstance(e.event, CheckEvaluated) and e.event.purpose == "criterion" and e.seq > undone
    }  # fmt: skip
    return list(newest.values())


def _measured(event: CheckEvaluated, said: Judgement) -> str:
    value = value_of(event)
    text = f"{plain_name(event.name)}: {value + ', ' if value else ''}wanted {one_line(threshold_of(event))}"
    return text if said.status in (Status.MET, Status.NOT_MET) else f"{text}; {one_line(said.why)}"


def _in_a_word(found: Sequence[Impact], unmeasured: Sequence[str]) -> str:
    if not found:
        return "not measured"
    total = sum(len(i.hosts) for i in found)
    missed = sum(len(i.hosts) for i in found if i.status.open)
    said = [f"{missed} of {count(total, 'criterion', 'criteria')} open"] if missed else []
    if unmeasured:
        said.append(f"not measured on {listed(list(unmeasured), 2)}")
    return ", ".join(said) or f"none measured: {count(total, 'criterion', 'criteria')} met"
