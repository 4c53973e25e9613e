"""Replaying a folder of cases: one folder for each category, in it files of cases and what they need."""

from __future__ import annotations

import fnmatch
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cases.categories import CATEGORIES, Stage
from cases.compare import differences, normal, same
from cases.product import Product
from cases.web import served

OWN_FOLDER = ("inventory", "vault", "sshconfig")
"""Categories whose cases are played in a copy of the set that they name."""


@dataclass(slots=True, kw_only=True)
class Score:
    """How a category went. `why`: of each case that failed, where its answer differs."""

    category: str
    passed: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    why: dict[str, list[str]] = field(default_factory=dict)

    def line(self) -> str:
        return f"{self.category}: {len(self.passed)} passed, {len(self.why)} failed, {len(self.skipped)} skipped"


def collected(folder: Path, category: str) -> Iterator[dict[str, Any]]:
    """The cases of a category, each with what its file says for all."""
    for file in sorted((folder / category).glob("*.json")):
        document = json.loads(file.read_text(encoding="utf-8"))
        for case in document["cases"]:
            shared = {"vars": document["vars"]} if "vars" in document else {}
            executable = document.get("exec", {}).get(case.get("set"), [])
            yield {**shared, "exec": executable, **case}


def replayed(folder: Path, category: str, product: Product, only: str = "*", jobs: int = 2) -> Score:
    """Plays the cases of a category whose ids match `only`; accidents of the real tool (`quirk`) are left out."""
    score = Score(category=category)
    web = served() if category == "modules" else ""
    cases = [case for case in collected(folder, category) if fnmatch.fnmatchcase(case["id"], only)]
    score.skipped += [case["id"] for case in cases if case.get("quirk") or "expect" not in case]
    wanted = [case for case in cases if not case.get("quirk") and "expect" in case]
    with ThreadPoolExecutor(jobs) as pool:
        answers = pool.map(lambda case: played(folder, category, case, product, web), wanted)
        for case, answer in zip(wanted, answers, strict=True):
            accepted = [case["expect"], *(other["expect"] for other in case.get("also_accept", []))]
            got = normal(case, answer)
            if any(same(normal(case, each), got) for each in accepted):
                score.passed.append(case["id"])
            else:
                score.why[case["id"]] = differences(normal(case, accepted[0]), got)
    return score


def played(folder: Path, category: str, case: dict[str, Any], product: Product, web: str) -> Any:
    """The answer to one case, in a temporary folder with a home of its own."""
    with tempfile.TemporaryDirectory(prefix="case-") as made:
        top = Path(made).resolve()
        home, work = top / "home", top / "case"
        home.mkdir()
        files = folder / category / "files"
        if category in OWN_FOLDER and "set" in case:
            shutil.copytree(files / case["set"], work, symlinks=True)
            for name in case["exec"]:
                os.chmod(work / name, 0o755)
        else:
            work.mkdir()
        try:
            return CATEGORIES[category](case, Stage(product=product, work=work, home=home, files=files, web=web))
        except (ValueError, KeyError, TypeError, AttributeError) as error:  # the answer has another form
            return {"error": f"unreadable: {type(error).__name__}: {error}"}
