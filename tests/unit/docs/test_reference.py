"""docs/runbook-reference.md names everything that there is, and nothing else."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import get_args

import click
import pytest
from pydantic import BaseModel
from unit.docs.pages import ROOT, code, page

from playbook_engine.app.setting import SETTINGS
from playbook_engine.catalog import catalog
from playbook_engine.catalog.spec import parse_bool, parse_duration, parse_size
from playbook_engine.cli.commands import COMMANDS
from playbook_engine.cli.group import cli
from playbook_engine.engine.scope import Scope
from playbook_engine.loading import schema
from playbook_engine.loading.linting.codes import ADVISED, FATAL
from playbook_engine.model.events import EVENTS
from playbook_engine.model.host import Host
from playbook_engine.model.outcome import ExitCode, HostStatus, Outcome, Verdict
from playbook_engine.model.plan import Plan
from playbook_engine.model.runbook import Runbook
from playbook_engine.templating.environment import Templar

REFERENCE = page("runbook-reference")
PACKAGE = ROOT / "playbook_engine"

MODELS = [
    ("Top-level keys", 0, schema.RunbookModel),
    ("Parameters", 0, schema.ParamModel),
    ("Services and phases", 0, schema.ServiceModel),
    ("Prompts", 0, schema.PromptModel),
    ("Steps", 0, schema.StepModel),
    ("Steps", 1, schema.LoopControl),
    ("Probes", 0, schema.ProbeModel),
]


@pytest.mark.parametrize(("heading", "number", "model"), MODELS, ids=[m.__name__ for _, _, m in MODELS])
def test_every_keyword_has_its_row(heading: str, number: int, model: type[BaseModel]) -> None:
    assert set(REFERENCE.tables(heading)[number]) - {"key"} == set(schema.keywords(model))


@pytest.mark.parametrize(("heading", "number", "model"), MODELS, ids=[m.__name__ for _, _, m in MODELS])
def test_the_defaults_are_those_of_the_models(heading: str, number: int, model: type[BaseModel]) -> None:
    rows = REFERENCE.tables(heading)[number]
    for name, field in model.model_fields.items():
        if field.is_required():
            assert "needed" in rows[field.alias or name][1]
        elif field.default_factory is None and field.default not in (None, ""):
            (said,) = code(rows[field.alias or name][1])
            read: dict[type, Callable[[str], object]] = {bool: parse_bool, int: parse_size, float: parse_duration}
            assert read.get(type(field.default), str)(said) == field.default, name


def test_no_model_of_the_schema_is_left_out() -> None:
    models = {v for v in vars(schema).values() if isinstance(v, type) and issubclass(v, BaseModel)}
    assert models - {BaseModel, schema.Closed, schema.Open} == {model for _, _, model in MODELS}


def test_what_is_not_carried_out_is_named() -> None:
    said = REFERENCE.section("Not carried out by this version").split("\n\n")[0]
    assert set(code(said)) == schema.LATER


def test_every_type_is_explained() -> None:
    used = {param.type for name in catalog.names() for param in catalog.get(name).params.values()}
    assert used | set(get_args(schema.ParamType)) <= set(REFERENCE.tables("Values")[0])


@pytest.mark.parametrize(
    ("heading", "number", "words"),
    [("Outcomes", 0, Outcome), ("Outcomes", 1, HostStatus), ("Probes", 1, Verdict)],
    ids=["Outcome", "HostStatus", "Verdict"],
)
def test_every_ending_has_its_row(
    heading: str, number: int, words: type[Outcome] | type[HostStatus] | type[Verdict]
) -> None:
    assert set(REFERENCE.tables(heading)[number]) == {str(word.value) for word in words}


def test_every_exit_code_has_its_row() -> None:
    (table,) = REFERENCE.tables("Exit codes")
    assert {number: code(cells[0])[0] for number, cells in table.items()} == {str(int(c)): c.name for c in ExitCode}


def test_every_name_of_an_expression_has_its_row() -> None:
    (table,) = REFERENCE.tables("Expressions and templates")
    host = Host(name="web1.test")
    runbook = Runbook(name="a", file="")
    plan = Plan(kind="run", runbook=runbook, hosts=(host,), batches=(("web1.test",),))
    templar = Templar()
    given = set(Scope(plan, host, runbook, {}, templar).variables())
    builtin = {"KiB", "MiB", "GiB", "TiB", "omit", "lookup", "query", "q", "now", "undef", "range", "dict"}
    builtin |= {"namespace", "cycler", "joiner"}
    assert set(table) == given | builtin | {"result", "item", "ansible_facts"}
    for name in builtin:  # known to the engine: no name of the host's variables
        assert templar.undeclared(name) == set()


def test_every_connection_variable_has_its_row() -> None:
    source = (PACKAGE / "inventory" / "connection.py").read_text()
    read = {n.value for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Constant) and isinstance(n.value, str)}
    text = REFERENCE.section("Inventory")
    assert {v for v in read if re.fullmatch(r"ansible_\w*[a-z]", v)} <= set(code(text))


# ---------------------------------------------------------------- the command line


def command_of(name: str) -> click.Command:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    return command


def test_every_command_has_its_heading() -> None:
    assert [h.removeprefix("runbook ") for h in REFERENCE.headings if h.startswith("runbook ")] == list(COMMANDS)


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_option_has_its_row_and_every_row_its_option(name: str) -> None:
    shown = [p for p in command_of(name).params if isinstance(p, click.Option) and not p.hidden]
    tables = REFERENCE.tables(f"runbook {name}")
    rows = [option for table in tables for option in table]
    assert sorted(rows) == sorted(o for p in shown for o in (*p.opts, *p.secondary_opts))


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_shows_its_arguments(name: str) -> None:
    command = command_of(name)
    if isinstance(command, click.Group):
        assert set(command.commands) <= set(code(REFERENCE.section(f"runbook {name}")))
        return
    usage = [f"runbook {name}"]
    for param in command.params:
        if isinstance(param, click.Argument):
            word = (param.metavar or (param.name or "").upper()).rstrip("_")
            usage.append(word if param.required or word.startswith("[") else f"[{word}]")
    assert f"`{' '.join(usage)}`" in REFERENCE.section(f"runbook {name}")


def test_every_code_of_lint_has_its_row() -> None:
    fatal, advised = REFERENCE.tables("What lint finds")
    assert {code: cells[0] for code, cells in fatal.items()} == FATAL
    assert {code: cells[0] for code, cells in advised.items()} == ADVISED


# ------------------------------------------------- settings, events, errors, failure kinds


def test_every_setting_has_its_row() -> None:
    """Environment variables that the controller reads; what an action passes on to a host's programs is not one."""
    pattern = re.compile(r"""environ(?:ment)?(?:\.get\(|\[)"([A-Z_]+)"|"((?:RUNBOOK|ANSIBLE|XDG)_[A-Z_]+)\"""")
    read = {
        name
        for file in sources()
        if "agent" not in file.parts
        for found in pattern.findall(file.read_text())
        for name in found
        if name
    }
    (settings, variables) = REFERENCE.tables("Settings")
    assert list(settings) == [each.name for each in SETTINGS]
    for each in SETTINGS:
        cells = settings[each.name]
        assert code(cells[0]) == [each.variable, *each.environment], each.name
        assert code(cells[1]) == list(each.cfg), each.name
        assert code(cells[2]) == ([each.flag] if each.flag else []), each.name
        for name in (each.variable, *each.environment):
            read.discard(name)
    assert set(variables) == read - {"PATH", "TERM", "COLUMNS", "COMP_WORDS", "COMP_CWORD", "_RUNBOOK_COMPLETE"}


def test_every_event_has_its_row() -> None:
    (table,) = REFERENCE.tables("Events")
    assert list(table) == list(EVENTS)


def test_every_error_has_its_row_with_its_exit_code() -> None:
    """Classes are found in the source, so that one in a module that nobody imports is found too."""
    kinds: dict[str, str] = {}
    codes: dict[str, int] = {}
    parents: dict[str, str] = {}
    for node in (n for file in sources() for n in ast.walk(ast.parse(file.read_text())) if isinstance(n, ast.ClassDef)):
        for statement in node.body:
            if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
                name, value = statement.targets[0].id, statement.value
                if name == "kind" and isinstance(value, ast.Constant) and isinstance(value.value, str):
                    kinds[node.name] = value.value
                    parents[node.name] = node.bases[0].id if isinstance(node.bases[0], ast.Name) else ""
                if name == "exit_code" and isinstance(value, ast.Constant) and isinstance(value.value, int):
                    codes[node.name] = value.value

    def exit_code(name: str) -> int:
        return codes[name] if name in codes else exit_code(parents[name])

    (table,) = REFERENCE.tables("Errors")
    said = {kind: int(cells[0]) for kind, cells in table.items()}
    assert said == {kind: exit_code(name) for name, kind in kinds.items()}


def test_every_failure_kind_has_its_row() -> None:
    (table,) = REFERENCE.tables("Failure kinds")
    found = {kind for file in sources() for kind in failure_kinds(ast.parse(file.read_text()))}
    errors = set(REFERENCE.tables("Errors")[0])
    assert found - errors <= set(table) <= found


def failure_kinds(tree: ast.Module) -> Iterator[str]:
    """Kinds that a module gives: `Failed(msg, KIND)`, `_no(KIND, msg)`, `kind=KIND` of a `Reply` or `StepResult`."""
    places = {"Failed": 1, "__init__": 2, "_no": 0, "Reply": None, "StepResult": None, "replace": None}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and {"msg", "kind"} <= set(names := [a.arg for a in node.args.args]):
            defaults = dict(zip(reversed(names), reversed(node.args.defaults), strict=False))
            yield from texts(defaults.get("kind"))
        if not isinstance(node, ast.Call):
            continue
        function = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if function not in places or (function == "replace" and named(node) != "end"):
            continue  # `end` is what a StepResult is called where it is made into another
        at = places[function]
        if function == "__init__" and named(node, of=node.func) != "Failed":
            continue
        if at is not None and at < len(node.args):
            yield from texts(node.args[at])
        for keyword in node.keywords:
            if keyword.arg == "kind":
                yield from texts(keyword.value)


def named(call: ast.Call, of: ast.expr | None = None) -> str:
    """The name that a call's first argument is, or that its method belongs to."""
    value = of.value if isinstance(of, ast.Attribute) else call.args[0] if call.args else None
    return value.id if isinstance(value, ast.Name) else ""


def texts(value: ast.expr | None) -> Iterator[str]:
    """The text that an expression is, or the two of `a if b else c`."""
    if isinstance(value, ast.IfExp):
        yield from texts(value.body)
        yield from texts(value.orelse)
    elif isinstance(value, ast.Constant) and isinstance(value.value, str) and value.value:
        yield value.value


def sources() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))
