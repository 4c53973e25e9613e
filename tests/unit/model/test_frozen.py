"""`@frozen` against `dataclasses.dataclass`, which it stands for."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from playbook_engine.model.frozen import frozen


def classes(make: Callable[[Any], Any]) -> Any:
    @make
    class Base:
        """What all have."""

        host: str = ""

    @make
    class Thing(Base):
        name: str
        size: int = 0
        tags: list[str] = dataclasses.field(default_factory=list)
        note: str = dataclasses.field(default="", compare=False, repr=False)
        _made: str = dataclasses.field(init=False, repr=False, compare=False)

        def __post_init__(self) -> None:
            object.__setattr__(self, "_made", f"{self.name}!")

        @property
        def long(self) -> str:
            return f"{self._made}{self.size}"

    return Thing


MINE, THEIRS = classes(frozen), classes(dataclasses.dataclass(frozen=True, slots=True, kw_only=True))
GIVEN: list[dict[str, Any]] = [{"name": "a"}, {"name": "a", "size": 2, "tags": ["x"], "note": "n", "host": "h"}]


@pytest.mark.parametrize("given", GIVEN)
def test_what_is_made(given: dict[str, Any]) -> None:
    one, other = MINE(**given), THEIRS(**given)
    assert repr(one) == repr(other)
    assert dataclasses.asdict(one) == dataclasses.asdict(other)
    assert one.long == other.long
    assert one == MINE(**given) and one != MINE(name="b") and one != other
    assert one == MINE(**{**given, "note": "another"}), "what is not compared makes no difference"
    changed = dataclasses.replace(one, size=7)
    assert (changed.size, changed.long, one.size) == (7, "a!7", other.size)
    assert [f.name for f in dataclasses.fields(one)] == [f.name for f in dataclasses.fields(other)]
    assert one.tags is not MINE(**given).tags or "tags" in given


def test_it_is_frozen_and_has_slots() -> None:
    one = MINE(name="a")
    for change in (lambda: setattr(one, "name", "b"), lambda: delattr(one, "name"), lambda: setattr(one, "other", 1)):
        with pytest.raises(dataclasses.FrozenInstanceError):
            change()
    assert not hasattr(one, "__dict__")


@pytest.mark.parametrize(
    ("args", "given"), [((), {}), ((), {"size": 1}), (("a",), {}), ((), {"name": "a", "other": 1}), ((), {"_made": ""})]
)
def test_the_same_arguments_are_refused(args: tuple[object, ...], given: dict[str, Any]) -> None:
    for cls in (MINE, THEIRS):
        with pytest.raises(TypeError):
            cls(*args, **given)


@frozen(kw_only=False)
class Pair:
    """Two."""

    one: int
    two: int = 2


@frozen
class Nothing:
    """A class without fields."""


def test_positional_arguments_hashes_and_copies() -> None:
    assert Pair(1) == Pair(1, 2) == Pair(one=1) != Pair(2)
    assert len({Pair(1), Pair(1, 2), Pair(2)}) == 2
    for made in (copy.copy(Pair(1)), copy.deepcopy(Pair(1)), pickle.loads(pickle.dumps(Pair(1)))):
        assert made == Pair(1)
    assert Nothing() == Nothing() and repr(Nothing()) == "Nothing()"
    match Pair(1, 3):
        case Pair(one=1, two=two):
            assert two == 3
        case _:
            pytest.fail("it does not match by names")


def test_a_method_of_its_own_stays() -> None:
    @frozen
    class Own:
        name: str

        def __repr__(self) -> str:
            return "mine"

        def __eq__(self, other: object) -> bool:
            return True

        def __hash__(self) -> int:
            return 1

    assert (repr(Own(name="a")), Own(name="a") == 3, hash(Own(name="b"))) == ("mine", True, 1)
