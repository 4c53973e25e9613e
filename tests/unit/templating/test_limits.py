"""A template cannot eat the controller: each of these would take gigabytes, minutes, or both."""

from __future__ import annotations

import time

import pytest

from playbook_engine.model.errors import TemplateError
from playbook_engine.templating.environment import Templar

HOSTILE = [
    "{{ 'a' * 10**9 }}",
    "{{ 10**9 * [0] }}",
    "{{ 9 ** 999999999 }}",
    "{{ '%1000000000d' % 1 }}",
    "{{ '%*d' % (1000000000, 1) }}",
    "{{ '%1000000000d' | format(1) }}",
    "{{ '{:1000000000}'.format(1) }}",
    "{{ 'a'.center(10**9) }}",
    "{{ 'a'.ljust(10**9) }}",
    "{{ 'a'.zfill(10**9) }}",
    "{{ '\t'.expandtabs(10**9) }}",
    "{{ 'a' | center(10**9) }}",
    "{{ 'a\nb' | indent(10**9) }}",
    "{{ ('a' * 100000).replace('a', 'b' * 100000) }}",
    "{{ ('a' * 100000) | replace('a', 'b' * 100000) }}",
    "{{ ('a' * 100000) | regex_replace('a', 'b' * 100000) }}",
    "{{ ','.join(['x' * 100000] * 100000) }}",
    "{{ (['x' * 100000] * 100000) | join }}",
    "{{ [1] | batch(10**9, 'x') | list }}",
    "{{ [1, 2] | product(repeat=40) | list }}",
    "{{ range(12) | permutations | list }}",
    "{{ range(10**9) }}",
    "{{ {} | to_json(indent=10**9) }}",
    "{{ 1 | round(10**9, 'ceil') }}",
    "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}",
    "{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(60) }}",
    "{% set n = namespace(s='aaaa') %}{% for i in range(99) %}{% set n.s = n.s ~ n.s %}{% endfor %}",
    "{% set n = namespace(s='aaaa') %}{% for i in range(99) %}{% set n.s = n.s + n.s %}{% endfor %}",
    "{% for x in [1, 2] recursive %}{% if loop.depth < 60 %}{{ loop([1, 2]) }}{% endif %}{% endfor %}",
    "{{ 'x' | comment(prefix_count=10**9) }}",
]


@pytest.mark.parametrize("source", HOSTILE)
def test_it_is_refused_soon(source: str) -> None:
    templar = Templar()
    begun = time.monotonic()
    with pytest.raises(TemplateError):
        templar.render(templar.compile_value(source, None), {})
    assert time.monotonic() - begun < 30


def test_it_says_what_was_too_much() -> None:
    templar = Templar()
    with pytest.raises(TemplateError, match="would make a value of 1000000000 characters"):
        templar.render(templar.compile_value("{{ 'a' * 10**9 }}", None), {})


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__ }}",
        "{{ ''['__class__'] }}",
        "{{ (lambda: 1) }}",
        "{{ l['app' ~ 'end'](1) }}",
        "{{ l | attr('app' ~ 'end') }}",
        "{% set _ = l.append(1) %}{{ l.__setitem__(0, 1) }}",
        "{{ lookup.__func__ }}",
        "{{ '{0.__class__}'.format(1) }}",
        "{{ l | attr('__class__') }}",
        "{{ cycler.__init__.__globals__ }}",
    ],
)
def test_python_is_out_of_reach(source: str) -> None:
    templar = Templar()
    with pytest.raises(TemplateError):
        templar.render(templar.compile_value(source, None), {"l": [1]})


def test_what_a_template_changes_in_place_is_its_own() -> None:
    templar = Templar()
    inner = [1]
    variables: dict[str, object] = {"l": inner, "d": {"l": inner}, "host": templar.lazy({"l": inner})}
    for source in (
        "{% set x = [] %}{% for i in [1, 2] %}{% set _ = x.append(i) %}{% endfor %}{{ x }}", "{{ l.append(2) or l }}",
        "{{ d.l.append(2) or d.l }}", "{% set y = host.l %}{{ y.append(2) or y }}",
        "{% set y = l %}{{ y.append(2) or l }}",
    ):  # fmt: skip
        made = templar.render([templar.compile_value(source, None), templar.compile_value("{{ l }}", None)], variables)
        assert made == [[1, 2], [1]], source
    assert (inner, templar.render(templar.compile_value("{{ host.l }}", None), variables)) == ([1], [1])


@pytest.mark.parametrize(
    "source",
    ["{% set x = [1] %}{% for i in range(60) %}{% set _ = x.extend(x) %}{% endfor %}{{ x | length }}",
     "{% set x = [1] %}{% for i in range(9) %}{% set _ = x.append(x) %}{% endfor %}{{ x }}",
     "{{ l | map('append', 1) | list }}"],
)  # fmt: skip
def test_nor_does_it_grow_without_end(source: str) -> None:
    templar = Templar()
    with pytest.raises(TemplateError):
        templar.render(templar.compile_value(source, None), {"l": [[1]]})


def test_ordinary_work_is_not_refused() -> None:
    templar = Templar()
    source = "{% for i in range(50000) %}{{ i }},{% endfor %}"
    assert len(str(templar.render(templar.compile_value(source, None), {}))) > 200_000
