"""Drills: which there are, which were held and how, and what a killed one has left."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TextIO

from playbook_engine.app.conducting import Conductor, Wishes
from playbook_engine.app.prepare import loader
from playbook_engine.app.wiring import App
from playbook_engine.drill.breakage import left_behind
from playbook_engine.drill.scenario import Kind, Scenario
from playbook_engine.drill.scenarios import Scenarios, fits
from playbook_engine.drill.scorecard import Past, Scorecard, as_past, scorecard
from playbook_engine.lab.errors import LabError
from playbook_engine.lab.lab import Lab
from playbook_engine.model.errors import EngineError, LoadError, LoadErrors, NotFound, UsageError
from playbook_engine.model.events import DrillAborted, DrillScored, DrillStarted, FaultCleared
from playbook_engine.model.runbook import Runbook
from playbook_engine.model.source import SourcePos
from playbook_engine.report.text import instant, moment, seconds

__all__ = ["Wishes", "choose", "clean", "held", "hold_one", "last_drilled", "listing"]


def scenarios(app: App) -> Scenarios:
    """Finds drills beside the runbooks."""
    return Scenarios(app.settings.runbook_path, app.templar)


def choose(
    app: App, names: Sequence[str], *, everything: bool = False, runbook: str | None = None, wheel: bool = False,
    seed: int | None = None,
) -> list[Scenario]:  # fmt: skip
    """The drills that are meant. Raises LoadError, UsageError for none."""
    found = scenarios(app)
    chosen = [found.load(name) for name in (*names, *(found.names() if everything or (wheel and not names) else ()))]
    if runbook:
        chosen += found.of(runbook)
    if not chosen:
        raise UsageError("which drill is to be held?", advice="`runbook drill list` lists them; --all holds each")
    return [random.Random(seed).choice(chosen)] if wheel else chosen


def hold_one(app: App, scenario: Scenario, wishes: Wishes, command: str, out: TextIO) -> Scorecard:
    """Holds a drill. Raises LoadError, LabError, JournalError; whatever was broken is put right in any case."""
    app.switch.refuse()
    if scenario.kind is Kind.TABLETOP:
        from playbook_engine.app.tabletops import hold_tabletop

        return held(app, hold_tabletop(app, scenario, wishes, command, out))
    runbook = loader(app).load(scenario.runbook)
    unknown = fits(scenario, runbook)
    if unknown:
        raise unknown[0] if len(unknown) == 1 else LoadErrors(unknown)
    return held(app, Conductor(app, scenario, runbook, wishes, command, out).perform())


def hold_all(
    app: App, chosen: Sequence[Scenario], wishes: Wishes, command: str, out: TextIO, jobs: int
) -> Iterator[Scorecard]:  # fmt: skip
    """Holds drills, several at the same time if wanted; their scorecards, in the order of the drills."""
    if jobs == 1:
        for scenario in chosen:
            yield hold_one(app, scenario, wishes, command, out)
        return
    # Each with an application of its own: what is secret in one drill is no other's business.
    with ThreadPoolExecutor(jobs) as pool:
        try:
            yield from pool.map(lambda s: hold_one(App(app.settings), s, wishes, command, out), chosen)
        except BaseException:
            wishes.stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def held(app: App, name: str) -> Scorecard:
    """The scorecard of a drill, with those before it. Raises NotFound, JournalError."""
    drill = app.drills.find(name)
    records = app.drills.read(drill).records
    card = scorecard(drill, records)
    if card is None:
        raise NotFound(f"{drill} was never begun")
    return scorecard(drill, records, past(app, card.scenario, drill)) or card


def listing(app: App) -> str:
    """Which drills there are, of which runbook, and how each went the last time."""
    last = {c.scenario: c for c in cards(app) if c.kind != "mutation"}
    rows = []
    for name in scenarios(app).names():
        try:
            scenario = scenarios(app).load(name)
        except LoadError as error:
            rows.append(f"{name:<34} does not load: {error}")
            continue
        card = last.get(scenario.name)
        went = f"{'passed' if card.passed else 'FAILED'} {moment(card.at)}" if card else "never held"
        rows.append(f"{name:<34} {scenario.runbook or scenario.kind:<18} {went:<28} {scenario.title}")
    return "\n".join(rows) or "there are no drills: they stand in drills/ beside the runbooks"


def cards(app: App) -> Iterator[Scorecard]:
    """The scorecards of all drills that can be read, oldest first."""
    for name in app.drills.runs():
        try:
            card = scorecard(name, app.drills.read(name).records)
        except EngineError:
            continue
        if card is not None:
            yield card


def past(app: App, scenario: str, but: str) -> list[Past]:
    """Earlier drills of a scenario, on the runbook as it is."""
    return [as_past(c) for c in cards(app) if c.scenario == scenario and c.drill != but and c.kind != "mutation"]


def last_drilled(app: App) -> dict[str, tuple[str, str]]:
    """By runbook: when a live drill of it last passed (UTC), and the hash of the runbook then."""
    found: dict[str, tuple[str, str]] = {}
    for name in app.drills.runs():
        try:
            records = app.drills.read(name).records
        except EngineError:
            continue
        started = next((r for r in records if isinstance(r.event, DrillStarted)), None)
        if started is None or not isinstance(started.event, DrillStarted) or started.event.kind != "live":
            continue
        if any(isinstance(r.event, DrillScored) and r.event.passed for r in records):
            found[started.event.runbook] = (records[-1].at, started.event.runbook_sha256)
    return found


def checked(app: App, runbook: Runbook) -> list[LoadError]:
    """What is wrong with the drills of a runbook: names in them that it does not have."""
    return [error for scenario in scenarios(app).of(runbook.name) for error in fits(scenario, runbook)]


def stale(app: App, runbook: Runbook, most: float) -> list[LoadError]:
    """Why nobody knows whether a runbook still works: never drilled, changed since, or too long ago (seconds)."""
    where = SourcePos(file=runbook.file, line=1)
    advice = f"`runbook drill --runbook {runbook.name}`; the last that passed counts, and it is read from its journal"
    last = last_drilled(app).get(runbook.name)
    if last is None:
        return [LoadError(f"{runbook.name} has never been drilled", advice=advice, where=where, code="not-drilled")]
    at, text = last
    if text != hashlib.sha256(runbook.text.encode()).hexdigest():
        return [
            LoadError(
                f"{runbook.name} was changed since it was drilled, {moment(at)}",
                advice=advice,
                where=where,
                code="not-drilled",
            )
        ]
    when = instant(at)
    age = (datetime.now(UTC) - when).total_seconds() if when else most + 1
    if age <= most:
        return []
    said = f"{runbook.name} was last drilled {seconds(age)} ago, {moment(at)}: {seconds(most)} are allowed"
    return [LoadError(said, advice=advice, where=where, code="not-drilled")]


def clean(app: App, say: Callable[[str], None]) -> int:
    """Puts right what drills that were killed have left; returns how many drills that were. Raises LabError."""
    cleaned = 0
    for name in app.drills.runs():
        folder = app.drills.folder(name)
        journal = app.drills.read(name)
        left = left_behind(journal.records)
        if journal.live or not (left or (folder / "lab").exists()):
            continue
        lab = Lab(folder)
        for host in lab.hosts():
            try:
                healed = lab.heal(host.name)
                say(f"{name}: {host.name}: {', '.join(healed) or 'nothing'} put right")
            except LabError as error:
                say(f"{name}: {host.name}: {error}")  # a dead host: taking it down is putting it right
        lab.down()
        if not journal.closed:
            writer = app.drills.resume(name)
            for fault in left:
                writer.append(FaultCleared(host=fault.host, fault=fault.fault, how="runbook drill clean"))
            writer.append(DrillAborted(why="the drill was killed"))
            writer.close()
        say(f"{name}: cleared")
        cleaned += 1
    return cleaned
