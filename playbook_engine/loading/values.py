"""The values of a runbook file: texts with their templates compiled, conditions, and the names of variables."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from jinja2 import TemplateSyntaxError

from playbook_engine.loading.parameters import why_no_name
from playbook_engine.loading.problems import Problems
from playbook_engine.loading.yaml_source import Document, Unsafe, Where
from playbook_engine.model.errors import TemplateError
from playbook_engine.templating.environment import Templar

JARGON = (
    (r"'?begin of print statement'?", "{{"), (r"'?end of print statement'?", "}}"),
    (r"'?begin of statement block'?", "{%"), (r"'?end of statement block'?", "%}"),
    (r" Jinja was looking for the following tags: ", " Expected: "),
)  # fmt: skip
"""What Jinja calls the braces, and what they are."""


WHOLE = re.compile(r"\{\{((?!\}\}|\{\{).)*\}\}", re.DOTALL)


class ValueReader:
    """For one file."""

    def __init__(self, document: Document, problems: Problems, templar: Templar, *, foreign: bool = False) -> None:
        """`foreign`: of a playbook, in which a condition may be one pair of braces."""
        self._foreign = foreign
        self._document = document
        self._problems = problems
        self._templar = templar

    def value(self, value: object, path: Where) -> object:
        """A value with its templates compiled, each with its own place."""
        if isinstance(value, Unsafe):
            return str(value)
        if isinstance(value, str):
            try:
                return self._templar.compile_value(value, self._document.at(path))
            except TemplateError as error:
                # A mistake in a text of several lines is shown in the line where it is, not where the text begins.
                line = getattr(error.__context__, "lineno", 1)
                where = self._document.inside(path, line) or error.where
                message, advice = _why(error)
                what = "the template does not compile"
                self._problems.add_error(TemplateError(f"{what}: {message}", advice=advice, where=where))
                return value
        if isinstance(value, Mapping):
            return {k: self.value(v, (*path, k)) for k, v in value.items()}
        if isinstance(value, list):
            return [self.value(v, (*path, n)) for n, v in enumerate(value)]
        return value

    def mapping(self, value: Mapping[str, object], path: Where) -> dict[str, object]:
        made = self.value(dict(value), path)
        assert isinstance(made, dict)
        return made

    def variables(self, value: Mapping[str, object], path: Where) -> dict[str, object]:
        """The same for `vars`: what stands to the left is a name that templates can use."""
        for name in value:
            self.name(name, (*path, name), key=True)
        return self.mapping(value, path)

    def conditions(self, conditions: Sequence[str], path: Where) -> tuple[str, ...]:
        """Bare expressions: each compiles, and none has braces."""
        for n, text in enumerate(conditions):
            place = (*path, n) if (*path, n) in self._document.values else path
            if ("{{" in text or "{%" in text) and not (self._foreign and WHOLE.fullmatch(text.strip())):
                bare = re.sub(r"\{\{\s*(.*?)\s*\}\}", r"\1", text)
                self._problems.add(
                    place, "a condition is a bare expression, and this one has braces",
                    f"write: {' '.join(bare.split())}" if "{%" not in text else "write it without {% %}",
                    code="bad-template",
                )  # fmt: skip
                continue
            try:
                self._templar.undeclared(text)
            except RecursionError:
                self._problems.add(place, "the condition is nested too deeply", code="bad-template")
            except TemplateError as error:
                message, advice = _why(error)
                if re.search(r"&&|\|\||!(?!=)", text):
                    advice = "the words are and, or, not"
                shown = " ".join(text.split())
                shown = shown if len(shown) <= 200 else f"{shown[:199]}…"
                self._problems.add(
                    place, f"the condition `{shown}` does not compile: {message}", advice, code="bad-template"
                )
        return tuple(conditions)

    def optional(self, value: Sequence[str] | None, path: Where) -> tuple[str, ...] | None:
        return None if value is None else self.conditions(value, path)

    def name(self, name: str | None, path: Where, *, key: bool = False) -> str | None:
        """The name of a variable that comes to be."""
        why = why_no_name(name) if name is not None else None
        if why:
            self._problems.add(path, why, key=key)
        return name


def _why(error: TemplateError) -> tuple[str, str | None]:
    """Why a template does not compile, and what to do about it."""
    cause = error.__context__
    message = str(cause.message) if isinstance(cause, TemplateSyntaxError) else error.message
    advice = error.advice
    hint = re.search(r" \((did you mean .*)\)$", message)
    if hint:
        message, advice = message[: hint.start()], hint[1]
    for pattern, plain in JARGON:
        message = re.sub(pattern, plain, message)
    return message.rstrip("."), advice
