"""`python -m cases DIR`: replays the cases of a folder, says what differs, and ends with 1 if anything does."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from cases.categories import CATEGORIES
from cases.product import Product
from cases.replay import replayed


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m cases", description=__doc__)
    parser.add_argument("folder", type=Path, help="a folder with one folder for each category")
    parser.add_argument("--only", default="", help="a category, or CATEGORY:GLOB over the ids of its cases")
    parser.add_argument("--runbook", default=f"{Path(sys.executable).parent / 'runbook'}", help="the program to try")
    parser.add_argument("--jobs", type=int, default=2, help="cases at the same time")
    parser.add_argument("--show", type=int, default=3, help="differences that are shown of a case")
    given = parser.parse_args()
    category, _, glob = given.only.partition(":")
    if category and category not in CATEGORIES:
        parser.error(f"there is no category {category}: they are {', '.join(CATEGORIES)}")
    there = [c for c in CATEGORIES if (given.folder / c).is_dir() and category in ("", c)]
    if not there:
        parser.error(f"{given.folder} has none of the folders {', '.join(CATEGORIES)}")
    os.umask(0o022)
    failed = False
    for each in there:
        score = replayed(given.folder, each, Product(command=given.runbook), glob or "*", given.jobs)
        for case, lines in score.why.items():
            print(f"FAIL {case}", *(f"     {line}" for line in lines[: given.show]), sep="\n")
        if score.why:
            failed = True
            print(f"failing ids: {' '.join(score.why)}")
        print(score.line(), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
