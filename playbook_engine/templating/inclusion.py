"""Template files that take in others: `include`, `import` and `extends`."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from jinja2 import BaseLoader, TemplateNotFound
from jinja2.environment import Environment
from jinja2.utils import missing

from playbook_engine.templating.sandbox import NameSource, Sandbox, ScopeContext

REFERS = re.compile(r"\b(include|import|extends)\b")
"""What a text has that takes in another; one that has it by chance loses nothing."""

Read = Callable[[str], str | None]
"""The text of the template of a name, as it stands in the one that wants it; None when there is none."""


class _Beside(BaseLoader):
    def __init__(self, read: Read) -> None:
        self._read = read

    def get_source(self, environment: Environment, template: str) -> tuple[str, str | None, Callable[[], bool] | None]:
        text = None if ".." in template.split("/") else self._read(template)
        if text is None:
            raise TemplateNotFound(template, f"there is no template {template!r} to take in")
        return text, template, None


class IncludedContext(ScopeContext):
    """Of a template that is taken in: what the one around it has set comes before the names that all have."""

    def resolve_or_missing(self, key: str) -> Any:
        if key not in self.vars and key in self.parent:
            value = self.parent[key]
            if value is not self.environment.globals.get(key, missing):
                return value
        return super().resolve_or_missing(key)


def including(env: Sandbox, read: Read, scope: NameSource) -> Sandbox:
    """The same environment for one rendering: it finds other templates, which see the same names. What it has read is
    not kept, for the same name is another file beside another template."""
    made = env.overlay(loader=_Beside(read), cache_size=0)
    assert isinstance(made, Sandbox)

    class Seeing(IncludedContext):
        names = scope

    made.context_class = Seeing
    return made
