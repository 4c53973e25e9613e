"""Any event with any values, for properties that hold for all of them."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping

from hypothesis import strategies as st

from playbook_engine.model.events import EVENTS, Event
from playbook_engine.model.secret import Secret

TEXTS = st.text(st.characters(), max_size=30) | st.sampled_from(
    [
        "",
        "\udc80\udcff lone",
        '"\\\n\t\r\0',
        "{{ 7*7 }}",
        "$bytes",
        "é😀\u2028",
        "'; rm -rf /",
        "%s%d",
        "0",
        "null",
        "{}",
    ]
)
NUMBERS = st.integers() | st.floats(allow_nan=False) | st.integers(min_value=10**40, max_value=10**60)
MARKS = st.sampled_from(["$bytes", "$secret", "$pairs", "$float", "$int", "$t", "$e", "$m", "$o", "$tuple"])
LEAVES = st.none() | st.booleans() | NUMBERS | TEXTS | st.binary(max_size=40)
SEALED_LEAVES = LEAVES | TEXTS.map(Secret)


def nested(leaves: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    keys = TEXTS | MARKS
    return st.recursive(
        leaves,
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(keys, inner, max_size=4)
            | st.dictionaries(keys | st.integers() | st.booleans() | st.none(), inner, max_size=3)
        ),
        max_leaves=10,
    )


def data(leaves: st.SearchStrategy[object] = SEALED_LEAVES) -> st.SearchStrategy[dict[str, object]]:
    return st.dictionaries(TEXTS | MARKS, nested(leaves), max_size=4)


def of_hint(hint: object, leaves: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return st.one_of([of_hint(each, leaves) for each in arguments])
    if origin is tuple:
        return st.lists(of_hint(arguments[0], leaves), max_size=3).map(tuple)
    if origin is not None and issubclass(origin, Mapping):
        return data(leaves)
    known: dict[object, st.SearchStrategy[object]] = {
        str: TEXTS, int: st.integers(), bool: st.booleans(), float: st.floats(allow_nan=False), type(None): st.none(),
        object: nested(leaves),
    }  # fmt: skip
    return known[hint]


def events(leaves: st.SearchStrategy[object] = SEALED_LEAVES) -> st.SearchStrategy[Event]:
    return st.sampled_from(sorted(EVENTS)).flatmap(lambda name: one(EVENTS[name], leaves))


def one(cls: type[Event], leaves: st.SearchStrategy[object] = SEALED_LEAVES) -> st.SearchStrategy[Event]:
    hints = typing.get_type_hints(cls)
    return st.builds(cls, **{f.name: of_hint(hints[f.name], leaves) for f in dataclasses.fields(cls)})
