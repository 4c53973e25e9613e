"""Methods that change a list or mapping (`found.append(x)`): they work on what a template has made or has a copy of.

Values are shared by the templates of a run and by its hosts. A template that names such a method is therefore given
copies of every variable that it asks for, which are its own; any other is refused the methods. Ansible gives each
template copies, too: what a template changes is changed for the rest of it, and for nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

from jinja2 import nodes
from jinja2.exceptions import SecurityError

from playbook_engine.templating import limits

METHODS: Mapping[type, frozenset[str]] = {
    list: frozenset({"append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort"}),
    dict: frozenset({"clear", "pop", "popitem", "setdefault", "update"}),
}
NAMES = frozenset().union(*METHODS.values())

_own: ContextVar[bool] = ContextVar("own", default=False)


def in_tree(tree: nodes.Template) -> bool:
    """Whether a template names such a method."""
    return (
        any(node.attr in NAMES for node in tree.find_all(nodes.Getattr))
        or any(_is_name(node.arg) for node in tree.find_all(nodes.Getitem))
        or any(node.name == "attr" and any(map(_is_name, node.args)) for node in tree.find_all(nodes.Filter))
    )


def _is_name(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Const) and isinstance(node.value, str) and node.value in NAMES


@contextmanager
def owning(own: bool) -> Iterator[None]:
    """Whether the template that runs now is given copies."""
    token = _own.set(own)
    try:
        yield
    finally:
        _own.reset(token)


def owned() -> bool:
    return _own.get()


def allowed(value: object, method: str) -> bool:
    return _own.get() and method in METHODS.get(type(value), ())


def copied(value: object) -> object:
    """The lists and mappings of a value made anew; each is charged."""
    if isinstance(value, dict):
        limits.budget().spend(len(value))
        return {key: copied(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        limits.budget().spend(len(value))
        items = [copied(item) for item in value]
        return items if isinstance(value, list) else tuple(items)
    return value


def checked(call: Callable[..., object], args: tuple[object, ...], kwargs: Mapping[str, object]) -> tuple[object, ...]:
    """The arguments for such a method. Raises SecurityError for more than a rendering may make, and for a value that
    would be put into itself."""
    owner = getattr(call, "__self__", None)
    if type(owner) not in METHODS or getattr(call, "__name__", "") not in NAMES:
        return args
    assert isinstance(owner, list | dict)
    if call.__name__ == "extend" and args:
        args = (limits.listed(args[0]), *args[1:])  # type: ignore[arg-type]
    if args or kwargs:
        added = sum(len(arg) for arg in args if isinstance(arg, list | dict)) + len(kwargs)
        limits.check_size(len(owner) + added)
        limits.budget().spend(added)
        if _holds(owner, [*args, *kwargs.values()]):
            raise SecurityError("a value cannot be put into itself")
    return args


def _holds(owner: object, values: list[object]) -> bool:
    seen: set[int] = set()
    waiting = values
    while waiting:
        value = waiting.pop()
        if value is owner:
            return True
        if isinstance(value, dict | list | tuple) and id(value) not in seen:
            seen.add(id(value))
            limits.budget().spend(len(value))
            waiting += value.values() if isinstance(value, dict) else value
    return False
