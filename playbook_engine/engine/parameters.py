"""A parameter's value: its type, its choices, its bounds."""

from __future__ import annotations

import difflib
import re

from playbook_engine.catalog.spec import ParamSpec
from playbook_engine.model.runbook import Param
from playbook_engine.templating.node import holds_template


def param_value(param: Param, value: object) -> object:
    """A parameter's value in its type, within its bounds. Raises ValueError."""
    if holds_template(value):
        return value
    got = ParamSpec(name=param.name, type=param.type).convert(value)
    if param.choices and got not in param.choices:
        close = difflib.get_close_matches(str(got), [str(c) for c in param.choices], 1)
        hint = f"; did you mean {close[0]}?" if close else ""
        raise ValueError(f"{got!r} is none of {', '.join(str(c) for c in param.choices)}{hint}")
    if isinstance(got, (int, float)) and not isinstance(got, bool):
        if param.minimum is not None and got < param.minimum:
            raise ValueError(f"{got} is below the minimum of {param.minimum:g}")
        if param.maximum is not None and got > param.maximum:
            raise ValueError(f"{got} is above the maximum of {param.maximum:g}")
    if param.pattern and not re.fullmatch(param.pattern, str(got)):
        raise ValueError(f"{got!r} does not match {param.pattern}")
    return got
