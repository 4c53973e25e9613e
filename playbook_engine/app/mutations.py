"""Mutation drills: a runbook is broken in each place in turn, and its own drills have to notice."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from playbook_engine.app.conducting import Conductor, Wishes
from playbook_engine.app.drills import held, scenarios
from playbook_engine.app.prepare import loader
from playbook_engine.app.wiring import App
from playbook_engine.drill.mutation import Mutant, mutants
from playbook_engine.drill.scenario import Scenario
from playbook_engine.drill.scenarios import fits
from playbook_engine.model.errors import LoadErrors, UsageError
from playbook_engine.model.frozen import frozen
from playbook_engine.model.runbook import Runbook
from playbook_engine.report.text import count

Say = Callable[[str], None]


@frozen
class Verdict:
    """What became of one breakage. `by`: the drill that noticed, and what it found. `reason`: why none does."""

    mutant: Mutant
    by: str = ""
    found: str = ""
    reason: str = ""

    @property
    def noticed(self) -> bool:
        return bool(self.by)


def wanted(runbook: Runbook, only: Sequence[str]) -> list[Mutant]:
    found = mutants(runbook)
    return [m for m in found if not only or any(word in m.name or word in m.key for word in only)]


def named(app: App, name: str, only: Sequence[str]) -> list[str]:
    """The breakages of a runbook, for people."""
    found = wanted(loader(app).load(name), only)
    return [f"{m.key:<24} {m.kind} “{m.name}”{f' of “{m.step}”' if m.step and m.step != m.name else ''}" for m in found]


def mutate(app: App, name: str, only: Sequence[str], jobs: int, command: str, say: Say) -> list[Verdict]:
    """Raises UsageError for a runbook without drills, and for one whose drills do not pass as it is."""
    runbook = loader(app).load(name)
    drills = scenarios(app).of(runbook.name)
    if not drills:
        raise UsageError(f"{runbook.name} has no drills: nobody would notice anything", advice="they stand in drills/")
    unknown = [e for s in drills for e in fits(s, runbook)]
    if unknown:
        raise LoadErrors(unknown)
    found = wanted(runbook, only)
    with ThreadPoolExecutor(jobs) as pool:
        say(f"{count(len(drills), 'drill')} as they are")
        ends = pool.map(lambda s: _held(app, s, runbook, "", command), drills)
        for scenario, failed in zip(drills, ends, strict=True):
            if failed:
                raise UsageError(f"{scenario.name} does not pass without any breakage: {failed}")
        verdicts = []
        for verdict in pool.map(lambda m: _verdict(app, m, drills, runbook, command), found):
            say(_line(verdict))
            verdicts.append(verdict)
    return verdicts


def _verdict(app: App, mutant: Mutant, drills: Sequence[Scenario], runbook: Runbook, command: str) -> Verdict:
    for scenario in sorted(drills, key=lambda s: not _near(s, mutant)):
        failed = _held(app, scenario, runbook, mutant.key, command)
        if failed:
            return Verdict(mutant=mutant, by=scenario.name, found=failed)
    reasons = (s.overlooks[mutant.name] for s in drills if mutant.name in s.overlooks)
    return Verdict(mutant=mutant, reason=next(reasons, ""))


def _near(scenario: Scenario, mutant: Mutant) -> bool:
    """Whether a scenario is about this place of the runbook: it is tried first."""
    expect = scenario.expect
    if mutant.kind == "rollback":
        return mutant.step in (expect.undone or ())
    plain = mutant.name.partition(": ")[2] or mutant.name
    return any(name in expect.verdicts for name in (mutant.name, plain)) or plain == expect.failed_on


def _held(app: App, scenario: Scenario, runbook: Runbook, mutant: str, command: str) -> str:
    """What a drill found wrong; empty when it passed."""
    own = App(app.settings)  # redaction and templates of one drill are no other's business
    wishes = Wishes(quiet=True, mutant=mutant, unheard=True)
    card = held(own, Conductor(own, scenario, runbook, wishes, command, io.StringIO()).perform())
    if card.passed:
        return ""
    wrong = [f"{f.name}: {f.said}" for f in card.findings if not f.met]
    wrong += [f"{m.name} not in time" for m in card.milestones if m.met is False]
    return "; ".join(wrong) or card.aborted or "it did not pass"


def _line(verdict: Verdict) -> str:
    mutant = verdict.mutant
    where = f" of “{mutant.step}”" if mutant.step and mutant.step != mutant.name else ""
    what = f"{mutant.kind} “{mutant.name}”{where}"
    if verdict.noticed:
        return f"noticed    {what}: by {verdict.by} ({verdict.found[:120]})"
    return f"OVERLOOKED {what}{': ' + verdict.reason if verdict.reason else ''}"


def as_text(found: Sequence[Verdict]) -> str:
    noticed = sum(v.noticed for v in found)
    share = 100 * noticed / len(found) if found else 100
    lines = [f"{noticed} of {count(len(found), 'breakage')} noticed ({share:.0f} %)"]
    lines += [_line(v) for v in found if not v.noticed]
    return "\n".join(f"DRILL  {line}" for line in lines)
