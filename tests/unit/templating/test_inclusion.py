"""Template files that take in others."""

from __future__ import annotations

import pytest

from playbook_engine.model.errors import TemplateError
from playbook_engine.templating.environment import Templar

FILES = {
    "inc.j2": "[{{ v }}]\n",
    "macros.j2": "{% macro twice(x) %}{{ x }}{{ x }}{{ v }}{% endmacro %}{% set known = 5 %}",
    "base.j2": "<{% block body %}base{% endblock %}|{{ v }}>",
    "loop.j2": "{% include 'loop.j2' %}",
    "number.j2": "{{ v }}",
    "broken.j2": "{{ v | nothing }}",
}
CASES = [
    ("a{% include 'inc.j2' %}b", "a[1]b"),
    ("{% for i in [1, 2] %}{% include 'inc.j2' %}{% endfor %}", "[1][1]"),
    ("{% set v = 7 %}{% include 'inc.j2' %}", "[7]"),
    ("{% include 'none.j2' ignore missing %}x", "x"),
    ("{% include ['none.j2', 'number.j2'] %}!", "1!"),
    ("{% import 'macros.j2' as m with context %}{{ m.twice('x') }}{{ m.known }}", "xx15"),
    ("{% from 'macros.j2' import twice with context %}{{ twice(v) }}", "111"),
    ("{% extends 'base.j2' %}{% block body %}{{ super() }}+{{ v }}{% endblock %}", "<base+1|1>"),
    ("include import extends {{ v }}", "include import extends 1"),
]


@pytest.mark.parametrize(("source", "wanted"), CASES)
def test_what_is_taken_in_sees_the_same_names(source: str, wanted: str) -> None:
    assert Templar().render_file(source, {"v": 1}, read=FILES.get) == wanted


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("{% include 'none.j2' %}", "no template 'none.j2'"),
        ("{% include '../etc/passwd' %}", "no template"),
        ("{% include 'loop.j2' %}", "circles"),
        ("{% include 'broken.j2' %}", "nothing"),
        ("{% include 'inc.j2' %}{{ w }}", "'w' is not defined"),
    ],
)
def test_what_cannot_be_taken_in_is_said(source: str, said: str) -> None:
    with pytest.raises(TemplateError, match=said):
        Templar().render_file(source, {"v": 1}, read=lambda name: {**FILES, "../etc/passwd": "x"}.get(name))


def test_what_was_read_once_is_read_again() -> None:
    templar = Templar()
    for text in ("one", "two"):
        assert templar.render_file("{% include 'x' %}", {}, read=lambda _name, text=text: text) == text
