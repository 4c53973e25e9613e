"""Where the values of names come from: an author, an operator, a host; and which may be empty, or secret."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from jinja2 import Environment, TemplateSyntaxError, nodes

from playbook_engine.catalog import catalog
from playbook_engine.catalog.spec import Kind
from playbook_engine.loading.lint import FAILED, probes_of, steps_of
from playbook_engine.loading.linting.sources import family
from playbook_engine.model.runbook import Probe, Runbook, Step
from playbook_engine.model.vaulted import Vaulted
from playbook_engine.templating.node import Template, templates_in

HOSTS = frozenset({"ansible_facts", "hostvars", "result", *FAILED})
"""Names of the engine whose value a host has said."""
MADE_SAFE = frozenset({"quote", "int", "float", "bool", "length", "count", "abs", "round", "b64encode",
                       "hash", "checksum", "sha1", "md5", "to_uuid", "urlencode", "human_readable",
                       "human_to_bytes"})  # fmt: skip
"""Filters after which nothing is left that a shell could take for its own."""
NUMBERS = frozenset({"rc", "changed", "failed", "skipped", "already", "reachable", "status", "size", "uid",
                     "gid", "mtime", "pid", "free_bytes", "used_percent", "free_inodes", "exists"})  # fmt: skip
"""What actions tell as numbers or truth values."""
SOLID = frozenset({"path", "int", "float", "bool", "size", "duration"})
"""Types of parameters that are never empty."""

BOUND = re.compile(
    r"\{%[-+]?\s*(?:set\s+(?P<name>\w+)\s*=(?P<given>.*?)|for\s+(?P<names>[\w\s,]+?)\s+in\s+(?P<among>.*?))\s*[-+]?%\}",
    re.DOTALL,
)
"""A statement of a template that gives a name a value."""

_PARSER = Environment()


def parsed(expression: str) -> nodes.Expr | None:
    """The syntax tree of what stands between braces; None for what is no expression."""
    try:
        tree = _PARSER.parse("{{ " + expression + " }}")
    except (TemplateSyntaxError, RecursionError):
        return None
    output = next(iter(tree.find_all(nodes.Output)), None)
    inner = [n for n in output.nodes if not isinstance(n, nodes.TemplateData)] if output is not None else []
    return inner[0] if len(inner) == 1 else None


class Origins:
    """For one runbook. What it imports has names of its own; what is registered is known everywhere."""

    def __init__(self, runbook: Runbook, whole: Runbook) -> None:
        self._runbook = runbook
        self._params = {p.name: p for p in runbook.params}
        self.secret = frozenset(
            {p.name for p in runbook.params if p.secret}
            | {name for name, value in runbook.vars.items() if isinstance(value, Vaulted)}
            | {p.name for p in runbook.prompts if p.private}
        )  # fmt: skip
        steps = [step for book in family(whole) for step in steps_of(book)]
        told = {e.register for e in steps if e.register and _asks(e)}
        told |= {p.register for book in family(whole) for p in probes_of(book) if p.register}
        self._host = set(HOSTS) | {name for name in told if name}
        self._spread(steps)

    def _spread(self, steps: Iterable[Step]) -> None:
        """A variable or fact that is made of a host's text is one."""
        given: list[tuple[str, object]] = list(self._runbook.vars.items())
        for step in steps:
            facts = step.args.get("facts") if step.action == "set_fact" else None
            given += [*step.vars.items(), *(facts.items() if isinstance(facts, Mapping) else ())]
        more = True
        while more:
            found = {
                name for name, value in given
                if name not in self._host and any(self._says(t.source, self._host) for t in templates_in(value))
            }  # fmt: skip
            self._host |= found
            more = bool(found)

    @staticmethod
    def _says(source: str, host: set[str]) -> bool:
        return any(
            _tainted(node, host) for code in re.findall(r"\{\{(.*?)\}\}", source, re.DOTALL) if (node := parsed(code))
        )

    def from_host(self, expression: str, each: Step | Probe, text: str = "") -> bool:
        """Whether text from a host comes out of the expression as it is. `text`: the template that it stands in."""
        host = set(self._host)
        if isinstance(each, Step):
            host -= {n for n in each.vars if n not in self._host}
            if each.loop is not None and any(self._says(t.source, host) for t in templates_in(each.loop)):
                host.add(each.loop_var)
        for match in BOUND.finditer(text):
            value = parsed(match["given"] or match["among"])
            if value is not None and _tainted(value, host):
                host.update(re.findall(r"\w+", match["name"] or match["names"]))
        node = parsed(expression)
        return node is not None and _tainted(node, host)

    def secrets(self, expression: str) -> set[str]:
        """The secret names in it."""
        node = parsed(expression)
        if node is None:
            return set()
        own = {node.name} if isinstance(node, nodes.Name) else set()
        return (own | {n.name for n in node.find_all(nodes.Name)}) & self.secret

    def may_be_empty(self, expression: str, each: Step | Probe) -> bool:
        node = parsed(expression)
        while isinstance(node, nodes.Filter) and node.name == "quote" and node.node is not None:
            node = node.node
        if isinstance(node, nodes.Const):
            return node.value in ("", None)
        if isinstance(node, nodes.Filter):
            return node.name not in MADE_SAFE - {"quote", "urlencode"}
        if not isinstance(node, nodes.Name):
            return True
        param = self._params.get(node.name)
        if param is not None:
            return param.type not in SOLID and not param.choices and not param.pattern
        return not self._solid(self._value(node.name, each))

    def splits(self, expression: str, each: Step | Probe) -> bool:
        """Whether there may be a space in what comes out of it."""
        node = parsed(expression)
        if not isinstance(node, nodes.Name):
            return not (isinstance(node, nodes.Filter) and node.name in MADE_SAFE)
        param = self._params.get(node.name)
        if param is not None:
            return param.type not in SOLID - {"path"} and not param.choices and not param.pattern
        value = self._value(node.name, each)
        entries = value if isinstance(value, list) else [value]
        return not entries or any(not isinstance(v, (str, int)) or " " in str(v) for v in entries)

    def _value(self, name: str, each: Step | Probe) -> object:
        """What the author gives a name: a list is that of a loop over it."""
        if isinstance(each, Step):
            if name in each.vars:
                return each.vars[name]
            if name == each.loop_var and each.loop is not None:
                return each.loop
        return self._runbook.vars.get(name)

    @staticmethod
    def _solid(value: object) -> bool:
        entries = value if isinstance(value, list) else [value]
        return bool(entries) and all(
            isinstance(v, (str, int)) and not isinstance(v, Template) and v != "" for v in entries
        )


def _asks(step: Step) -> bool:
    """Whether the result of a step is what a host said."""
    return catalog.get(step.action).kind is not Kind.CONTROL


def _tainted(node: nodes.Node, host: set[str]) -> bool:
    """Whether a host's text comes out of the expression."""
    if isinstance(node, nodes.Name):
        return node.name in host
    if isinstance(node, (nodes.Const, nodes.Compare, nodes.Not, nodes.Test)):
        return False
    if isinstance(node, nodes.Filter):
        if node.name in MADE_SAFE or (node.name == "map" and _maps_safely(node)):
            return False
        inner = [node.node, *node.args, *(k.value for k in node.kwargs)]
        return any(_tainted(n, host) for n in inner if n is not None)
    if isinstance(node, nodes.Getattr) and node.attr in NUMBERS:
        return False
    if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const) and node.arg.value in NUMBERS:
        return False
    if isinstance(node, nodes.CondExpr):
        return any(_tainted(n, host) for n in (node.expr1, node.expr2) if n is not None)
    return any(_tainted(child, host) for child in node.iter_child_nodes())


def _maps_safely(node: nodes.Filter) -> bool:
    """`map("quote")`."""
    first = node.args[0] if node.args else None
    return isinstance(first, nodes.Const) and first.value in MADE_SAFE
