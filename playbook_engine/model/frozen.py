"""`@frozen`: a frozen dataclass with slots and keyword arguments that costs a third at import.

    @frozen
    class Route:
        address: str
        port: int = 22

`dataclasses` compiles six functions a class, half a millisecond; a run imports a hundred and fifty of them before it
does anything. Here only `__init__` is compiled, and the rest is shared. `fields`, `replace` and `asdict` work as ever.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, TypeVar, dataclass_transform, overload

T = TypeVar("T")
_MISSING = dataclasses.MISSING


@overload
def frozen(cls: type[T], /) -> type[T]: ...


@overload
def frozen(*, kw_only: bool = True) -> Callable[[type[T]], type[T]]: ...


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(dataclasses.field,))
def frozen(cls: Any = None, /, *, kw_only: bool = True) -> Any:
    """`dataclass(frozen=True, slots=True, kw_only=True)`."""
    if cls is None:
        return lambda each: _made(each, kw_only)
    return _made(cls, kw_only)


def _made(cls: type[Any], kw_only: bool) -> type[Any]:
    made: Any = dataclasses.dataclass(init=False, repr=False, eq=False, slots=True, kw_only=kw_only)(cls)
    made.__compared__ = tuple(f.name for f in dataclasses.fields(made) if f.compare)
    made.__init__ = _initializer(made, kw_only)
    made.__init__.__qualname__ = f"{made.__qualname__}.__init__"
    for name, function in SHARED.items():
        if name not in cls.__dict__ or cls.__dict__[name] is None:  # a class with __eq__ alone gets __hash__ = None
            setattr(made, name, function)
    return made  # type: ignore[no-any-return]


def _initializer(cls: Any, kw_only: bool) -> Any:
    known: dict[str, object] = {"_set": object.__setattr__, "_MISSING": _MISSING}
    arguments = ["self", *(["*"] if kw_only else [])]
    body: list[str] = []
    for field in dataclasses.fields(cls):
        name, value = field.name, field.name
        if field.default is not _MISSING:
            known[f"_{name}"] = field.default
            arguments.append(f"{name}=_{name}")
        elif field.default_factory is not _MISSING:
            known[f"_{name}"] = field.default_factory
            arguments.append(f"{name}=_MISSING")
            value = f"_{name}() if {name} is _MISSING else {name}"
        else:
            arguments.append(name)
        if not field.init:
            arguments.pop()
            if field.default is _MISSING and field.default_factory is _MISSING:
                continue  # __post_init__ gives it
            value = f"_{name}()" if field.default is _MISSING else f"_{name}"
        body.append(f" _set(self, {name!r}, {value})")
    if hasattr(cls, "__post_init__"):
        body.append(" self.__post_init__()")
    if arguments[-1] == "*":
        arguments.pop()
    exec(f"def __init__({', '.join(arguments)}):\n" + ("\n".join(body) or " pass"), known)
    return known["__init__"]


def _eq(self: Any, other: Any) -> bool:
    if other.__class__ is not self.__class__:
        return False
    same: bool = all(getattr(self, name) == getattr(other, name) for name in self.__compared__)
    return same


def _hash(self: Any) -> int:
    return hash(tuple(getattr(self, name) for name in self.__compared__))


def _repr(self: Any) -> str:
    shown = (f"{f.name}={getattr(self, f.name)!r}" for f in dataclasses.fields(self) if f.repr)
    return f"{self.__class__.__qualname__}({', '.join(shown)})"


def _frozen(_self: object, name: str, *_value: object) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _state(self: Any) -> dict[str, object]:
    return {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}


def _restore(self: object, state: dict[str, object]) -> None:
    for name, value in state.items():
        object.__setattr__(self, name, value)


SHARED = {
    "__eq__": _eq, "__hash__": _hash, "__repr__": _repr, "__setattr__": _frozen, "__delattr__": _frozen,
    "__getstate__": _state, "__setstate__": _restore,
}  # fmt: skip
