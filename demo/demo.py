"""`make demo`: the ailing system, broken, audited, repaired, audited again, documented; then taken down.

Everything is done by the commands that a person would type; this file types them, and at the end compares what is
still not green with what no runbook here repairs.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RUNBOOK = (Path(sys.executable).parent / "runbook").absolute()
STATE = Path(".state/demo")  # beneath ROOT, where everything runs: what is typed is short
REPORTS = Path("reports/demo")


def main() -> int:
    parser = argparse.ArgumentParser(description="The ailing system, made well.")
    parser.add_argument("--fast", action="store_true", help="leave MLflow's installation out")
    parser.add_argument("--keep", action="store_true", help="leave the lab up at the end")
    options = parser.parse_args()
    began = time.monotonic()
    os.chdir(ROOT)
    if os.geteuid() != 0:
        print("not root: the lab runs in a user namespace (runbook lab enter)", flush=True)
        os.execv(RUNBOOK, [str(RUNBOOK), "lab", "enter", "--", sys.executable, *sys.argv])
    os.environ["RUNBOOK_STATE"] = str(STATE)
    clear()
    try:
        return story(fast=options.fast)
    finally:
        if not options.keep:
            title("the lab goes down, nothing is left")
            run("lab", "down", check=True)
        print(f"\n{time.monotonic() - began:.0f} s in all")


def story(*, fast: bool) -> int:
    """The whole of it. 0 when what is left is exactly what was to be left."""
    title("a trading system: disk full, MLflow down, a health check that reports the time of day")
    run("lab", "up", "sick", *(["--without-mlflow-wheels"] if fast else []), check=True)
    inventory = ["-i", str(STATE / "lab" / "inventory.ini")]

    title("audit: what is really the matter")
    run("audit", "sick", *inventory, "-o", str(REPORTS / "audit-before"))
    before = last_run("audit")

    title("phase-0: the repair, in the order of dependencies")
    given = ["-e", "with_mlflow=false"] if fast else []
    repaired = run("run", "phase-0", "sick", *inventory, *given, "--reason", "the phase-0 audit")
    repair = last_run("run")

    title("audit again: measured, not claimed")
    run("audit", "sick", *inventory, "--compare", before, "-o", str(REPORTS / "audit-after"))
    title("reports, rendered from the journal")
    run("report", repair, "-o", str(REPORTS / "run"))
    run("report", repair, "--kind", "escalation", "-o", str(REPORTS / "escalation"))
    title("the post-incident document, without typing any of it: what is blank is for people")
    run("incident", "open", "--run", repair, check=True)
    run("report", "last", "--template", "post-incident", "-o", str(REPORTS / "incident"), check=True)
    run("incident", "lint", "last")
    return verdict(repaired, REPORTS / "audit-before", REPORTS / "audit-after", fast=fast)


def verdict(repaired: int, before: Path, after: Path, *, fast: bool) -> int:
    """Compares what is still not green with what no runbook here repairs."""
    was, now = statuses(before), statuses(after)
    left_out = {"install-mlflow"} if fast else set()
    unrepaired = {name for name, (_, remedy) in now.items() if not remedy or remedy in left_out}
    not_green = {name for name, (status, _) in now.items() if status != "met"}
    expected = {name for name in unrepaired if was.get(name, ("", ""))[0] != "met"}
    title("what is left")
    print(f"not green before: {sum(s != 'met' for s, _ in was.values())} of {len(was)}, now: {len(not_green)}")
    for name in sorted(not_green):
        mark = "as expected: no runbook here repairs it" if name in expected else "NOT EXPECTED"
        print(f"  {name}: {now[name][0]} ({mark})")
    for name in sorted(expected - not_green):
        print(f"  {name}: met, and no runbook here repairs it: NOT EXPECTED")
    good = repaired == 0 and not_green == expected and bool(expected)
    print("what is left is exactly what no runbook here repairs" if good else "this is NOT what was to be left")
    return 0 if good else 1


def statuses(folder: Path) -> dict[str, tuple[str, str]]:
    """Criterion → (status, the runbook that repairs it), from an audit's JSON report."""
    criteria = json.loads((folder / "audit.json").read_text())["criteria"]
    return {f"{c['service']}: {c['name']}": (c["status"], c.get("remedy") or "") for c in criteria}


def last_run(kind: str) -> str:
    """The newest run of a kind."""
    out = subprocess.run([RUNBOOK, "history", "--json", "-n", "0"], capture_output=True, text=True, check=True)
    runs = [json.loads(line) for line in out.stdout.splitlines()]
    return str([r["run"] for r in runs if r["kind"] == kind][-1])


def run(*words: str, check: bool = False) -> int:
    """A command as a person types it; its exit code."""
    print(f"\n$ runbook {' '.join(words)}", flush=True)
    code = subprocess.run([RUNBOOK, *words], check=False).returncode
    if check and code != 0:
        raise SystemExit(f"that should have worked: exit {code}")
    return code


def title(text: str) -> None:
    print(f"\n{'─' * 4} {text} {'─' * max(4, 100 - len(text))}", flush=True)


def clear() -> None:
    """The remains of an earlier demo, its lab included."""
    if STATE.exists():
        subprocess.run([RUNBOOK, "lab", "down"], check=False, capture_output=True)
        shutil.rmtree(STATE, ignore_errors=True)
    shutil.rmtree(REPORTS, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
