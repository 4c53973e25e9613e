"""`make reliability`: every promise about crashes, links, rivals and rollbacks, tried out and printed as a table.

    python -m reliability [--short] [NAME ...]

Each experiment is a module beside this one with a function `measure(short) -> list[Figure]`. Exit code 1 when a figure
does not keep its promise.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from reliability.figure import Experiment, Figure

EXPERIMENTS = (
    "crash_points",
    "killed_controllers",
    "rivals",
    "no_rollback",
    "undo_round_trip",
    "damaged_journals",
    "evidence_attacks",
    "fault_matrix",
    "prose",
    "mutations",
    "typos",
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="make reliability", description=__doc__)
    parser.add_argument("--short", action="store_true", help="fewer rounds: what CI runs")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"only these of {', '.join(EXPERIMENTS)}")
    given = parser.parse_args()
    unknown = [name for name in given.names if name not in EXPERIMENTS]
    if unknown:
        parser.error(f"there is no experiment {', '.join(unknown)}; there are: {', '.join(EXPERIMENTS)}")
    os.environ["RUNBOOK_ESCALATION"] = "none"  # nobody is to hear of what is broken here
    table = Table("promise", "what was done", "seen", "asked", "holds", "time", title="Reliability")
    broken = 0
    for name in given.names or EXPERIMENTS:
        print(f"· {name} …", file=sys.stderr, flush=True)
        began = time.monotonic()
        figures = experiment(name)(given.short)
        took = f"{time.monotonic() - began:.0f}s"
        for figure in figures:
            broken += not figure.holds
            row(table, figure, took)
            took = ""
    Console(width=None if sys.stdout.isatty() else 160).print(table)
    print(f"{table.row_count - broken} passed, {broken} failed")
    return 1 if broken else 0


def experiment(name: str) -> Experiment:
    module = importlib.import_module(f"reliability.{name}")
    found: Experiment = module.measure
    return found


def row(table: Table, figure: Figure, took: str) -> None:
    mark = "yes" if figure.holds else "NO"
    table.add_row(figure.promise, figure.what, figure.seen, figure.bar, mark, took)


if __name__ == "__main__":
    # The helpers of the tests (lab hosts, hosts in memory) serve the experiments too.
    sys.path[:0] = [str(Path(__file__).parent.parent / "tests" / part) for part in ("", "contract", "live")]
    sys.exit(main())
