"""The words for what went wrong in a template: what, where, and what to do about it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from jinja2 import TemplateSyntaxError
from jinja2.exceptions import SecurityError, TemplateRuntimeError

from playbook_engine.model.errors import TemplateError
from playbook_engine.model.source import SourcePos
from playbook_engine.templating.limits import LimitExceeded


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """`did you mean 'web1'?`, or None when nothing is close."""
    close = difflib.get_close_matches(name, [k for k in known if " " not in k], n=2, cutoff=0.65)
    return f"did you mean {' or '.join(map(repr, close))}?" if close else None


def shown(value: object) -> str:
    text = repr(value)
    return f"{text if len(text) <= 80 else text[:77] + '...'} ({type(value).__name__})"


def to_condition(expr: str, value: object) -> str:
    """How to make a condition of an expression that gives no boolean."""
    if isinstance(value, str):
        return f"compare it (`{expr} == 'yes'`), or convert it: `{expr} | bool`"
    if isinstance(value, list | dict):
        return f"say what about it: `{expr} | length > 0`"
    if value is None:
        return f"say what about it: `{expr} is not none`"
    return f"compare it: `{expr} != 0`, or convert it: `{expr} | bool`"


def syntax_error(exc: TemplateSyntaxError, source: str, where: SourcePos | None) -> TemplateError:
    message = exc.message or "syntax error"
    advice = None
    if "'='" in message:
        advice = "comparing is `==`; a single `=` is not allowed in an expression"
    elif "expected" in message:
        advice = "look for a missing operator, quote, bracket or brace"
    line = f" (line {exc.lineno} of it)" if "\n" in source.strip() else ""
    first = source.strip().splitlines()[0] if source.strip() else ""
    return TemplateError(f"`{first}` does not compile{line}: {message}", advice=advice, where=where)


def runtime_error(exc: Exception, source: str, where: SourcePos | None) -> TemplateError:
    first = source.strip().splitlines()[0]
    first = first if len(first) <= 100 else first[:97] + "..."
    if isinstance(exc, LimitExceeded):
        return TemplateError(f"`{first}`: {exc.message}", where=where)
    if isinstance(exc, SecurityError | TemplateRuntimeError):
        changing = "append" in str(exc.message) or "update" in str(exc.message)
        advice = "make a new value instead: `l + [x]`, `d | combine({'k': x})`" if changing else None
        return TemplateError(f"`{first}` failed: {exc.message}", advice=advice, where=where)
    if isinstance(exc, RecursionError):
        return TemplateError(f"`{first}` goes round in circles", where=where)
    reason = str(exc) or type(exc).__name__
    if isinstance(exc, KeyError):
        reason = f"no such key: {reason}"
    return TemplateError(f"`{first}` failed: {reason}", where=where)
