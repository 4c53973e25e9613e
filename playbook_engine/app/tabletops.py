"""Holding a tabletop drill: by itself where its moves are written down, else by the people at the terminal."""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import TextIO

from playbook_engine.app.conducting import Wishes
from playbook_engine.app.policies import policies
from playbook_engine.app.wiring import App
from playbook_engine.drill.scenario import MILESTONES, Inject, Move, Scenario
from playbook_engine.drill.tabletop import HELP, Table, brief, clock, course
from playbook_engine.model.errors import UsageError
from playbook_engine.model.events import DrillAborted, DrillScored, DrillStarted

Read = Callable[[str], str]


def hold_tabletop(app: App, scenario: Scenario, wishes: Wishes, command: str, out: TextIO) -> str:
    """Holds it; returns its id. Raises UsageError where nobody is there to play it, LoadError, JournalError."""
    people = wishes.people or not scenario.moves
    if people and not sys.stdin.isatty():
        raise UsageError(
            f"{scenario.name} is played by people, and there is no terminal",
            advice="write down moves: in it, and it plays itself",
        )
    policy = policies(app).load(scenario.escalation) if scenario.escalation else None
    drill = app.new_run("drill-")
    journal = app.drills.create(drill)

    def say(text: str) -> None:
        if not wishes.quiet:
            for line in text.splitlines() or [""]:
                out.write(f"DRILL  {app.redactor.text(line)}\n")
            out.flush()

    try:
        journal.append(
            DrillStarted(
                drill=drill, kind="tabletop", scenario=scenario.name, title=scenario.title, runbook=scenario.runbook,
                scenario_sha256=hashlib.sha256(scenario.text.encode()).hexdigest(), actor=app.settings.actor,
                command=command, seed=wishes.seed,
            )
        )  # fmt: skip
        say(brief(scenario, facilitator=False))
        begin = datetime.fromisoformat(app.clock.utc().replace("Z", "+00:00"))
        table = Table(scenario, policy, begin, drill, journal, say)
        player = _Player(app, table, wishes, say, input if people else None)
        try:
            for each in course(scenario, moves=not people):
                player.until(each.minute)
                if player.ended:
                    break
                if isinstance(each, Inject):
                    table.give(each)
                    player.talk()
                else:
                    table.act(each)
            player.rest()
        except (KeyboardInterrupt, EOFError):
            player.ended = True
        if player.ended:
            journal.append(DrillAborted(why="ended by whoever leads it"))
        findings, times = table.findings(), table.milestones()
        passed = not player.ended and all(f.met for f in findings) and all(m.met is not False for m in times)
        journal.append(
            DrillScored(
                passed=passed, seconds=table.minute * 60, milestones=tuple(asdict(m) for m in times),
                expectations=tuple(asdict(f) for f in findings),
            )
        )  # fmt: skip
    finally:
        journal.close()
    return drill


class _Player:
    """The clock, and what people type."""

    def __init__(self, app: App, table: Table, wishes: Wishes, say: Callable[[str], None], read: Read | None) -> None:
        self._app = app
        self._table = table
        self._real = wishes.real_clock
        self._say = say
        self._read = read
        self.ended = False

    def until(self, minute: float) -> None:
        if self._real and minute > self._table.minute:
            self._app.clock.sleep((minute - self._table.minute) * 60)
        self._table.to(minute)

    def rest(self) -> None:
        """To the end of the drill's time, or until everything is reached."""
        if not self.ended and "verified" not in self._table.reached:
            self.until(self._table.scenario.minutes)

    def talk(self) -> None:
        """What people say and do before the next news."""
        if self._read is None:
            return
        self._say(HELP)
        while not self.ended:
            words = self._read(f"DRILL {clock(self._table.minute)} > ").split()
            word, rest = (words[0], words[1:]) if words else ("next", [])
            minute = self._table.minute
            if word == "next":
                return
            if word == "end":
                self.ended = True
            elif word == "hint":
                self._table.hint()
            elif word == "wait" and rest and re.fullmatch(r"[0-9]{1,3}(\.[0-9]+)?", rest[0]):
                self.until(minute + float(rest[0]))
            elif word == "ack" and rest:
                self._table.act(Move(minute=minute, by=rest[0], ack=True))
            elif word == "note" and len(rest) > 1:
                self._table.act(Move(minute=minute, by=rest[0], text=" ".join(rest[1:])))
            elif word == "reach" and len(rest) > 1 and rest[0] in MILESTONES:
                self._table.act(Move(minute=minute, by=rest[1], reaches=rest[0], text=" ".join(rest[2:])))
            else:
                self._say(f"{HELP}   (milestones: {', '.join(MILESTONES)})")
