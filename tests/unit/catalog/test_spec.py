"""Arguments: what each type takes, what it makes of it, and what is said of the rest."""

from __future__ import annotations

import contextlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playbook_engine.catalog import catalog
from playbook_engine.catalog.spec import (
    ActionSpec,
    ArgumentError,
    Kind,
    ParamSpec,
    Unfit,
    parse_bool,
    parse_duration,
    parse_size,
)

GOOD = [
    ("str", "x", "x"), ("str", 5, "5"), ("path", "/a", "/a"), ("int", "5", 5), ("int", 5.0, 5), ("float", "1.5", 1.5),
    ("bool", "yes", True), ("bool", "Off", False), ("bool", 1, True), ("size", "2GiB", 2 << 30), ("size", "1.5k", 1536),
    ("size", "2kB", 2000), ("size", 10, 10), ("duration", "1h30m", 5400.0), ("duration", "250ms", 0.25),
    ("duration", 5, 5.0), ("mode", "0644", "0644"), ("mode", "u+x,go-w", "u+x,go-w"), ("list[str]", "a, b", ["a", "b"]),
    ("list[str]", 5, ["5"]), ("list[int]", ["1"], [1]), ("list", "x", ["x"]), ("dict", {"a": 1}, {"a": 1}),
    ("content", "é", b"\xc3\xa9"), ("content", {"a": 1}, b'{"a": 1}'), ("raw", {"x": [1]}, {"x": [1]}),
]  # fmt: skip
BAD = [
    ("str", 1.5, "text is expected, and this is the number 1.5"), ("str", True, "this is the boolean true"),
    ("str", [1], r"this is the list \[1\]"), ("path", "", "the path is empty"), ("int", "x", "'x' is no whole number"),
    ("int", 1.5, "1.5 is no whole number"), ("int", True, "a number is expected"), ("int", math.inf, "inf is no whole"),
    ("float", "x", "'x' is no number"), ("bool", "maybe", "'maybe' is no boolean"), ("size", "much", "is no size"),
    ("size", True, "a size is expected"), ("size", "-1", "is no size"), ("duration", "5 minutes", "is no duration"),
    ("duration", "-5", "is no duration"), ("duration", "inf", "is no duration"), ("duration", "nan", "is no duration"),
    ("duration", -5, "is no duration"), ("mode", 420, "a mode is text"), ("mode", "9999", "'9999' is no mode"),
    ("mode", True, "a mode is text"), ("list[str]", [1.5], "text is expected"), ("dict", "x", "a mapping is expected"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "value", "wanted"), GOOD)
def test_what_a_type_takes(kind: str, value: object, wanted: object) -> None:
    got = ParamSpec(name="p", type=kind).convert(value)
    assert got == wanted
    assert type(got) is type(wanted)


@pytest.mark.parametrize(("kind", "value", "said"), BAD)
def test_what_a_type_refuses(kind: str, value: object, said: str) -> None:
    with pytest.raises(Unfit, match=said):
        ParamSpec(name="p", type=kind).convert(value)


EASED = [
    ("mode", 420, "0644"), ("mode", 0, "0000"), ("mode", 0o4755, "4755"), ("mode", -1, -1), ("mode", 8 ** 5, 8 ** 5),
    ("mode", True, True), ("str", 1.1, "1.1"), ("str", 8080, "8080"), ("str", False, "False"),
    ("str", [1, "a"], "[1, 'a']"), ("str", {"a": 1}, "{'a': 1}"), ("str", None, None), ("path", [1], [1]),
    ("list[str]", [None, {"a": 1}], ["", "{'a': 1}"]),
    ("path", 5, "5"), ("list[str]", [1, True, "x"], ["1", "True", "x"]), ("list[str]", 1.5, "1.5"),
    ("int", True, True), ("bool", 1, 1), ("raw", 5, 5), ("dict", 5, 5),
    ("dict", "a=1, b='2 3'", {"a": "1", "b": "2 3"}), ("dict", '{"a": 1}', {"a": 1}), ("dict", "{{ x }}", "{{ x }}"),
    ("dict", "{a", "{a"), ("dict", "a", "a"), ("list", [5], [5]),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "value", "wanted"), EASED)
def test_what_ansible_takes_for_text(kind: str, value: object, wanted: object) -> None:
    got = ParamSpec(name="p", type=kind).eased(value)
    assert got == wanted
    assert type(got) is type(wanted)


def test_a_boolean_is_the_word_for_it_among_the_choices() -> None:
    param = ParamSpec(name="p", type="str", choices=("all", "no", "yes"))
    assert (param.eased(False), param.eased(True)) == ("no", "yes")
    assert ParamSpec(name="p", type="str", choices=("no", "off")).eased(False) == "False"
    assert catalog.get("copy").eased({"dest": 5, "mode": 0o640, "nothing": 1}) == {
        "dest": "5", "mode": "0640", "nothing": 1,
    }  # fmt: skip


@given(
    st.sampled_from(sorted({kind for kind, _, _ in GOOD})),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.binary(max_size=4),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        max_leaves=4,
    ),
)
def test_any_value_is_converted_or_refused(kind: str, value: object) -> None:
    try:
        got = ParamSpec(name="p", type=kind).convert(value)
    except Unfit:
        return
    again = ParamSpec(name="p", type=kind).convert(got)
    assert repr(again) == repr(got) or kind == "content", "what was converted once stays as it is"


def test_bounds_choices_pattern_and_keys() -> None:
    with pytest.raises(Unfit, match="80 is below the minimum of 1024"):
        ParamSpec(name="p", type="int", minimum=1024).convert("80")
    with pytest.raises(Unfit, match="70000 is above the maximum of 65535"):
        ParamSpec(name="p", type="int", maximum=65535).convert(70000)
    with pytest.raises(Unfit, match="'fsat' is none of fast, slow: did you mean fast"):
        ParamSpec(name="p", type="str", choices=("fast", "slow")).convert("fsat")
    with pytest.raises(Unfit, match="does not match the pattern"):
        ParamSpec(name="p", type="str", pattern="[a-z]+").convert("x9")
    with pytest.raises(Unfit, match="unknown key 'opne': did you mean open"):
        ParamSpec(name="p", type="raw", keys=("open", "close")).convert({"opne": 1})


SPEC = ActionSpec(
    name="place", kind=Kind.STATE, summary="Place a file",
    params={
        "dest": ParamSpec(name="dest", type="path", required=True, aliases=("path",), doc="Where it goes. As a path."),
        "src": ParamSpec(name="src", type="str"),
        "content": ParamSpec(name="content", type="content"),
        "hours": ParamSpec(name="hours", type="dict", keys=("open", "close")),
        "given": ParamSpec(name="given", type="dict", internal=True),
    },
    one_of=(("src", "content"),),
)  # fmt: skip


def problems(**args: object) -> list[tuple[str, str | None]]:
    return [(p.message, p.advice) for p in SPEC.check(args, lambda value: value == "template")]


def test_a_mistake_is_told_once() -> None:
    assert problems(dest="/x", src="y") == []
    assert problems(path="/x", content="y") == []
    assert problems(dset="/x", src="y") == [("place has no argument 'dset'", "did you mean dest?")]
    assert problems(dest="/x", contents="y") == [("place has no argument 'contents'", "did you mean content?")]
    assert problems() == [("place needs dest", "Where it goes"), ("place needs one of src, content", None)]
    assert problems(dest="/x", src="a", content="b") == [("place: src and content exclude one another", None)]
    assert problems(dest="/x", src="a", given={}) == [
        ("place has no argument 'given'", "it takes content, dest, hours, path, src")
    ]
    assert problems(dest="/x", src="a", hours={"opne": "template"}) == [
        ("place: hours: unknown key 'opne'", "did you mean open?")
    ], "the keys of a mapping are known before its templates are rendered"
    assert problems(dest="template", src="a", hours="template") == []
    assert problems(dest=None, src=None, content="x") == [("place needs dest", "Where it goes")], "null is not given"


def test_complete_names_converts_and_fills_in() -> None:
    assert SPEC.complete({"path": "/x", "content": "é", "src": None, "given": {}}) == {
        "dest": "/x", "content": b"\xc3\xa9", "given": {},
    }  # fmt: skip
    with pytest.raises(ArgumentError, match="place needs dest"):
        SPEC.complete({"src": "x"})


def test_every_action_of_the_catalog_agrees_with_itself() -> None:
    for name in catalog.names():
        spec = catalog.get(name)
        for param in spec.params.values():
            if param.default is not None:
                param.convert(param.default)
            assert not param.choices or param.default is None or param.default in param.choices, (name, param.name)
        assert spec.free_form is None or spec.free_form in spec.params
        assert all(spec.canonical(each) for group in spec.one_of for each in group)


@given(st.integers(0, 10**15))
def test_sizes_and_durations_of_plain_numbers_are_themselves(number: int) -> None:
    assert parse_size(str(number)) == number
    assert parse_duration(str(number)) == number


@given(st.text(max_size=12))
def test_any_text_is_a_value_or_a_value_error(text: str) -> None:
    for parse in (parse_size, parse_duration, parse_bool):
        with contextlib.suppress(ValueError):
            assert parse(text) is not None
