"""The JSON Schemas that `runbook schema` prints, with what the reference says of each key."""

from __future__ import annotations

import re
from collections.abc import Iterator

from playbook_engine.app.settings import shipped
from playbook_engine.loading import json_schema

SECTIONS = (
    ("Top-level keys", 0, "RunbookModel"), ("Parameters", 0, "ParamModel"), ("Services and phases", 0, "ServiceModel"),
    ("Steps", 0, "StepModel"), ("Steps", 1, "LoopControl"), ("Probes", 0, "ProbeModel"),
)  # fmt: skip
"""(heading of the reference, number of the table below it, model)."""
KINDS = ("runbook", "steps", "drill", "escalation")
LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")


def schema_of(kind: str) -> dict[str, object]:
    """That of one of `KINDS`."""
    match kind:
        case "steps":
            return json_schema.steps_schema(texts())
        case "drill":
            from playbook_engine.drill.scenario_model import scenario_schema

            return scenario_schema()
        case "escalation":
            from playbook_engine.escalation.policy_model import policy_schema

            return policy_schema()
    return json_schema.runbook_schema(texts())


def texts() -> dict[str, dict[str, str]]:
    """What the reference says of each key of each model: the last cell of its row."""
    file = shipped("docs") / "runbook-reference.md"
    page = file.read_text("utf-8") if file.is_file() else ""
    return {model: dict(_rows(page, heading, number)) for heading, number, model in SECTIONS}


def _rows(page: str, heading: str, number: int) -> Iterator[tuple[str, str]]:
    match = re.search(rf"(?ms)^#+ {re.escape(heading)}\n(.*?)(?=^#+ |\Z)", page)
    tables = re.findall(r"(?m)(?:^\|.*\n)+", match[1]) if match else []
    for line in tables[number].splitlines() if number < len(tables) else ():
        cells = [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for key in re.findall(r"`([^`]+)`", cells[0]):
            yield key, LINK.sub(r"\1", cells[-1])
