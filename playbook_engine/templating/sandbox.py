"""The Jinja environment: sandboxed, strict about the undefined, keeping values as they are.

Differences from a plain `SandboxedEnvironment`:

- An output keeps its type: a template that puts out one value gives that value, anything more gives text.
  Nothing is ever parsed out of text (Jinja's own NativeEnvironment turns a host's text `[1, 2]` into a list).
- Names are looked up one by one in a `Scope`, so the variables of a host are resolved only where they are used.
- An undefined value may be dug into (`a.b.c | default('x')`), and fails by every other use.
- What could cost much memory or time is charged to a budget (`limits`).
- A secret stays one: text made of it is a `Secret` again.
- Lists and mappings may be changed in place (`x.append(1)`): a template that does gets copies of those of variables.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, ItemsView, Iterable, Iterator, KeysView, Mapping, Sized, ValuesView
from typing import TYPE_CHECKING, Any, Protocol

from jinja2 import DictLoader, nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.exceptions import UndefinedError
from jinja2.lexer import TOKEN_STRING, TOKEN_VARIABLE_BEGIN, TOKEN_VARIABLE_END, Lexer, Token
from jinja2.runtime import Context, StrictUndefined, Undefined
from jinja2.sandbox import SandboxedEnvironment, SandboxedFormatter, modifies_known_mutable
from jinja2.utils import missing

from playbook_engine.model.secret import Secret
from playbook_engine.templating import embedded, limits, mutation
from playbook_engine.templating.node import OMIT
from playbook_engine.templating.secrets import Method, holds_secret, marked, revealed, secrets_in

if TYPE_CHECKING:
    from typing_extensions import TypeIs


class NameSource(Protocol):
    """Where a template's free names come from."""

    def lookup(self, name: str) -> object: ...


class UndefinedName(UndefinedError):
    """A name, key or attribute that is not there; `scope_name` is set for a free name only."""

    def __init__(self, message: str, *, name: object, free: bool) -> None:
        super().__init__(message)
        self.name = name
        self.free = free


class Missing(StrictUndefined):
    """Undefined, as Ansible has it: `default` and `is defined` may see it, digging deeper stays undefined."""

    __slots__ = ()

    def __init__(
        self, hint: str | None = None, obj: object = missing, name: str | None = None, exc: object = UndefinedError
    ) -> None:
        free = obj is missing
        super().__init__(
            hint,
            obj,
            name,
            functools.partial(UndefinedName, name=name, free=free),  # type: ignore[arg-type]
        )

    def __getattr__(self, name: str) -> Any:
        if name[:2] == "__":
            raise AttributeError(name)
        return self

    def __getitem__(self, key: object) -> Any:
        return self

    def __call__(self, *args: object, **kwargs: object) -> Any:
        return self

    def fail(self) -> None:
        """Raise the `UndefinedName` that any use of it would raise."""
        self._fail_with_undefined_error()


class Locked(Missing):
    """An encrypted value that no password opens. Every use says so, `default` and `is defined` too: it is there."""

    __slots__ = ("error",)

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error
        self._undefined_exception = lambda message: error  # type: ignore[assignment]


class ScopeContext(Context):
    """A Jinja context whose names come from a `NameSource`, one at a time."""

    names: NameSource

    def resolve_or_missing(self, key: str) -> Any:
        if key in self.vars:
            return self.vars[key]
        value = self.names.lookup(key)
        if value is missing:
            return self.environment.globals.get(key, missing)
        return value


class ObjectCodeGenerator(CodeGenerator):
    """Compiles an output to the value itself where Jinja compiles it to `str(value)`."""

    def _output_child_to_const(self, node: nodes.Expr, frame: Frame, finalize: Any) -> str:
        if isinstance(node, nodes.TemplateData):
            return str(node.as_const(frame.eval_ctx))
        raise nodes.Impossible

    def _output_child_pre(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        pass

    def _output_child_post(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        pass

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:  # noqa: N802 - Jinja's visitor
        self.write("environment.tilde((")
        for arg in node.nodes:
            self.visit(arg, frame)
            self.write(", ")
        self.write("))")


class SafeFormatter(SandboxedFormatter):
    def format_field(self, value: object, format_spec: str) -> Any:
        limits.check_format_spec(format_spec)
        return super().format_field(value, format_spec)


def joined(parts: Iterable[object]) -> object:
    """The value of a template out of what it put out: the one value, or the text of all of them. `none` among them is
    nothing, and so is `omit` in a text; where nothing else is left, it is none."""
    values = [value for value in parts if value is not None]
    if len(values) > 1:
        return text_of("" if value is OMIT else value for value in values)
    return values[0] if values else None


def text_of(values: Iterable[object]) -> str | Secret:
    secret = False
    texts: list[str] = []
    for value in values:
        if isinstance(value, Secret):
            secret = True
            texts.append(value.reveal())
        elif isinstance(value, str):
            texts.append(value)
        else:
            told = shown(value)
            if holds_secret(told):
                secret, told = True, revealed(told)
            texts.append(str(told))
    limits.budget().make(sum(map(len, texts)))
    text = "".join(texts)
    return Secret(text) if secret else text


def shown(value: object) -> object:
    """A value as it is put into text: tuples, views and iterators look like lists, at any depth."""
    if isinstance(value, Undefined):
        str(value)
    if isinstance(value, Mapping):
        return {key: shown(item) for key, item in value.items()}
    if isinstance(value, list | tuple) or is_lazy(value):
        return [shown(item) for item in value]
    return value


def is_lazy(value: object) -> TypeIs[Iterable[Any]]:
    """Whether a value is an iterator or a view of a mapping: something that is a list once it is looked at."""
    return isinstance(value, Iterator | KeysView | ValuesView | ItemsView)


class AnsibleLexer(Lexer):
    """Inside {{ }} a backslash in a string is a backslash: `'\\d+'` is the expression `\\d+`, as in Ansible."""

    def wrap(
        self, stream: Iterable[tuple[int, str, str]], name: str | None = None, filename: str | None = None
    ) -> Iterator[Token]:
        return super().wrap(self._doubled(stream), name, filename)

    @staticmethod
    def _doubled(stream: Iterable[tuple[int, str, str]]) -> Iterator[tuple[int, str, str]]:
        inside = False
        for line, kind, text in stream:
            if kind in (TOKEN_VARIABLE_BEGIN, TOKEN_VARIABLE_END):
                inside = kind == TOKEN_VARIABLE_BEGIN
            yield line, kind, text.replace("\\", "\\\\") if inside and kind == TOKEN_STRING else text


class Sandbox(SandboxedEnvironment):
    """See the module."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})
    code_generator_class = ObjectCodeGenerator
    context_class = ScopeContext
    concat = staticmethod(joined)  # type: ignore[assignment]

    def __init__(self, *, plain_backslashes: bool, trim_blocks: bool = True, **syntax: Any) -> None:
        super().__init__(
            undefined=Missing,
            loader=DictLoader({}),
            trim_blocks=trim_blocks,
            **syntax,
            optimized=False,
            cache_size=0,
        )
        self._lexer = (AnsibleLexer if plain_backslashes else Lexer)(self)
        self.globals.pop("lipsum", None)
        self.filters["counted loop"] = _counted

    @property
    def lexer(self) -> Lexer:
        return self._lexer

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        embedded.in_lookups(self, tree)
        count_loops(tree)
        return tree

    def tilde(self, values: tuple[object, ...]) -> object:
        """The `~` operator."""
        for value in values:
            if isinstance(value, Missing):
                value.fail()
        return text_of(values)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        secret = isinstance(left, Secret) or isinstance(right, Secret)
        if operator == "%" and isinstance(left, str | Secret):
            secret = secret or holds_secret(right)  # "%s:%s" % (user, password)
            right = revealed(right)
        if secret:
            left, right = _revealed(left), _revealed(right)
        if operator == "*":
            limits.multiply(left, right)
        elif operator == "**":
            limits.power(left, right)
        elif operator == "+":
            limits.add(left, right)
        elif isinstance(left, str):
            limits.check_percent(left, right)
        result = super().call_binop(context, operator, left, right)
        return Secret(result) if secret and isinstance(result, str) else result

    def call(self, context: Context, obj: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(obj, Missing):
            return obj
        limits.budget().spend(5)  # macros and recursive loops multiply by calling; a call costs more than a loop
        owner = getattr(obj, "__self__", None)
        if owner is not None and owner is not self:
            args = mutation.checked(obj, args, kwargs)
            args = limits.check_method(owner, getattr(obj, "__name__", ""), args)
            if isinstance(owner, str) and not isinstance(obj, Method) and holds_secret([args, kwargs]):
                obj = Method(obj)  # `", ".join(passwords)`
        result = super().call(context, obj, *args, **kwargs)
        if isinstance(result, KeysView | ValuesView | ItemsView):
            return limits.listed(result)
        return result

    def wrap_str_format(self, value: Any) -> Any:
        wrapped = super().wrap_str_format(value)
        if wrapped is None:
            return None
        text = value.__self__
        formatter = SafeFormatter(self)

        def format_safely(*args: Any, **kwargs: Any) -> str | Secret:
            secret = holds_secret([args, kwargs])
            args, kwargs = revealed(args), revealed(kwargs)  # type: ignore[assignment]
            if value.__name__ == "format_map":
                made = formatter.vformat(text, (), *args, **kwargs)
            else:
                made = formatter.vformat(text, args, kwargs)
            limits.budget().make(len(made))
            return Secret(made) if secret else made

        return format_safely

    def getattr(self, obj: Any, attribute: str) -> Any:
        return self._of_secret(obj, attribute) if isinstance(obj, Secret) else super().getattr(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if not isinstance(obj, Secret):
            return super().getitem(obj, argument)
        if isinstance(argument, str):
            return self._of_secret(obj, argument)
        return marked(super().getitem(obj.reveal(), argument))

    def _of_secret(self, obj: Secret, name: str) -> Any:
        """A method of the text: `password.split(":")`."""
        found = super().getattr(obj.reveal(), name)
        if isinstance(found, Undefined):
            return found
        if getattr(found, "__self__", None) is None:  # `format`, which is guarded in a way of its own
            return lambda *args, **kwargs: marked(found(*args, **kwargs))
        return Method(found)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        if isinstance(obj, Secret):
            return False
        if modifies_known_mutable(obj, attr):
            return mutation.allowed(obj, attr)
        return super().is_safe_attribute(obj, attr, value)

    def unsafe_undefined(self, obj: Any, attribute: str) -> Undefined:
        return Missing(
            f"access to {attribute!r} of a {type(obj).__name__} is not allowed in a template", obj, attribute
        )


def count_loops(tree: nodes.Template) -> None:
    """Let every `for` draw its iterations from the budget."""
    for loop in tree.find_all(nodes.For):
        loop.iter = nodes.Filter(loop.iter, "counted loop", [], [], None, None, lineno=loop.lineno)


def _counted(items: object) -> object:
    if isinstance(items, Missing):
        items.fail()
    if isinstance(items, Secret) or not isinstance(items, Iterable):
        raise TypeError(f"a {type(items).__name__} cannot be looped over")
    budget = limits.budget()
    if isinstance(items, Sized):
        budget.spend(len(items))
        return items
    return budget.counted(items)


def _revealed(value: object) -> object:
    return value.reveal() if isinstance(value, Secret) else value


PASSES_ON = frozenset({"map", "select", "reject", "selectattr", "rejectattr"})
"""Filters that hand each item to another filter or test, which looks after its secrets itself."""


def guarded(
    function: Callable[..., object], *, sees_undefined: bool = False, passes_on: bool = False
) -> Callable[..., object]:
    """Wrap a filter: what is given something undefined is undefined, secrets stay secret, results are charged."""

    @functools.wraps(function)
    def call(*args: object, **kwargs: object) -> object:
        for arg in args:
            if isinstance(arg, Missing) and (not sees_undefined or isinstance(arg, Locked)):
                return arg
        texts = frozenset(secrets_in([*args, *kwargs.values()]))
        if not texts or (passes_on and not any(isinstance(arg, Secret) for arg in args)):
            return _charged(function(*args, **kwargs))
        whole = any(isinstance(arg, Secret) for arg in args)
        named = {key: revealed(value) for key, value in kwargs.items()}
        result = _charged(function(*(revealed(arg) for arg in args), **named))
        # Text that secrets went into is one; of a structure only what has one in it, unless all of it was made of one.
        return marked(result, None if whole or isinstance(result, str) else texts)

    return call


def _charged(result: object) -> object:
    if isinstance(result, str):
        limits.budget().make(len(result))
        return result
    return limits.listed(result) if is_lazy(result) else result


def guarded_test(
    function: Callable[..., object], *, sees_undefined: bool = False, sees_secrets: bool = False
) -> Callable[..., object]:
    """Wrap a test: undefined arguments fail, secrets are looked at, unless the test asks whether they are."""

    @functools.wraps(function)
    def call(*args: object, **kwargs: object) -> object:
        if sees_secrets:
            return function(*args, **kwargs)
        for arg in args:
            if isinstance(arg, Missing) and (not sees_undefined or isinstance(arg, Locked)):
                arg.fail()
        return function(*map(revealed, args), **kwargs)

    return call
