"""A parameter's value, from wherever it comes: checked as the action's arguments are."""

from __future__ import annotations

from playbook_engine.catalog.spec import ParamSpec
from playbook_engine.model.runbook import Param
from playbook_engine.templating.node import holds_template
from playbook_engine.templating.secrets import marked, revealed, secrets_in


def param_value(param: Param, value: object) -> object:
    """A parameter's value in its type, within its choices and bounds; a template is judged once it is rendered.

    What was secret in it stays so. Raises Unfit, a ValueError.
    """
    if holds_template(value):
        return value
    spec = ParamSpec(
        name=param.name, type=param.type, choices=param.choices, minimum=param.minimum, maximum=param.maximum,
        pattern=param.pattern,
    )  # fmt: skip
    texts = frozenset(secrets_in(value))
    return marked(spec.convert(revealed(value)), texts) if texts else spec.convert(value)
