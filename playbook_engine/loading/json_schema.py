"""The JSON Schema of a runbook file, for editors: the keywords of `schema.py`, the arguments of the actions' SPECs."""

from __future__ import annotations

from playbook_engine.catalog import catalog, reference
from playbook_engine.loading.schema import RunbookModel


def runbook_schema() -> dict[str, object]:
    """draft 2020-12; steps and probes take exactly the known keywords and one action."""
    made = RunbookModel.model_json_schema(by_alias=True)
    actions = {name: {"$ref": f"#/$defs/action_{name}"} for name in catalog.names()}
    actions.update({alias: actions[name] for alias, name in catalog.ALIASES.items()})
    definitions = made["$defs"]
    for name in catalog.names():
        definitions[f"action_{name}"] = reference.schema(catalog.get(name))
    for model in ("StepModel", "ProbeModel"):
        definitions[model]["properties"].update(actions)
        definitions[model]["additionalProperties"] = False
    made["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    made["title"] = "Runbook"
    loosen(made)
    return made


def loosen(value: object) -> None:
    """What the loader understands in two spellings is allowed in both: yes for true, a for [a], text for a duration."""
    if isinstance(value, dict):
        if value.get("type") == "boolean":
            value["type"] = ["boolean", "string"]
        elif value.get("type") == "array" and value.get("items") == {"type": "string"}:
            value["type"] = ["array", "string", "boolean"]
        elif value.get("type") == "integer" and "default" in value and value.get("title", "").startswith("Undo"):
            value["type"] = ["integer", "string"]
        for inner in value.values():
            loosen(inner)
    elif isinstance(value, list):
        for inner in value:
            loosen(inner)
