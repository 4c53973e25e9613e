"""Templates that change lists and mappings. What is expected was recorded with ansible-core 2.19.14."""

from __future__ import annotations

import copy

import pytest

from playbook_engine.model.errors import TemplateError
from playbook_engine.templating.environment import Templar

VARS = {"l": [3, 1, 2], "d": {"a": 1, "b": {"c": [10, 20]}}, "d2": {"a": 9, "z": 8}}


def render(source: str) -> object:
    templar = Templar()
    given = copy.deepcopy(VARS)
    found = templar.render(templar.compile_value(source, None), given)
    assert given == VARS, "the variables of others have been changed"
    return found


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{% set z = [] %}{% for x in l %}{% set _ = z.append(x * 2) %}{% endfor %}{{ z }}", [6, 2, 4]),
        ("{% set z = [] %}{{ z.append(1) }}{{ z }}", [1]),
        ("{% set z = {} %}{% set _ = z.update({'a': 1}) %}{{ z }}", {"a": 1}),
        ("{% set z = [3,1] %}{% set _ = z.sort() %}{{ z }}", [1, 3]),
        ("{% set z = [3,1] %}{% set _ = z.extend(l) %}{{ z }}", [3, 1, 3, 1, 2]),
        ("{% set z = {'a': 1} %}{% set _ = z.setdefault('b', []).append(2) %}{{ z }}", {"a": 1, "b": [2]}),
        ("{% set z = d2 %}{% set _ = z.update({'q': 1}) %}{{ d2 }}", {"a": 9, "z": 8, "q": 1}),
        ("{{ d.b.c.append(5) }}{{ d }}", {"a": 1, "b": {"c": [10, 20, 5]}}),
        ("{{ l.pop() }}", 2),
        ("{% set z = namespace(l=[]) %}{% for x in l %}{% set _ = z.l.append(x) %}{% endfor %}{{ z.l }}", [3, 1, 2]),
        ("{% set _ = lookup('vars', 'l').append(4) %}{{ l }}", [3, 1, 2, 4]),
        ("{% set _ = vars.l.append(4) %}{{ vars.d2.pop('a') }}", 9),
    ],
)
def test_on_its_own_copies(source: str, expected: object) -> None:
    assert render(source) == expected


@pytest.mark.parametrize(
    "source",
    [
        "{% set z = [1] %}{% for x in range(40) %}{% set _ = z.extend(z) %}{% endfor %}{{ z | length }}",
        "{% set z = [1] %}{% for x in z %}{% set _ = z.append(x) %}{% endfor %}{{ z }}",
        "{% set z = [] %}{% set _ = z.append(z) %}{{ z }}",
        "{% set a = [] %}{% set b = {'a': a} %}{% set _ = a.append(b) %}{{ a }}",
        "{% set z = {} %}{% set _ = z.update(me=z) %}{{ z }}",
    ],
)
def test_within_limits(source: str) -> None:
    with pytest.raises(TemplateError):
        render(source)


def test_of_a_variable_that_is_a_template() -> None:
    """The template that changes something is not the one that asks for the variable."""
    templar = Templar()
    given: dict[str, object] = {
        "l": [1], "more": templar.compile_value("{% set _ = l.append(2) %}{{ l }}", None),
    }  # fmt: skip
    node = templar.compile_value("{% set before = l %}{{ [before, more] }}", None)
    assert templar.render(node, given) == [[1], [1, 2]]
    assert given["l"] == [1]
