"""What one rendering may cost the controller, counted where the cost arises.

Jinja's sandbox stops a template from reaching Python, not from eating memory or time: `'a' * 10**9`,
`'%1000000000d' % 1` and nested loops all pass it. Every operation that can make something much larger than
its operands asks here first; everything made and every iteration is charged to the budget of the rendering.
Not bounded: a regular expression that backtracks for ever, because `re` cannot be interrupted.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Sized
from contextvars import ContextVar

from jinja2.exceptions import SecurityError

MAX_TEXT = 8 * 1024 * 1024
"""Characters of one string, and elements of one list made by `+` or `*`, are never more than this."""

MAX_BITS = 1 << 16
MAX_WIDTH = 1 << 20

_FORMAT_WIDTH = re.compile(r"%(?:\([^)]*\))?[-#0 +]*(\*|\d+)?(?:\.(\*|\d+))?")
_DIGITS = re.compile(r"\d+")


class LimitExceeded(SecurityError):
    """A template asked for more than a rendering may cost."""


class Budget:
    """The allowance of one rendering: characters made, iterations, seconds."""

    __slots__ = ("_deadline", "_next_look", "steps", "text")

    def __init__(self, *, steps: int = 1_000_000, text: int = 64 * 1024 * 1024, seconds: float = 10.0) -> None:
        self.steps = steps
        self.text = text
        self._deadline = time.monotonic() + seconds
        self._next_look = steps - 1000

    def spend(self, steps: int) -> None:
        self.steps -= steps
        if self.steps < 0:
            raise LimitExceeded("the template loops too often; a rendering may take a million iterations")
        if self.steps < self._next_look:
            self._next_look = self.steps - 1000
            if time.monotonic() > self._deadline:
                raise LimitExceeded("the template takes too long; a rendering may take ten seconds")

    def make(self, size: int) -> None:
        """Charge for a string or list of `size`, before it is made where that is possible."""
        check_size(size)
        self.text -= size
        if self.text < 0:
            raise LimitExceeded("the template makes too much text; a rendering may make 64 MiB in all")

    def counted(self, items: Iterable[object]) -> Iterator[object]:
        """The same items, each charged as one step."""
        for item in items:
            self.spend(1)
            yield item


def listed(items: Iterable[object]) -> list[object]:
    """The items as a list, each charged as one step; pairs as lists, too."""
    return [list(item) if isinstance(item, tuple) and type(item) is tuple else item for item in budget().counted(items)]


_current: ContextVar[Budget] = ContextVar("budget")


def budget() -> Budget:
    """The budget of the rendering under way; a fresh one outside of any."""
    found = _current.get(None)
    if found is None:
        found = Budget()
    return found


class spending:  # noqa: N801 - reads as a statement: `with spending(Budget()):`
    """Make a budget the current one; an inner rendering draws on the outer one's."""

    def __enter__(self) -> Budget:
        found = _current.get(None)
        self._token = None
        if found is None:
            found = Budget()
            self._token = _current.set(found)
        return found

    def __exit__(self, *_: object) -> None:
        if self._token is not None:
            _current.reset(self._token)


def check_size(size: int) -> None:
    if size > MAX_TEXT:
        raise LimitExceeded(
            f"the template would make a value of {size} characters or elements; the limit is {MAX_TEXT}"
        )


def check_width(width: object) -> None:
    """Refuse a width, indent or count that only serves to make something huge."""
    if isinstance(width, int) and abs(width) > MAX_WIDTH:
        raise LimitExceeded(f"a width of {width} is more than {MAX_WIDTH}")


def check_percent(text: str, values: object) -> None:
    """Refuse `'%1000000000d' % 1`, also with `*` widths."""
    for match in _FORMAT_WIDTH.finditer(text):
        for part in match.groups():
            if part == "*":
                for value in values if isinstance(values, tuple) else (values,):
                    check_width(value)
            elif part:
                check_width(int(part[:12]))


def check_format_spec(spec: str) -> None:
    for digits in _DIGITS.findall(spec):
        check_width(int(digits[:12]))


def multiply(left: object, right: object) -> None:
    for text, times in ((left, right), (right, left)):
        if isinstance(text, str | bytes | list | tuple) and isinstance(times, int):
            budget().make(max(0, len(text) * times))
    if isinstance(left, int) and isinstance(right, int) and left.bit_length() + right.bit_length() > MAX_BITS:
        raise LimitExceeded("the product is too large a number")


def power(base: object, exponent: object) -> None:
    if isinstance(base, int) and isinstance(exponent, int) and base.bit_length() * abs(exponent) > MAX_BITS:
        raise LimitExceeded("the power is too large a number")


def add(left: object, right: object) -> None:
    if isinstance(left, str | bytes | list | tuple) and isinstance(right, str | bytes | list | tuple):
        budget().make(len(left) + len(right))


def check_method(owner: object, name: str, args: tuple[object, ...]) -> tuple[object, ...]:
    """Refuse a call of a method of text whose result would be huge; returns the arguments to call it with."""
    if isinstance(owner, int):
        if name == "to_bytes":
            for arg in args:
                check_width(arg)
        return args
    if isinstance(owner, list | dict | set):
        for arg in args:
            if name in ("extend", "update") and isinstance(arg, Sized):
                budget().make(len(arg))
        return args
    if not isinstance(owner, str | bytes):
        return args
    if name in ("center", "ljust", "rjust", "zfill", "expandtabs"):
        check_width(args[0] if args else 8)
        if name == "expandtabs" and args and isinstance(args[0], int):
            tab = "\t" if isinstance(owner, str) else b"\t"
            budget().make(len(owner) + owner.count(tab) * max(0, args[0]))  # type: ignore[arg-type]
        else:
            budget().make(max(len(owner), args[0] if args and isinstance(args[0], int) else 0))
    elif name == "replace" and len(args) >= 2:
        replaced(owner, args[0], args[1])
    elif name == "join" and args and isinstance(args[0], Iterable):
        items = list(args[0])
        budget().make(sum(len(i) for i in items if isinstance(i, str | bytes)) + len(owner) * len(items))
        return (items, *args[1:])
    elif name == "translate" and args and isinstance(args[0], dict):
        longest = max((len(v) for v in args[0].values() if isinstance(v, str)), default=1)
        budget().make(len(owner) * max(1, longest))
    return args


def replaced(text: str | bytes, old: object, new: object) -> None:
    """Charge for `text` with every `old` turned into `new`."""
    if not (isinstance(text, str) and isinstance(old, str) and isinstance(new, str)):
        text, old, new = (str(part) for part in (text, old, new))  # bytes: as many or more characters
    hits = text.count(old) if old else len(text) + 1
    limit = len(text) + hits * (len(new) - len(old))
    budget().make(max(0, limit))
