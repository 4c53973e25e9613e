"""A value that must never be shown: revealing it is explicit, and so can be searched for."""

from __future__ import annotations


class Secret:
    """Text whose `str` and `repr` are stars. `reveal()` gives the text itself.

    A condition may compare it with plain text, and ask for its length and what is in it.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    def __str__(self) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        return _text(other) == self._value

    def __lt__(self, other: object) -> bool:
        text = _text(other)
        return NotImplemented if text is None else self._value < text

    def __gt__(self, other: object) -> bool:
        text = _text(other)
        return NotImplemented if text is None else self._value > text

    def __le__(self, other: object) -> bool:
        return self == other or self < other

    def __ge__(self, other: object) -> bool:
        return self == other or self > other

    def __hash__(self) -> int:
        return hash(self._value)  # as that of the text that it equals

    def __len__(self) -> int:
        return len(self._value)

    def __getitem__(self, part: int | slice) -> Secret:
        return Secret(self._value[part])

    def __contains__(self, part: object) -> bool:
        text = _text(part)
        return text is not None and text in self._value


def _text(value: object) -> str | None:
    return value._value if isinstance(value, Secret) else value if isinstance(value, str) else None
