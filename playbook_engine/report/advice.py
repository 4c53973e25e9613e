"""What to do next: what changes nothing, what may be done, and what had better not be."""

from __future__ import annotations

from collections.abc import Iterable

from playbook_engine.model.frozen import frozen
from playbook_engine.model.outcome import OPEN
from playbook_engine.report.commands import again
from playbook_engine.report.declared import intent
from playbook_engine.report.run import RunReport
from playbook_engine.report.subject import RunState, Subject
from playbook_engine.report.text import count, listed


@frozen
class Advice:
    """A command, or where it is empty a warning, and why."""

    command: str
    why: str


def safe(subject: Subject, report: RunReport) -> Iterable[Advice]:
    """Commands that change nothing."""
    bad = [h.name for h in report.hosts if not h.good]
    yield Advice(command=f"runbook show {subject.run}", why="reads the journal only")
    if report.in_force and subject.state is not RunState.LIVE:
        yield Advice(
            command=f"runbook rollback --check {subject.run}", why="says what would be taken back, takes nothing back"
        )
    started = subject.view.started
    if intent(started).criteria and started.kind in ("run", "audit"):
        hosts = bad or [h.name for h in report.hosts]
        yield Advice(command=again(started, "audit", hosts), why="measures the criteria again")


def changing(subject: Subject, report: RunReport) -> Iterable[Advice]:
    """Commands that change hosts, and that nothing recorded speaks against."""
    if subject.state is RunState.LIVE:
        return
    if resumable(subject):
        yield Advice(
            command=f"runbook resume {subject.run}", why="goes on where it stopped; what was done is not done again"
        )
    back = [c for c in report.in_force if c.reversible]
    if back and all(h.settled for h in report.hosts):
        stays = [c.name for c in report.in_force if not c.reversible]
        but = f"; {listed(stays, 2)} cannot be" if stays else ""
        yield Advice(
            command=f"runbook rollback {subject.run}",
            why=f"takes {count(len(back), 'change')} back and proves it{but}; refuses what was changed since",
        )
    retry = [h.name for h in report.hosts if not h.good and h.settled]
    if retry and subject.view.started.kind == "run":
        yield Advice(
            command=again(subject.view.started, "run", retry), why="once the cause is gone; what is so is left alone"
        )


def resumable(subject: Subject) -> bool:
    """Whether a run has come to no end, or left hosts open; nobody has taken it back since."""
    if subject.state is RunState.LIVE or subject.later:
        return False
    return subject.state is RunState.DEAD or any(h.status in OPEN for h in subject.view.hosts.values())


def unsafe(subject: Subject, report: RunReport) -> Iterable[Advice]:
    """What the records speak against."""
    if subject.state is RunState.LIVE:
        yield Advice(command="", why="Another run on these hosts: this one is still going on.")
        return
    unsettled = [h.name for h in report.hosts if not h.settled]
    if unsettled and subject.view.started.kind == "run":
        yield Advice(
            command=again(subject.view.started, "run", unsettled),
            why="what state these hosts are in is not known; look first, or a change may be made twice",
        )
    if report.in_force or unsettled:
        yield Advice(
            command=f"runbook rollback --force {subject.run}", why="overwrites what somebody else has changed since"
        )
    if report.kept:
        names = listed(list(dict.fromkeys(k.name for k in report.kept)), 3)
        yield Advice(command="", why=f"Counting on a rollback of {names}: it cannot be taken back.")
