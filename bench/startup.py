"""How long the commands that do nothing take, as multiples of `python -c pass`: `python bench/startup.py`."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from peers import PEERS

ROUNDS = 15
RUNBOOK = str(Path(sys.executable).with_name("runbook"))
TAB = {"_RUNBOOK_COMPLETE": "bash"}
CASES: list[tuple[str, list[str], dict[str, str]]] = [
    ("python -c pass", [sys.executable, "-c", "pass"], {}),
    ("runbook --version", [RUNBOOK, "--version"], {}),
    ("runbook --help", [RUNBOOK, "--help"], {}),
    ("runbook au<TAB>", [RUNBOOK, "--", "runbook au", "au"], TAB),
    ("runbook run --<TAB>", [RUNBOOK, "--", "runbook run --", "--"], TAB),
    ("runbook lint free-disk", [RUNBOOK, "lint", "free-disk"], {}),
    ("pyinfra --version", [str(PEERS / "bin/pyinfra"), "--version"], {}),
    ("ansible-playbook --version", [str(PEERS / "bin/ansible-playbook"), "--version"], {}),
]


def wall(argv: list[str], more: dict[str, str]) -> float:
    env = {**os.environ, **more}
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    began = time.perf_counter()
    subprocess.run(argv, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return time.perf_counter() - began


def main() -> None:
    cases = [case for case in CASES if Path(case[1][0]).exists()]
    seen: dict[str, list[float]] = {name: [] for name, _, _ in cases}
    for _ in range(ROUNDS):
        for name, argv, more in cases:
            seen[name].append(wall(argv, more))
    base = statistics.median(seen[cases[0][0]])
    print("| command | ms | × python -c pass |\n|---|--:|--:|")
    for name, times in seen.items():
        print(f"| {name} | {statistics.median(times) * 1000:.0f} | {statistics.median(times) / base:.1f} |")


if __name__ == "__main__":
    main()
