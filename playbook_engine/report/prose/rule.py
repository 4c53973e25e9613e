"""What a rule is, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from playbook_engine.model.frozen import frozen
from playbook_engine.report.prose.document import Document, Place


@frozen
class Contradiction:
    """`at` is the line to look at first, `others` are those that it contradicts or that say the same again."""

    at: Place
    says: str
    others: tuple[Place, ...] = ()


@frozen
class Rule:
    """`advice` is the rule by which a report cannot say such a thing; `example` a line that does."""

    id: str
    name: str
    advice: str
    example: str
    find: Callable[[Document], Iterable[Contradiction]]


def lines(places: Iterable[Place], most: int = 6) -> str:
    """`line 20`, `lines 20, 21 and 22`."""
    numbers = sorted({place.line for place in places})
    shown = [str(n) for n in numbers[:most]]
    if len(numbers) > most:
        return f"lines {', '.join(shown)} and {len(numbers) - most} more"
    return f"line {shown[0]}" if len(shown) == 1 else f"lines {', '.join(shown[:-1])} and {shown[-1]}"


def quote(text: str, most: int = 60) -> str:
    """A phrase of the report inside a message, cut."""
    text = " ".join(text.split()).strip(" .:-–—")
    return f"'{text if len(text) <= most else text[: most - 1] + '…'}'"
