"""The Jinja environment: sandboxed, strict about the undefined, keeping values as they are.

Differences from a plain `ImmutableSandboxedEnvironment`:

- An output keeps its type: a template that puts out one value gives that value, anything more gives text.
  Nothing is ever parsed out of text (Jinja's own NativeEnvironment turns a host's text `[1, 2]` into a list).
- Names are looked up one by one in a `Scope`, so the variables of a host are resolved only where they are used.
- An undefined value may be dug into (`a.b.c | default('x')`), and fails by every other use.
- What could cost much memory or time is charged to a budget (`limits`).
- A secret stays one: text made of it is a `Secret` again.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from typing import Any, Protocol

from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.exceptions import SecurityError, UndefinedError
from jinja2.runtime import Context, StrictUndefined, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment, SandboxedFormatter
from jinja2.utils import missing

from playbook_engine.model.secret import Secret
from playbook_engine.templating import limits


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

    def fail(self) -> None:
        """Raise the `UndefinedName` that any use of it would raise."""
        self._fail_with_undefined_error()


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

    def write_commons(self) -> None:
        super().write_commons()
        # `a if b` without an else would otherwise give the lax Undefined, which is silently false.
        self.writeline("cond_expr_undefined = undefined")

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
    """The value of a template out of what it put out: the one value, or the text of all of them."""
    values = list(parts)
    if not values:
        return ""
    if len(values) == 1:
        return values[0]
    return text_of(values)


def text_of(values: Iterable[object]) -> str | Secret:
    secret = False
    texts: list[str] = []
    for value in values:
        if isinstance(value, Secret):
            secret = True
            texts.append(value.reveal())
        else:
            texts.append(value if isinstance(value, str) else str(plain(value)))
    limits.budget().make(sum(map(len, texts)))
    text = "".join(texts)
    return Secret(text) if secret else text


def plain(value: object) -> object:
    """A value that prints as its author expects: iterators and views as lists, lazy mappings as dicts."""
    if isinstance(value, str | int | float | dict | list | tuple | Undefined) or value is None:
        return value
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Iterator) or type(value).__name__ in ("dict_keys", "dict_values", "dict_items"):
        return list(limits.budget().counted(value))  # type: ignore[arg-type]
    return value


class Sandbox(ImmutableSandboxedEnvironment):
    """See the module."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})
    code_generator_class = ObjectCodeGenerator
    context_class = ScopeContext
    concat = staticmethod(joined)  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__(
            undefined=Missing,
            trim_blocks=True,
            keep_trailing_newline=True,
            optimized=False,
            cache_size=0,
            extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"],
        )
        self.globals.pop("lipsum", None)
        self.filters["counted loop"] = _counted

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
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
        limits.budget().spend(5)  # macros and recursive loops multiply by calling; a call costs more than a loop
        owner = getattr(obj, "__self__", None)
        if owner is not None and owner is not self:
            args = limits.check_method(owner, getattr(obj, "__name__", ""), args)
        return super().call(context, obj, *args, **kwargs)

    def wrap_str_format(self, value: Any) -> Any:
        wrapped = super().wrap_str_format(value)
        if wrapped is None:
            return None
        text = value.__self__
        formatter = SafeFormatter(self)

        def format_safely(*args: Any, **kwargs: Any) -> str:
            if value.__name__ == "format_map":
                made = formatter.vformat(text, (), *args, **kwargs)
            else:
                made = formatter.vformat(text, args, kwargs)
            limits.budget().make(len(made))
            return made

        return format_safely

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        if isinstance(obj, Secret):
            return False
        return super().is_safe_attribute(obj, attr, value)

    def unsafe_undefined(self, obj: Any, attribute: str) -> Undefined:
        raise SecurityError(f"access to {attribute!r} of a {type(obj).__name__} is not allowed in a template")


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


def guarded(function: Callable[..., object], *, sees_undefined: bool = False) -> Callable[..., object]:
    """Wrap a filter or test: undefined arguments fail, secrets stay secret, results are charged."""

    @functools.wraps(function)
    def call(*args: object, **kwargs: object) -> object:
        secret = False
        for arg in args:
            if isinstance(arg, Missing) and not sees_undefined:
                arg.fail()
            secret = secret or isinstance(arg, Secret)
        if secret:
            args = tuple(map(_revealed, args))
        result = function(*args, **kwargs)
        if isinstance(result, str):
            limits.budget().make(len(result))
            return Secret(result) if secret else result
        if isinstance(result, Iterator):
            return limits.budget().counted(result)
        return result

    return call
