"""The variables of one rendering: resolved on use, each once, cycles found."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Mapping

from jinja2.runtime import Undefined
from jinja2.utils import missing

from playbook_engine.model.errors import TemplateError, VaultError
from playbook_engine.model.secret import Secret
from playbook_engine.model.vaulted import Vaulted
from playbook_engine.templating import mutation
from playbook_engine.templating.node import OMIT, Omit, Template, holds_template
from playbook_engine.templating.sandbox import Locked, Missing, UndefinedName, is_lazy

MAX_DEPTH = 60
"""How many variables may refer to one another in a chain."""

Run = Callable[[Template, "Scope"], object]
Unlock = Callable[[Vaulted], Secret]


class Scope:
    """Gives a template its names.

    A variable whose value was written by the author may hold templates; they are run when the variable is used,
    in this same scope. Everything else is handed over as it is. A variable that needs something undefined is
    itself undefined, so that `default` applies to it, as in Ansible. An encrypted value is opened when it is used; one
    that does not open is an error then, and none for the values beside it.
    """

    __slots__ = ("_active", "_copies", "_known", "_run", "_unlock", "variables")

    def __init__(self, variables: Mapping[str, object], run: Run, unlock: Unlock, *, copies: bool = False) -> None:
        self.variables = variables
        self._run = run
        self._unlock = unlock
        self._known: dict[str, object] = {}
        self._copies = copies
        self._active: list[str] = []

    def lookup(self, name: str) -> object:
        """The value of a name, or Jinja's `missing`."""
        if name in self._known:
            return self._known[name]
        try:
            value = self.variables[name]
        except KeyError:
            return LazyVariables(self) if name == "vars" else missing
        if holds_template(value):
            value = self._resolve(name, value)
        if self._copies:
            value = mutation.copied(value)
        self._known[name] = value
        return value

    def apart(self) -> Scope:
        """The same names for a template that changes things in place: it gets copies, which no other one sees."""
        return Scope(self.variables, self._run, self._unlock, copies=True)

    def _resolve(self, name: str, value: object) -> object:
        if name in self._active:
            chain = " -> ".join([*self._active[self._active.index(name) :], name])
            where = next((t.where for t in (value,) if isinstance(t, Template)), None)
            raise TemplateError(
                f"variable {name!r} refers to itself: {chain}",
                advice="break the circle: give one of them a value of its own",
                where=where,
            )
        if len(self._active) >= MAX_DEPTH:
            raise TemplateError(f"variables refer to one another more than {MAX_DEPTH} deep, at {name!r}")
        self._active.append(name)
        try:
            return self.open(value, name)
        finally:
            self._active.pop()

    def open(self, value: object, name: str | None = None) -> object:
        """A value with its templates run; what is undefined stays an undefined object until it is used."""
        if isinstance(value, Template):
            try:
                return self._run(value, self)
            except UndefinedName as exc:
                place = f" ({value.where})" if value.where else ""
                label = f"{name!r}{place} needs something undefined: " if name else ""
                return Missing(hint=f"{label}{exc.message}", name=name)
        if isinstance(value, Vaulted):
            try:
                return self._unlock(value)
            except VaultError as error:
                about = f"variable {name!r}: " if name else ""
                return Locked(VaultError(f"{about}{error.message}", advice=error.advice, where=error.where))
        if not holds_template(value):
            return value
        if isinstance(value, Mapping):
            opened = {key: self.open(item, name) for key, item in value.items()}
            return {key: item for key, item in opened.items() if item is not OMIT}
        assert isinstance(value, list | tuple)
        return [item for item in (self.open(item, name) for item in value) if item is not OMIT]


class LazyVariables(Mapping[str, object]):
    """The variables of a scope as a mapping that resolves what is asked for: `vars`, `hostvars[name]`."""

    __slots__ = ("_scope",)

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __getitem__(self, key: str) -> object:
        value = self._scope.lookup(key)
        if value is missing:
            raise KeyError(key)
        return mutation.copied(value) if mutation.owned() else value

    def __iter__(self) -> Iterator[str]:
        return iter(self._scope.variables)

    def __len__(self) -> int:
        return len(self._scope.variables)

    def __contains__(self, key: object) -> bool:
        return key in self._scope.variables


def finished(value: object) -> object:
    """A result made of plain values only: iterators and tuples as lists, dates as ISO 8601 text, bytes as text.

    Raises `UndefinedName` when something undefined is left anywhere inside, TypeError for what is no value at all.
    """
    kind = type(value)
    if kind is str or kind is int or kind is bool or value is None:
        return value
    if isinstance(value, Undefined):
        str(value)
        # An `if` without `else` is empty text among other text, as in Ansible, and no value by itself.
        raise TypeError("an `if` without `else` gives no value: say what it is otherwise, such as `else ''`")
    if isinstance(value, Mapping):
        return {finished(key): finished(item) for key, item in value.items() if item is not OMIT}
    if isinstance(value, list | tuple | set | frozenset) or is_lazy(value):
        return [finished(item) for item in value if item is not OMIT]
    if isinstance(value, str | int | float | Secret | Omit):
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, range):
        raise TypeError("a range is no value yet: write `range(...) | list`")
    raise TypeError(f"a {kind.__name__} is no value that a step can be given")
