"""Properties that hold for every value: host text stays data, values survive, nothing but TemplateError escapes."""

from __future__ import annotations

import string

from hypothesis import given, settings
from hypothesis import strategies as st

from playbook_engine.model.errors import TemplateError
from playbook_engine.templating.environment import Templar

TEMPLAR = Templar()

TEXT = st.text(max_size=40) | st.sampled_from(["{{ 7*7 }}", "{% for %}", "{# x #}", "[1, 2]", "None", "1", "{{ x"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_a_value_survives_as_it_is(value: object) -> None:
    node = TEMPLAR.compile_value("{{ v }}", None)
    made = TEMPLAR.render(node, {"v": value})
    assert made == value
    assert repr(made) == repr(value)


@given(TEXT, TEXT)
def test_host_text_is_put_in_unchanged_wherever_it_travels(text: str, other: str) -> None:
    node = TEMPLAR.compile_value("<{{ a }}|{{ d.k }}|{{ l[0] }}|{{ a ~ b }}>", None)
    made = TEMPLAR.render(node, {"a": text, "b": other, "d": {"k": text}, "l": [text]})
    assert made == f"<{text}|{text}|{text}|{text}{other}>"


@settings(max_examples=200)
@given(st.text(alphabet=string.printable, max_size=60))
def test_any_text_renders_or_is_a_template_error(source: str) -> None:
    for text in (source, "{{ " + source + " }}", "{% " + source + " %}"):
        try:
            TEMPLAR.render(TEMPLAR.compile_value(text, None), {"a": 1, "l": [1], "d": {}})
        except TemplateError:
            pass


@settings(max_examples=200)
@given(st.text(alphabet=string.printable, max_size=60))
def test_any_condition_is_a_boolean_or_a_template_error(source: str) -> None:
    try:
        assert TEMPLAR.evaluate(source, {"a": 1}) in (True, False)
    except TemplateError:
        pass


NAMES = st.sampled_from(["a", "b", "l", "d", "x", "1", "'t'", "none", "true"])
EXPRESSIONS = st.recursive(
    NAMES,
    lambda inner: st.one_of(
        st.tuples(
            inner, st.sampled_from(["+", "-", "*", "/", "//", "%", "**", "~", "==", "<", "in", "and", "or"]), inner
        )
        .map(" ".join)
        .map("({})".format),
        st.tuples(inner, st.sampled_from(sorted(n for n in TEMPLAR._plain.filters if n.isidentifier())))
        .map(" | ".join)
        .map("({})".format),
        st.tuples(inner, st.sampled_from(sorted(n for n in TEMPLAR._plain.tests if n.isidentifier())))
        .map(" is ".join)
        .map("({})".format),
    ),
    max_leaves=5,
)


@settings(max_examples=400, deadline=None)
@given(EXPRESSIONS)
def test_operators_filters_and_tests_never_escape_with_another_error(expression: str) -> None:
    variables = {"a": 5, "b": "text {{ x }}", "l": [3, 1, "z"], "d": {"k": [1], "m": None}}
    try:
        TEMPLAR.evaluate_value(expression, variables)
    except TemplateError:
        pass
