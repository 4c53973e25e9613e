"""Controllers that share nothing but the host they want to change: never two at once (P4).

Each is a process with a state folder of its own. The critical section, on the host, makes a folder, and says so when it
is there already; `noclobber` of a counter would hide what a folder shows.
"""

from __future__ import annotations

import multiprocessing
import tempfile
from multiprocessing.synchronize import Barrier
from pathlib import Path

from playbook_engine.app.adhoc import adhoc
from playbook_engine.app.runs import execute
from playbook_engine.app.settings import Settings
from playbook_engine.app.targets import targets
from playbook_engine.app.wiring import App
from playbook_engine.engine.compile import compile_plan
from playbook_engine.lab.lab import Lab
from playbook_engine.lab.prerequisites import require
from playbook_engine.lab.spec import HostSpec
from playbook_engine.model.plan import Options
from reliability.figure import Figure

RIVALS = 8
ROUNDS, ROUNDS_SHORT = 100, 8
WAIT = 1.5  # seconds that each is ready to wait: some get in, some are refused
SECTION = (
    "mkdir /run/critical || echo overlap >> /run/overlaps; echo in >> /run/sections; sleep 0.03; rmdir /run/critical"
)


def measure(short: bool) -> list[Figure]:
    require()
    rounds = ROUNDS_SHORT if short else ROUNDS
    spawn = multiprocessing.get_context("fork")
    with tempfile.TemporaryDirectory() as folder, Lab(Path(folder)) as lab:
        (host,) = lab.up([HostSpec(size_bytes=16 << 20, inodes=2000)])
        ready, results = spawn.Barrier(RIVALS), spawn.Queue()
        rivals = [
            spawn.Process(
                target=rival, args=(Path(folder) / f"rival{n}", lab.inventory, host.name, rounds, ready, results)
            )
            for n in range(RIVALS)
        ]
        for each in rivals:
            each.start()
        statuses = [results.get(timeout=600) for _ in range(RIVALS * rounds)]
        for each in rivals:
            each.join()
        said = lab.exec(host.name, ["sh", "-c", "cat /run/sections | wc -l; cat /run/overlaps 2>/dev/null | wc -l"])
        sections, overlaps = map(int, said.stdout.split())
        left = lab.exec(
            host.name, ["sh", "-c", "grep -c @runbook /proc/net/unix; ls /run | grep runbook-"]
        ).stdout.split()
    done = statuses.count("changed")
    other = sorted({s for s in statuses if s not in ("changed", "aborted")})
    right = overlaps == 0 and sections == done and done >= rounds and not other and left == ["0"]
    return [
        Figure(
            promise="P4", what=f"{RIVALS} controllers at once on one host, {rounds} rounds",
            seen=f"{overlaps} overlaps in {sections} critical sections; {statuses.count('aborted')} were refused, "
            f"told who holds it{'; ended ' + ', '.join(other) if other else ''}",
            bar="0 overlaps", holds=right,
        )
    ]  # fmt: skip


def rival(state: Path, inventory: Path, host: str, rounds: int, ready: Barrier, results: object) -> None:
    """One controller: in each round it runs the critical section on the host, as `runbook exec` does."""
    for _ in range(rounds):
        app = App(Settings.of({"RUNBOOK_STATE": str(state), "RUNBOOK_ACTOR": state.name}))
        runbook = adhoc(app, "shell", SECTION, become=False, become_user=None, undo=None, timeout="30s")
        chosen = targets(app, [str(inventory)], host, None, None)
        plan = compile_plan(runbook, chosen.hosts, {}, kind="exec", options=Options(wait=WAIT))
        ready.wait(60)
        end = execute(app, plan, [])
        results.put(str(end.statuses[host]))  # type: ignore[attr-defined]
