"""Text with `{{ }}` inside an expression, as in `that: "'{{ a }}' == b"`: old spelling for `a ~ ''`.

Ansible takes such text for a template in conditions and in the terms of lookups. Here it becomes part of the expression
when that is compiled: it was written there by the author, and nothing that comes later is ever looked at for braces.
"""

from __future__ import annotations

from typing import Any

from jinja2 import nodes
from jinja2.environment import Environment
from jinja2.exceptions import TemplateSyntaxError
from jinja2.visitor import NodeTransformer

LOOKUPS = frozenset({"lookup", "query", "q"})


class _Texts(NodeTransformer):
    def __init__(self, env: Environment) -> None:
        self._env = env

    def visit_Const(self, node: nodes.Const, *args: Any, **kwargs: Any) -> nodes.Expr:  # noqa: N802 - Jinja's visitor
        return _parsed(self._env, node) if isinstance(node.value, str) and "{{" in node.value else node


def in_condition(env: Environment, tree: nodes.Template) -> None:
    """Put what they stand for in the place of all such texts. Raises TemplateSyntaxError."""
    _Texts(env).visit(tree)


def in_lookups(env: Environment, tree: nodes.Template) -> None:
    """The same for the terms of lookups."""
    for call in tree.find_all(nodes.Call):
        if isinstance(call.node, nodes.Name) and call.node.name in LOOKUPS:
            call.args = [_Texts(env).visit(arg) for arg in call.args]


def _parsed(env: Environment, text: nodes.Const) -> nodes.Expr:
    parts: list[nodes.Expr] = []
    for statement in env.parse(text.value).body:
        if not isinstance(statement, nodes.Output):
            raise TemplateSyntaxError("a text in an expression may have {{ }} in it, and no statements", text.lineno)
        parts += [
            nodes.Const(part.data, lineno=text.lineno) if isinstance(part, nodes.TemplateData) else part
            for part in statement.nodes
        ]
    made = parts[0] if len(parts) == 1 else nodes.Concat(parts, lineno=text.lineno)
    made.set_environment(env)
    return made
