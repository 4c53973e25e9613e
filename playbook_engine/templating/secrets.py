"""What is made of a secret is one: taking `Secret`s out of values before a filter sees them, and marking its result."""

from __future__ import annotations

from collections.abc import Iterator

from playbook_engine.model.secret import Secret

_LEAVES = frozenset({str, int, float, bool, type(None)})


def secrets_in(value: object) -> Iterator[str]:
    """The text of every secret inside a value. Quick where there is none: facts of hosts are asked this."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, Secret):
            yield item.reveal()
        elif isinstance(item, dict):
            waiting += [part for part in item.values() if type(part) not in _LEAVES]
        elif isinstance(item, list | tuple):
            waiting += [part for part in item if type(part) not in _LEAVES]


def holds_secret(value: object) -> bool:
    return next(secrets_in(value), None) is not None


def revealed(value: object) -> object:
    """The value with the texts themselves in the place of its secrets."""
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, dict):  # no context of Jinja's, which is a mapping too
        return {revealed(key): revealed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [revealed(item) for item in value]
    if isinstance(value, tuple):
        return tuple(revealed(item) for item in value)
    return value


def marked(value: object, texts: frozenset[str] | None = None) -> object:
    """A result with secrets where text is: all of it, or what has one of these texts in it. Keys stay as they are."""
    if isinstance(value, str):
        return Secret(value) if texts is None or any(text and text in value for text in texts) else value
    if isinstance(value, dict):
        return {key: marked(item, texts) for key, item in value.items()}
    if isinstance(value, list):
        return [marked(item, texts) for item in value]
    if isinstance(value, tuple):
        return tuple(marked(item, texts) for item in value)
    return value


class Method:
    """A method of a secret text, such as `split`: what it gives is as secret as the text."""

    __slots__ = ("__name__", "__self__", "_bound")

    def __init__(self, bound: object) -> None:
        self._bound = bound
        self.__self__ = bound.__self__  # type: ignore[attr-defined]
        self.__name__ = bound.__name__  # type: ignore[attr-defined]

    def __call__(self, *args: object, **kwargs: object) -> object:
        named = {key: revealed(value) for key, value in kwargs.items()}
        return marked(self._bound(*(revealed(arg) for arg in args), **named))  # type: ignore[operator]
