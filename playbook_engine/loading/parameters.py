"""The inputs of a runbook, typed or asked for: what a file may say of one, and whether it agrees with itself."""

from __future__ import annotations

import re

from playbook_engine.catalog.spec import ParamSpec, Unfit
from playbook_engine.loading.lint import ENGINE
from playbook_engine.loading.problems import Problems
from playbook_engine.loading.schema import ParamModel, PromptModel
from playbook_engine.loading.yaml_source import Document
from playbook_engine.model.runbook import Param, Prompt
from playbook_engine.model.vaulted import Vaulted
from playbook_engine.templating.node import holds_template, to_nodes

NUMBERS = ("int", "float", "size", "duration")
WORDS = frozenset(
    ["and", "or", "not", "in", "is", "if", "else", "for", "true", "false", "none", "True", "False", "None"]
)
"""What a template reads as something else than a name."""


def read_param(document: Document, name: str, raw: ParamModel, problems: Problems) -> Param:
    """One parameter; what is wrong with it is in the problems."""
    place = ("params", name)
    why = why_no_name(name) or ("'result' is what a probe found: choose another name" if name == "result" else None)
    if why:
        problems.add(place, why, key=True)
    pattern = raw.pattern
    if pattern is not None:
        try:
            re.compile(pattern)
        except (re.error, OverflowError, RecursionError) as error:
            pattern = None
            problems.add((*place, "pattern"), f"the pattern of {name} is no regular expression: {error}")
    if raw.type not in NUMBERS:
        for bound in ("minimum", "maximum"):
            if getattr(raw, bound) is not None:
                problems.add((*place, bound), f"{name} is of type {raw.type}, which has no {bound}", key=True)
    if raw.minimum is not None and raw.maximum is not None and raw.minimum > raw.maximum:
        problems.add((*place, "minimum"), f"the minimum of {name} is above its maximum")
    if raw.required and raw.default is not None:
        problems.add(
            (*place, "required"), f"{name} has a default and is required all the same", "leave one of the two out"
        )
    plain = ParamSpec(name=name, type=raw.type)
    choices = []
    for n, choice in enumerate(raw.choices):
        try:
            choices.append(plain.convert(choice))
        except Unfit as error:
            problems.add((*place, "choices", n), f"a choice of {name}: {error.message}", error.advice)
    spec = ParamSpec(
        name=name, type=raw.type, choices=tuple(choices), minimum=raw.minimum, maximum=raw.maximum, pattern=pattern
    )
    default = raw.default
    if isinstance(default, Vaulted):
        pass  # judged when it is opened
    elif holds_template(to_nodes(default, None)):
        problems.add(
            (*place, "default"), f"the default of {name} is a template, which would not be rendered",
            "write the value; what is made of other values goes under vars:",
        )  # fmt: skip
    elif default is not None:
        try:
            default = spec.convert(default)
        except Unfit as error:
            problems.add((*place, "default"), f"the default of {name}: {error.message}", error.advice)
    return Param(
        name=name, type=raw.type, default=default, required=raw.required, description=raw.description,
        choices=tuple(choices), minimum=raw.minimum, maximum=raw.maximum, pattern=pattern, secret=raw.secret,
        where=document.at(place, key=True),
    )  # fmt: skip


def why_no_name(name: str) -> str | None:
    """Why a variable cannot be called so, or None."""
    if not name.isidentifier():
        return f"{name!r} is no name for a variable: letters, digits and _ only, and no digit first"
    if name in WORDS:
        return f"{name!r} is a word of the template language: no variable can be called so"
    if name in ENGINE:
        return f"{name!r} is given by the engine: choose another name"
    return None


def read_prompt(model: PromptModel) -> Prompt:
    return Prompt(
        name=model.name, text=model.prompt or model.name, default=model.default, private=model.private,
        confirm=model.confirm,
    )  # fmt: skip
