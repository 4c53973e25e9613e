"""What can still be looked at of a file whose shape is wrong, so that its other mistakes are told with it."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from playbook_engine.loading.problems import ENTRIES, Problems
from playbook_engine.loading.yaml_source import Where

ROUNDS = 5  # an error may hide another one below it

M = TypeVar("M", bound=BaseModel)


def salvaged(value: Mapping[Any, Any], problems: Problems, model: type[M], at: Where = ()) -> M | None:
    """The file (or what stands `at` this place of it) as a model, without what is wrong in it: that is in the problems.
    None when nothing is left of it."""
    rest: object = value
    for _ in range(ROUNDS):
        try:
            return model.model_validate(rest)
        except ValidationError as error:
            places = problems.of_validation(error, model, at)
            rest = copy.deepcopy(rest)
            for path in dict.fromkeys(places):
                problems.mute((*at, *path))
                _take_out(rest, path)
    return None


def _take_out(value: object, path: Where) -> None:
    """Removes what is at a path; an entry of a list becomes an empty one, so that the others keep their numbers."""
    if path == ("name",):
        assert isinstance(value, dict)
        value["name"] = "unnamed"
        return
    for part in path[:-1]:
        if not isinstance(value, (dict, list)):
            return
        try:
            value = value[part]  # type: ignore[index]
        except (KeyError, IndexError, TypeError):
            return
    if isinstance(value, dict):
        for key in [k for k in value if str(k) == str(path[-1])]:  # a path spells null, true and numbers as text
            del value[key]
    elif isinstance(value, list) and isinstance(path[-1], int) and path[-1] < len(value):
        value[path[-1]] = {} if len(path) > 1 and path[-2] in ENTRIES else ""
