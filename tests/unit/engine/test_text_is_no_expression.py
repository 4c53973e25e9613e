"""What a template gives may come from a host: neither `debug: var` nor `assert: that` takes it for an expression."""

from __future__ import annotations

import pytest

from playbook_engine.catalog import catalog
from playbook_engine.engine.context import PATH, _conditions_kept
from playbook_engine.templating.environment import Template


@pytest.mark.parametrize("text", ["x", "x.y", "x[0]", "x['a b'].c[-1]", 'hostvars["web1.test"].port'])
def test_names_of_variables(text: str) -> None:
    assert PATH.fullmatch(text)


@pytest.mark.parametrize(
    "text", ["lookup('pipe', 'id')", "x | upper", "x + 1", "x[y]", "x.y()", "x['a' ~ y]", "x\n", "", "[1]", "x if y"]
)
def test_expressions(text: str) -> None:
    assert not PATH.fullmatch(text)


def test_conditions_stay_as_they_are_written() -> None:
    spec = catalog.get("assert")
    that = ["a == 1", Template(source="'{{ a }}' == b"), True]
    assert _conditions_kept(spec, {"that": that, "msg": "m"}) == {
        "that": ["a == 1", "'{{ a }}' == b", True],
        "msg": "m",
    }
    assert _conditions_kept(spec, {"that": Template(source="{{ a }}")}) == {"that": ["{{ a }}"]}
