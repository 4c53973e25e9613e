"""What a drill measures on its hosts once its run is over: probes through the engine, in a run of their own."""

from __future__ import annotations

import dataclasses
import hashlib

from playbook_engine.app.runs import execute, view_of
from playbook_engine.app.targets import targets
from playbook_engine.app.wiring import App
from playbook_engine.drill.scenario import Scenario
from playbook_engine.engine.compile import compile_plan
from playbook_engine.lab.lab import Lab
from playbook_engine.model.events import CheckEvaluated
from playbook_engine.model.plan import Options
from playbook_engine.model.runbook import OnFailure, Runbook


def measured(app: App, scenario: Scenario, lab: Lab, drill: str) -> dict[str, tuple[str, str]]:
    """By probe: the verdict, and what was said of it. On several hosts the worst counts. Raises JournalError."""
    probes = scenario.expect.probes
    runbook = Runbook(
        name=f"drill {scenario.name}", file=scenario.file, title=f"what {scenario.name} has come to",
        on_failure=OnFailure.CONTINUE, checks=probes, read_only=True,
        text=hashlib.sha256(scenario.text.encode()).hexdigest(),
    )  # fmt: skip
    chosen = targets(app, [str(lab.inventory)], "all", None, None)
    plan = compile_plan(
        runbook, chosen.hosts, scenario.params, kind="audit", others=chosen.others, groups=chosen.groups,
        command=f"runbook drill {scenario.name}", options=Options(),
    )  # fmt: skip
    end = execute(app, dataclasses.replace(plan, drill=drill), ())
    found: dict[str, tuple[str, str]] = {p.name: ("unknown", "was not measured") for p in probes}
    seen: set[str] = set()
    for record in view_of(app, end.run).records:
        event = record.event
        if isinstance(event, CheckEvaluated) and (event.name not in seen or event.verdict != "met"):
            seen.add(event.name)
            found[event.name] = (event.verdict, event.detail)
    return found
