"""A drill without hosts: people at a table, news at set minutes, and the ladder of a policy on the table's own clock.

The clock is the drill's: it jumps from one thing to the next (virtual), or lets the minutes pass (real).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from playbook_engine.drill.expectations import Finding
from playbook_engine.drill.milestones import Milestone
from playbook_engine.drill.scenario import MILESTONES, Inject, Move, Scenario
from playbook_engine.escalation.policy import Policy
from playbook_engine.escalation.simulation import Moment, Simulation, described
from playbook_engine.journal.files import JournalWriter
from playbook_engine.model.events import (
    DrillNoted,
    EscalationAcknowledged,
    EscalationOpened,
    EscalationProgressed,
    EscalationResolved,
    InjectGiven,
)
from playbook_engine.report.text import listed, seconds

Say = Callable[[str], None]
HELP = "ack WHO · note WHO TEXT · reach MILESTONE WHO · hint · wait MINUTES · next · end"


@dataclass(slots=True)
class Reached:
    """A milestone, at a minute of the drill."""

    minute: float
    by: str


class Table:
    """One tabletop drill under way. `minute` is where its clock stands."""

    def __init__(
        self, scenario: Scenario, policy: Policy | None, begin: datetime, drill: str, journal: JournalWriter, say: Say
    ) -> None:
        self.scenario = scenario
        self.minute = 0.0
        self.reached: dict[str, Reached] = {}
        self._begin = begin
        self._journal = journal
        self._say = say
        self._hints: list[Inject] = []
        self._levels: list[tuple[str, float]] = []
        self._simulation: Simulation | None = None
        if policy is not None:
            opening = EscalationOpened(
                escalation=drill, policy=policy.name, key=drill, run="", trigger=scenario.trigger,
                severity=scenario.severity, why=scenario.title or scenario.name, drill=drill,
            )  # fmt: skip
            self._simulation = Simulation(policy, opening, begin)

    def to(self, minute: float) -> None:
        """Lets the clock go on to this minute: whoever the policy has told by then is told."""
        if self._simulation is not None:
            for moment in self._simulation.until(self._begin + timedelta(minutes=minute)):
                self._heard(moment)
        self.minute = max(self.minute, minute)

    def _heard(self, moment: Moment) -> None:
        assert self._simulation is not None
        minute = moment.after.total_seconds() / 60
        self._say(f"{clock(minute)}  {described(self._simulation.policy, moment)}")
        for told in moment.told:
            self._say(f"{'':>7}  → {told.contact.name}: {', '.join(told.channels)}")
            self._reach("communicated", minute, told.contact.id)
        level = getattr(moment.event, "level", "")
        if level:
            self._levels.append((level, minute * 60))

    def give(self, inject: Inject) -> None:
        """News. Its hint is kept for whoever asks."""
        to = f" (for {listed(list(inject.to))})" if inject.to else ""
        self._say(f"{clock(self.minute)}  NEWS {inject.name}{to}: {inject.text}")
        self._journal.append(InjectGiven(inject=inject.name, to=inject.to, text=inject.text, minute=self.minute))
        self._hints.append(inject)

    def hint(self) -> None:
        """What the newest news hints at; that somebody asked is written down."""
        inject = next((i for i in reversed(self._hints) if i.hint), None)
        self._say(f"HINT {inject.name}: {inject.hint}" if inject else "there is no hint")
        if inject is not None:
            self._hints.remove(inject)
            self._journal.append(InjectGiven(inject=inject.name, text=inject.hint, minute=self.minute, hint=True))

    def act(self, move: Move) -> None:
        """Somebody does something now."""
        role = next((r for r, who in self.scenario.roles.items() if who == move.by), "")
        if move.ack and self._simulation is not None and not self._simulation.view.over:
            at = self._begin + timedelta(minutes=self.minute)
            self._heard(self._simulation.happen(EscalationAcknowledged(by=move.by, via="tabletop"), at))
            self._reach("acknowledged", self.minute, move.by)
        if move.text or move.reaches:
            self._say(f"{clock(self.minute)}  {move.by}{f' ({role})' if role else ''}: {move.text or move.reaches}")
        self._journal.append(
            DrillNoted(actor=move.by, role=role, text=move.text, milestone=move.reaches, minute=self.minute)
        )
        if move.text and self._simulation is not None and self._simulation.view.acks:
            at = self._begin + timedelta(minutes=self.minute)
            self._simulation.happen(EscalationProgressed(actor=move.by, what=move.text), at)
        if move.reaches:
            self._reach(move.reaches, self.minute, move.by)
            if move.reaches == "verified" and self._simulation is not None and not self._simulation.view.over:
                at = self._begin + timedelta(minutes=self.minute)
                self._heard(self._simulation.happen(EscalationResolved(by=move.by, why=move.text or "verified"), at))

    def _reach(self, name: str, minute: float, by: str) -> None:
        self.reached.setdefault(name, Reached(minute=minute, by=by))

    # ------------------------------------------------------------------ the score

    def milestones(self) -> tuple[Milestone, ...]:
        targets = self.scenario.targets
        return tuple(
            Milestone(
                name=name, after=self.reached[name].minute * 60 if name in self.reached else None,
                target=targets.get(name), evidence=self.reached[name].by if name in self.reached else "",
            )
            for name in MILESTONES
            if name in self.reached or name in targets
        )  # fmt: skip

    def findings(self) -> tuple[Finding, ...]:
        return tuple(self._findings())

    def _findings(self) -> Iterator[Finding]:
        wanted = self.scenario.expect.notified
        if wanted is not None:
            names = [n.level for n in wanted]
            got = [level for level, _ in self._levels]
            said = listed(got, 8) or "nobody"
            yield Finding(name=f"levels told: {listed(names, 8) or 'nobody'}", met=names == got, said=said)
            for each in wanted:
                after = next((t for level, t in self._levels if level == each.level), None)
                if each.within and after is not None:
                    name = f"“{each.level}” within {seconds(each.within)}"
                    yield Finding(name=name, met=after <= each.within, said=seconds(after))


def clock(minute: float) -> str:
    """`  +5:00`."""
    whole = round(minute * 60)
    return f"{f'+{whole // 60}:{whole % 60:02}':>7}"


def course(scenario: Scenario, *, moves: bool = True) -> Sequence[Inject | Move]:
    """News and written moves, in the order of their minutes; news first where both are due."""
    both: list[Inject | Move] = [*scenario.injects, *(scenario.moves if moves else ())]
    return sorted(both, key=lambda each: (each.minute, isinstance(each, Move)))


def brief(scenario: Scenario, *, facilitator: bool) -> str:
    """What the people are told before; with everything that is to come, for whoever leads it."""
    lines = [f"{scenario.title or scenario.name}", ""]
    lines += scenario.description.splitlines()
    if scenario.roles:
        lines += ["", "Roles:", *(f"  {role}: {who}" for role, who in scenario.roles.items())]
    if scenario.targets:
        spans = ", ".join(f"{n.replace('_', ' ')} {seconds(t)}" for n, t in scenario.targets.items())
        lines += ["", f"Targets: {spans}"]
    if facilitator:
        lines += ["", "For the facilitator only:"]
        for inject in sorted(scenario.injects, key=lambda i: i.minute):
            lines.append(f"  {clock(inject.minute)}  {inject.name}: {inject.text}")
            lines += [f"  {'':>7}  hint: {inject.hint}"] if inject.hint else []
        if scenario.expect.notified:
            lines.append(f"  the ladder tells, in this order: {listed([n.level for n in scenario.expect.notified], 8)}")
    return "\n".join(lines)
