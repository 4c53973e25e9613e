"""What a template is: a node that the loader made out of a string which the author wrote.

Whether a string is a template is decided once, here, while a file is being read. A string that arrives
later (a fact, a registered result, a file's content) is never looked at for braces.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator, Mapping

from playbook_engine.model.frozen import frozen
from playbook_engine.model.source import SourcePos
from playbook_engine.model.vaulted import Vaulted

MARKERS = re.compile(r"\{\{|\{%|\{#")


@frozen
class Template:
    """Text with Jinja in it, and the place where the author wrote it. `secret`: it stood in an encrypted file, and what
    it gives is kept as secret as the file."""

    source: str
    where: SourcePos | None = None
    secret: bool = False

    def __str__(self) -> str:
        return self.source


class Omit(enum.Enum):
    """The value of `omit`: whatever it is the value of is left out of its mapping or list."""

    OMIT = "omit"

    def __str__(self) -> str:
        return "<<Omit>>"

    def __repr__(self) -> str:
        return "omit"


OMIT = Omit.OMIT


def to_nodes(value: object, where: SourcePos | None) -> object:
    """Copy a YAML value with its templates turned into nodes; a value without any is returned as it is."""
    if isinstance(value, str):
        return Template(source=value, where=where) if MARKERS.search(value) else value
    if isinstance(value, dict):
        made = {key: to_nodes(item, where) for key, item in value.items()}
        return made if any(made[key] is not value[key] for key in made) else value
    if isinstance(value, list):
        items = [to_nodes(item, where) for item in value]
        return items if any(new is not old for new, old in zip(items, value, strict=True)) else value
    return value


def templates_in(value: object) -> Iterator[Template]:
    """Every template inside a value, in the order of writing."""
    if isinstance(value, Template):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from templates_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from templates_in(item)


_LEAVES = frozenset({str, int, float, bool, type(None)})


def holds_template(value: object) -> bool:
    """Whether a template, or an encrypted value, is anywhere inside: something that is worked out when it is used.
    Quick: facts of a host are asked this at every use."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        kind = type(item)
        if kind in _LEAVES:
            continue
        if kind is Template or kind is Vaulted:
            return True
        if isinstance(item, dict):
            waiting += [part for part in item.values() if type(part) not in _LEAVES]
        elif isinstance(item, list | tuple):
            waiting += [part for part in item if type(part) not in _LEAVES]
    return False
