"""The JSON Schema of the files that people write, for editors: the keywords of `schema.py`, the arguments of the SPECs.

draft-07, which every editor knows. What a schema cannot say well (one action in a step, names that are defined, how a
change is taken back) is left to `runbook lint`.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, TypeAdapter

from playbook_engine.catalog import catalog
from playbook_engine.catalog.json_types import arguments
from playbook_engine.loading.schema import RunbookModel, ServiceModel, StepModel

DRAFT = "http://json-schema.org/draft-07/schema#"
NAME = r"^[A-Za-z_][A-Za-z0-9_]*$"
Texts = Mapping[str, Mapping[str, str]]
"""What is said of each key: by the name of the model."""

NEEDS = {
    "rescue": ["block"], "always": ["block"], "apply": ["include_steps"], "params": ["import_runbook"],
    "poll": ["async"], "loop_control": ["loop"],
}  # fmt: skip
"""Keys of a step that mean nothing without another one."""
COLLECTIONS = "|".join(prefix.rstrip(".").replace(".", r"\.") for prefix in catalog.PREFIXES)
OPEN = ("StepModel", "ProbeModel")
"""Models whose other keys are actions."""


def runbook_schema(texts: Texts | None = None) -> dict[str, object]:
    """Of a runbook. Steps and probes take the known keywords and actions, and nothing else."""
    made = RunbookModel.model_json_schema(by_alias=True)
    made["$defs"]["ServiceModel"] = ServiceModel.model_json_schema(by_alias=True)
    properties = made["properties"]
    properties["services"]["additionalProperties"] = {"anyOf": [{"$ref": "#/$defs/ServiceModel"}, {"type": "null"}]}
    for key in ("vars", "params"):
        properties[key]["propertyNames"] = {"pattern": NAME}
    return finished(made, "Runbook", {**(texts or {}), "": (texts or {}).get("RunbookModel", {})})


def steps_schema(texts: Texts | None = None) -> dict[str, object]:
    """Of a file that `include_steps` takes in: a list of steps."""
    return finished(TypeAdapter(list[StepModel]).json_schema(by_alias=True), "Steps", texts or {})


def model_schema(model: type[BaseModel], title: str) -> dict[str, object]:
    """Of a file of another kind, whose shape is a model."""
    return finished(model.model_json_schema(by_alias=True), title, {})


def finished(made: dict[str, object], title: str, texts: Texts) -> dict[str, object]:
    """With the actions where they may stand, the texts, and the draft."""
    definitions = made.setdefault("$defs", {})
    assert isinstance(definitions, dict)
    open_ones = [definitions[name] for name in OPEN if name in definitions]
    if open_ones:
        for name in catalog.names():
            definitions[f"action_{name}"] = arguments(catalog.get(name))
    for model in open_ones:
        _with_actions(model["properties"])
        model["additionalProperties"] = False
        model["patternProperties"] = {
            f"^({COLLECTIONS})\\.{name}$": {"$ref": f"#/$defs/action_{name}"} for name in catalog.names()
        }
    if "StepModel" in definitions:
        step = definitions["StepModel"]
        step["properties"]["include_steps"] = {
            "anyOf": [
                {"type": "string"},
                {
                    "type": "object", "required": ["file"], "additionalProperties": False,
                    "properties": {"file": {"type": "string"}, "apply": {"type": "object"}},
                },
            ]
        }  # fmt: skip
        step["dependencies"] = NEEDS
    _say(made, texts.get("", {}))
    for name, model in definitions.items():
        _say(model, texts.get(name, {}))
    _tidy(made)
    made["$schema"] = DRAFT
    made["title"] = title
    return made


def _with_actions(properties: dict[str, dict[str, object]]) -> None:
    for name in catalog.names():
        action: dict[str, object] = {"$ref": f"#/$defs/action_{name}"}
        word = properties.get(name)
        # `service: web` of a probe says what it is about; with arguments it is the action.
        properties[name] = {"anyOf": [word, action]} if word is not None else action
    for alias, name in catalog.ALIASES.items():
        properties[alias] = {"$ref": f"#/$defs/action_{name}"}


def _say(model: object, said: Mapping[str, str]) -> None:
    """The text of each key of a model."""
    properties = model.get("properties") if isinstance(model, dict) else None
    if isinstance(properties, dict):
        for key, text in said.items():
            if key in properties:
                properties[key]["description"] = text


def _tidy(value: object) -> None:
    """What pydantic makes of our types, in the words of JSON Schema: bounds by their names, no made-up titles."""
    if isinstance(value, dict):
        for ours, theirs in (("ge", "minimum"), ("le", "maximum")):
            if ours in value:
                value[theirs] = value.pop(ours)
        if isinstance(value.get("title"), str):
            del value["title"]
        if value.get("default", 0) is None or value.get("default") in ([], {}, ""):
            del value["default"]
        for key, inner in value.items():
            if key in ("properties", "patternProperties", "$defs"):
                for schema in inner.values():
                    _tidy(schema)
            else:
                _tidy(inner)
    elif isinstance(value, list):
        for inner in value:
            _tidy(inner)
