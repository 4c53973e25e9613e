"""Every check, precondition and rollback of the shipped runbooks, broken one at a time: do their drills notice?

On real lab hosts, as `runbook drill mutate` does. What no drill notices is listed, with the reason for it.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from playbook_engine.app.mutations import Verdict, mutate
from playbook_engine.app.settings import Settings
from playbook_engine.app.wiring import App
from reliability.figure import Figure

RUNBOOKS = ("free-disk", "fix-timing-bug", "install-mlflow", "verify-engines", "audit")
QUICK = ("free-disk", "verify-engines")
ENOUGH = 95  # per cent
JOBS = 3


def measure(short: bool) -> list[Figure]:
    found: list[Verdict] = []
    with tempfile.TemporaryDirectory() as folder:
        app = App(Settings.of({"RUNBOOK_STATE": str(Path(folder) / "state")}))
        for name in QUICK if short else RUNBOOKS:
            found += mutate(app, name, (), JOBS, "make reliability", lambda said: print(f"  {said}", file=sys.stderr))
    noticed = sum(v.noticed for v in found)
    lost = [f"{v.mutant.kind} “{v.mutant.name}”: {v.reason or 'no reason given'}" for v in found if not v.noticed]
    return [
        Figure(
            promise="drills", what=f"each check, precondition and rollback of {len(QUICK if short else RUNBOOKS)} "
            "shipped runbooks broken on purpose, its drills held on lab hosts",
            seen=f"{noticed} of {len(found)} noticed" + (f"; overlooked: {'; '.join(lost)}" if lost else ""),
            bar=f"{ENOUGH} % noticed, each of the others with its reason",
            holds=bool(found) and 100 * noticed >= ENOUGH * len(found) and all(v.noticed or v.reason for v in found),
        )
    ]  # fmt: skip
