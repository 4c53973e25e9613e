"""`Templar`: the one door to templates and expressions.

    templar = Templar()
    node = templar.compile_value("{{ mount }}/data", where)          # while loading
    templar.render(node, variables)                                  # "/srv/data"
    templar.evaluate("result.free_bytes > 2 * GiB", variables, where)  # True or False, nothing else

One `Templar` is shared by every host's thread. Source: Jinja2's sandbox documentation; the semantics of names,
filters and conditions are those of ansible-core 2.19.
"""

from __future__ import annotations

import dataclasses
import threading
import weakref
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from jinja2 import Template as JinjaTemplate
from jinja2 import TemplateSyntaxError, meta, nodes
from jinja2.parser import Parser

from playbook_engine.model.errors import EngineError, TemplateError, VaultError
from playbook_engine.model.secret import Secret
from playbook_engine.model.source import SourcePos
from playbook_engine.model.vaulted import Vaulted
from playbook_engine.templating import embedded, lookups, mutation
from playbook_engine.templating.filters import FILTERS, SEES_UNDEFINED
from playbook_engine.templating.inclusion import REFERS, Read, including
from playbook_engine.templating.limits import spending
from playbook_engine.templating.node import OMIT, Template, templates_in, to_nodes
from playbook_engine.templating.sandbox import (
    PASSES_ON,
    Sandbox,
    ScopeContext,
    UndefinedName,
    guarded,
    guarded_test,
    joined,
    text_of,
)
from playbook_engine.templating.scope import LazyVariables, Scope, finished
from playbook_engine.templating.secrets import marked
from playbook_engine.templating.syntax import Syntax
from playbook_engine.templating.tests import TESTS
from playbook_engine.templating.wording import did_you_mean, runtime_error, shown, syntax_error, to_condition

__all__ = ["OMIT", "LazyVariables", "Templar", "Template"]

CACHE_SIZE = 4096

BINDING = (
    nodes.For, nodes.Assign, nodes.AssignBlock, nodes.Macro, nodes.CallBlock, nodes.With, nodes.FilterBlock,
    nodes.Import, nodes.FromImport, nodes.Include, nodes.Block, nodes.Extends, nodes.ScopedEvalContextModifier,
)  # fmt: skip
"""Statements that give a name a value, or take their names from elsewhere."""


class Opener(Protocol):
    """Decrypts: what `inventory/vault.py` gives."""

    def secret(self, value: Vaulted) -> Secret:
        """Raises VaultError."""
        ...

    def file(self, data: bytes, name: str) -> bytes:
        """The contents of a file, decrypted where they are encrypted. Raises VaultError."""
        ...

    def hide(self, text: str) -> None:
        """Says that a text came out of something encrypted."""
        ...


class _NoVault:
    """Without passwords nothing opens."""

    def secret(self, value: Vaulted) -> Secret:
        raise VaultError("this is encrypted, and nothing here decrypts", where=value.where)

    def file(self, data: bytes, name: str) -> bytes:
        if data.startswith(VAULT_HEADER):
            raise VaultError("this is encrypted, and nothing here decrypts", where=SourcePos(file=name, line=1))
        return data

    def hide(self, text: str) -> None:
        pass


VAULT_HEADER = b"$ANSIBLE_VAULT;"
NO_VAULT = _NoVault()
Compiled = Callable[[ScopeContext], object]
K = TypeVar("K")
V = TypeVar("V")
Condition = str | bool | Template | Sequence["str | bool | Template"]


class Templar:
    """Compiles once per source text, renders and evaluates. `search` are folders where lookups find files, `vault`
    opens what is encrypted when it is used."""

    def __init__(self, *, search: Sequence[str] = (), lookups_allowed: bool = True, vault: Opener = NO_VAULT) -> None:
        self.vault = vault
        finder = lookups.Lookups(search=search, templar=self) if lookups_allowed else None
        self._names = _names(finder)
        self._values = self._sandbox(plain_backslashes=True)
        self._plain = self._sandbox(plain_backslashes=False)
        self._templates: dict[str, JinjaTemplate] = {}
        self._expressions: dict[str, JinjaTemplate] = {}
        self._files: dict[Syntax, tuple[Sandbox, dict[str, JinjaTemplate]]] = {}
        self._free: dict[tuple[str, bool], frozenset[str]] = {}
        self._written: dict[int, tuple[object, frozenset[str]]] = {}
        self._changing: weakref.WeakSet[JinjaTemplate] = weakref.WeakSet()
        self._compiling = threading.Lock()

    def _sandbox(self, *, plain_backslashes: bool, syntax: Syntax | None = None) -> Sandbox:
        words = dataclasses.asdict(syntax or Syntax())
        env = Sandbox(plain_backslashes=plain_backslashes, **words)
        filters: dict[str, Any] = {**env.filters, **FILTERS}
        for name, function in filters.items():
            wrapped = guarded(function, sees_undefined=name in SEES_UNDEFINED, passes_on=name in PASSES_ON)
            env.filters[name] = env.filters[f"ansible.builtin.{name}"] = wrapped
        tests: dict[str, Any] = {**env.tests, **TESTS}
        for name, test in tests.items():
            wrapped = guarded_test(
                test, sees_undefined=name in ("defined", "undefined"), sees_secrets=name == "vault_encrypted"
            )
            env.tests[name] = env.tests[f"ansible.builtin.{name}"] = wrapped
        env.globals.update(self._names)
        return env

    # ------------------------------------------------------------------ loading

    def compile_value(self, value: object, where: SourcePos | None, *, check: bool = True) -> object:
        """A YAML value with every string that holds `{{`, `{%` or `{#` made into a `Template`.

        With `check`, a template that does not compile is a `TemplateError` now rather than when it is used.
        """
        made = to_nodes(value, where)
        if check:
            for template in templates_in(made):
                self._parsed(template.source, template.where)
        return made

    def undeclared(self, value: object) -> set[str]:
        """The free names of a value's templates, or of a bare expression given as text, that a variable has to give."""
        return set(self.names(value)) - self._plain.globals.keys()

    def names(self, value: object) -> Collection[str]:
        """All of their free names, also those that every template knows."""
        if isinstance(value, str):
            return self._free_names(value, None, bare=True)
        if isinstance(value, Template):
            return self._free_names(value.source, value.where, bare=False)
        found: set[str] = set()
        for template in templates_in(value):
            found |= self._free_names(template.source, template.where, bare=False)
        return found

    def _free_names(self, source: str, where: SourcePos | None, *, bare: bool) -> frozenset[str]:
        """Of a text, or of a `bare` expression; parsed once, as every host asks for it at every step."""
        found = self._free.get((source, bare))
        if found is None:
            try:
                tree = self._expression_tree(source) if bare else self._values.parse(source)
                self._check_names(self._plain, tree)
            except TemplateSyntaxError as exc:
                raise syntax_error(exc, source, where) from None
            found = _free_in(tree)
            _remember(self._free, (source, bare), found)
        return found

    def _parsed(self, source: str, where: SourcePos | None) -> None:
        """Says what is wrong with a text, and keeps its names. It is compiled when it is used: for many it never is.

        Only statements can be right to a parser and wrong to a compiler. Raises TemplateError.
        """
        if (source, False) in self._free:
            return
        try:
            tree = self._values.parse(source)
            self._check_names(self._plain, tree)
            _remember(self._free, (source, False), _free_in(tree))
        except TemplateSyntaxError as exc:
            raise syntax_error(exc, source, where) from None
        except RecursionError:
            raise TemplateError("the template is nested too deeply", where=where) from None
        if "{%" in source:
            self._compiled(source, where)

    def names_of(self, written: object) -> Collection[str]:
        """The same for a part of a runbook, which does not change: gone through once for all hosts."""
        if not isinstance(written, Mapping | list | tuple):
            return self.names(written) if isinstance(written, Template) else ()
        if not written:
            return ()
        held = self._written.get(id(written))
        if held is None or held[0] is not written:
            held = (written, frozenset(self.names(written)))  # kept with its names: its id is given to no other
            _remember(self._written, id(written), held)
        return held[1]

    # ------------------------------------------------------------------ running

    def render(self, value: object, variables: Mapping[str, object]) -> object:
        """The value with its templates run: one single output keeps its type, anything else is text.

        Raises `TemplateError` with the place of the template that failed.
        """
        with spending():
            return self._finish(value, self.scope(variables))

    def scope(self, variables: Mapping[str, object]) -> Scope:
        return Scope(variables, self._run, self.vault.secret)

    def lazy(self, variables: Mapping[str, object]) -> LazyVariables:
        """The variables as a mapping that resolves each on use; what `hostvars[name]` is."""
        return LazyVariables(self.scope(variables))

    def evaluate(self, expr: Condition, variables: Mapping[str, object], where: SourcePos | None = None) -> bool:
        """A condition: `when`, `expect`, `until`, `failed_when`, `changed_when`. A list means all of it, in order.

        Raises `TemplateError` when it cannot be evaluated, or gives anything but true or false.
        """
        if isinstance(expr, bool):
            return expr
        if not isinstance(expr, str | Template):
            return all(self.evaluate(part, variables, where) for part in expr)
        result = self.evaluate_value(expr, variables, where)
        if isinstance(result, bool):
            return result
        text = shown(result)
        raise TemplateError(
            f"the condition `{expr}` gives {text}, which is neither true nor false",
            advice=to_condition(str(expr), result),
            where=_place(expr, where),
        )

    def evaluate_value(
        self, expr: str | Template, variables: Mapping[str, object], where: SourcePos | None = None
    ) -> object:
        """The value of a bare expression, of any type."""
        if isinstance(expr, Template):
            return self.render(expr, variables)
        compiled = self._compiled_expression(expr, where)
        with spending():
            scope = self.scope(variables)
            return self._guard(lambda: finished(self._call(compiled, scope)), scope, where, expr)

    def _finish(self, value: object, scope: Scope) -> object:
        if isinstance(value, Template):
            return self._guard(lambda: finished(self._run(value, scope)), scope, value.where, value.source)
        if isinstance(value, Mapping):
            made = {key: self._finish(item, scope) for key, item in value.items()}
            return {key: item for key, item in made.items() if item is not OMIT}
        if isinstance(value, list | tuple):
            return [item for item in (self._finish(item, scope) for item in value) if item is not OMIT]
        if isinstance(value, Vaulted):
            return self.vault.secret(value)
        return value

    def _run(self, template: Template, scope: Scope) -> object:
        """One template's value. An undefined name leaves as `UndefinedName`, all else as `TemplateError`."""
        compiled = self._compiled(template.source, template.where)
        try:
            value = ended(self._call(compiled, scope), template.source)
            return marked(value) if template.secret else value
        except (EngineError, UndefinedName):
            raise
        except Exception as exc:
            raise runtime_error(exc, template.source, template.where) from exc

    def render_file(
        self,
        source: str,
        variables: Mapping[str, object],
        where: SourcePos | None = None,
        *,
        syntax: Syntax | None = None,
        read: Read | None = None,
    ) -> str:
        """The text of a template file. Unlike in a value of a runbook, a backslash in a string escapes here.

        A first line `#jinja2: trim_blocks:False, lstrip_blocks:True` overrides the syntax and is left out.
        `read` gives the templates that it takes in.
        """
        key, source = (syntax or Syntax()).headed(source, where)
        if not any(sign in source for sign in key.signs()):
            return source  # as it is, its line ends too
        if key not in self._files:
            self._files[key] = (self._sandbox(plain_backslashes=False, syntax=key), {})
        env, cache = self._files[key]
        scope = self.scope(variables)
        if read is not None and REFERS.search(source):
            env, cache = including(env, read, scope), {}
        compiled = cache.get(source) or self._compile(env, source, cache, where, lambda: env.parse(source))
        with spending():
            raw: list[object] = []

            def whole() -> object:
                value = self._call(compiled, scope)
                if value is OMIT:
                    raise TemplateError("the template gives `omit`, which is nothing to write", where=where)
                raw.append("" if value is None else value)
                return text_of(raw)

            value = self._guard(whole, scope, where, source)
        text = value.reveal() if isinstance(value, Secret) else str(value)
        if not isinstance(raw[0], (str, Secret)):
            return text  # one value that is no text, such as a number: as Ansible has it, nothing is added to that
        return str(ended(text, source, key.newline_sequence))

    def decrypted(self, path: str) -> tuple[str, bool]:
        """The text of a controller's file, and whether it was encrypted. Raises VaultError, OSError, ValueError."""
        with open(path, "rb") as handle:
            data = handle.read()
        plain = self.vault.file(data, path)
        text = plain.decode("utf-8").replace("\r\n", "\n")  # as a file that is opened as text
        if plain is not data:
            self.vault.hide(text)
        return text, plain is not data

    def _call(self, compiled: JinjaTemplate, scope: Scope) -> object:
        changes = compiled in self._changing
        context = ScopeContext(compiled.environment, {}, None, compiled.blocks)
        context.names = scope.apart() if changes else scope
        with mutation.owning(changes):
            return joined(compiled.root_render_func(context))

    def _guard(self, run: Callable[[], object], scope: Scope, where: SourcePos | None, source: str) -> object:
        try:
            return run()
        except EngineError:
            raise
        except UndefinedName as exc:
            raise self._undefined_error(exc, scope, where) from None
        except Exception as exc:
            raise runtime_error(exc, source, where) from exc

    def _undefined_error(self, exc: UndefinedName, scope: Scope, where: SourcePos | None) -> TemplateError:
        message = str(exc.message)
        advice = None
        if exc.free and isinstance(exc.name, str) and exc.name not in scope.variables:
            known = [*map(str, scope.variables), *self._plain.globals]
            message = f"{exc.name!r} is not defined"
            advice = did_you_mean(exc.name, known) or (
                f"define it, or say what to use instead: `{exc.name} | default(...)`"
            )
        return TemplateError(message, advice=advice, where=where)

    # ------------------------------------------------------------------ compiling

    def _compiled(self, source: str, where: SourcePos | None) -> JinjaTemplate:
        found = self._templates.get(source)
        if found is None:
            found = self._compile(self._values, source, self._templates, where, lambda: self._values.parse(source))
        return found

    def _compiled_expression(self, source: str, where: SourcePos | None) -> JinjaTemplate:
        found = self._expressions.get(source)
        if found is None:
            found = self._compile(self._plain, source, self._expressions, where, lambda: self._expression_tree(source))
        return found

    def _expression_tree(self, source: str) -> nodes.Template:
        text = source.strip()
        if not text:
            raise TemplateSyntaxError("it is empty", 1)
        if text.startswith("{{") and text.endswith("}}") and "{{" not in text[2:] and "}}" not in text[:-2]:
            text = text[2:-2]  # when: "{{ x }}" is a habit that means x
        elif text.startswith(("{{", "{%")):
            raise TemplateSyntaxError("a condition is a bare expression, without {{ }} around its names", 1)
        parser = Parser(self._plain, text, state="variable")
        expression = parser.parse_expression()
        if not parser.stream.eos:
            raise TemplateSyntaxError(f"{str(parser.stream.current)!r} is not expected after the expression", 1)
        output = nodes.Output([expression], lineno=1)
        output.set_environment(self._plain)
        tree = nodes.Template([output], lineno=1)
        tree.set_environment(self._plain)
        embedded.in_condition(self._plain, tree)
        return tree

    def _compile(
        self,
        env: Sandbox,
        source: str,
        cache: dict[str, JinjaTemplate],
        where: SourcePos | None,
        parse: Callable[[], nodes.Template],
    ) -> JinjaTemplate:
        with self._compiling:  # all hosts come to a step together: one of them compiles, the others wait for it
            if (found := cache.get(source)) is not None:
                return found
            try:
                tree = parse()
                self._check_names(env, tree)
                code = env.compile(tree)
            except TemplateSyntaxError as exc:
                raise syntax_error(exc, source, where) from None
            except RecursionError:
                raise TemplateError("the template is nested too deeply", where=where) from None
            compiled = JinjaTemplate.from_code(env, code, env.globals)
            if mutation.in_tree(tree) or REFERS.search(source):
                self._changing.add(compiled)
            _remember(cache, source, compiled)
        return compiled

    def _check_names(self, env: Sandbox, tree: nodes.Template) -> None:
        """Refuse unknown filters and tests before anything runs."""
        for node in tree.find_all((nodes.Filter, nodes.Test)):
            known: Iterable[str] = env.filters if isinstance(node, nodes.Filter) else env.tests
            if node.name not in known:
                word = "filter" if isinstance(node, nodes.Filter) else "test"
                hint = did_you_mean(node.name, known)
                message = f"there is no {word} {node.name!r}" + (f" ({hint})" if hint else "")
                raise TemplateSyntaxError(message, node.lineno)


def ended(value: object, source: str, newline: str = "\n") -> object:
    """Text with the newlines at the end of its template. Jinja has taken the last one away, as it does in what is
    included; to a value that is no text, such as a number, nothing is added."""
    text = value.reveal() if isinstance(value, Secret) else value
    if not isinstance(text, str) or not source.endswith("\n"):
        return value
    written, there = (len(each) - len(each.rstrip("\n")) for each in (_unix(source), _unix(text)))
    if written <= there:
        return value
    text += newline * (written - there)
    return Secret(text) if isinstance(value, Secret) else text


def _unix(text: str) -> str:
    return text.replace("\r\n", "\n")


def _free_in(tree: nodes.Template) -> frozenset[str]:
    """Its free names. Where nothing binds any, they are all; else Jinja compiles it to find them."""
    if next(tree.find_all(BINDING), None) is not None:
        return frozenset(meta.find_undeclared_variables(tree))
    return frozenset(name.name for name in tree.find_all(nodes.Name))


def _remember(cache: dict[K, V], key: K, value: V) -> None:
    if len(cache) >= CACHE_SIZE:
        cache.clear()
    cache[key] = value  # one assignment: atomic


def _names(finder: lookups.Lookups | None) -> dict[str, object]:
    """The names that every template knows; a variable of the same name wins."""
    known: dict[str, object] = {f"{prefix}iB": 1024**power for power, prefix in enumerate("KMGT", 1)}
    known |= {"omit": OMIT, "now": lookups.now, "undef": lookups.undef}
    if finder is not None:
        known |= {"lookup": finder.lookup, "query": finder.query, "q": finder.query}
    return known


def _place(expr: str | Template, where: SourcePos | None) -> SourcePos | None:
    return expr.where if isinstance(expr, Template) and expr.where else where
