"""The controller's files that a plan places on hosts, taken into the plan: to resume needs nothing but the journal.

A name that only a host can tell (it hangs on facts or on what was registered) is read when its step comes.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator

from playbook_engine.app.wiring import App
from playbook_engine.catalog import catalog
from playbook_engine.catalog.spec import ParamSpec
from playbook_engine.engine.scope import Scope
from playbook_engine.model.errors import EngineError, LoadError
from playbook_engine.model.plan import Plan, file_key, file_kind
from playbook_engine.model.runbook import Import, Runbook, Step

LARGEST = 64 << 20  # bytes of all files together; what is beyond is read when its step comes


def with_files(app: App, plan: Plan) -> Plan:
    """The plan with the contents of the files that its steps name."""
    found: dict[str, bytes] = {}
    room = LARGEST
    for runbook, kinds, name in dict.fromkeys(_named(plan, app)):
        for kind in kinds:
            with contextlib.suppress(LoadError):  # the step that wants it says so
                content = app.read_file(runbook, kind, name)
                if len(content) <= room:
                    found[file_key(runbook, kind, name)] = content
                    room -= len(content)
    return dataclasses.replace(plan, files=found)


def _named(plan: Plan, app: App) -> Iterator[tuple[str, tuple[str, ...], str]]:
    """(runbook file, kinds, name) of each file; of each host where a name is a template."""
    templates: list[tuple[Runbook, Step, ParamSpec, object]] = []
    for runbook, step in _steps(plan.runbook):
        spec = catalog.get(step.action)
        for param in spec.params.values():
            given = step.args.get(param.name)
            if not param.local or given is None or not spec.reads_here(step.args):
                continue
            if isinstance(given, str):
                yield step.file or runbook.file, _kinds(step, param), param.file_named(given)
            else:
                templates.append((runbook, step, param, given))
    for host in plan.hosts if templates else ():
        scopes: dict[int, Scope] = {}
        for runbook, step, param, given in templates:
            with contextlib.suppress(EngineError, ValueError):
                if id(runbook) not in scopes:
                    scopes[id(runbook)] = Scope(plan, host, runbook, plan.variables, app.templar)
                for name in _names(app, scopes[id(runbook)].of(step), step, given):
                    yield step.file or runbook.file, _kinds(step, param), param.file_named(name)


def _kinds(step: Step, param: ParamSpec) -> tuple[str, ...]:
    """What is taken of the file: its content, the directory that it may be instead, and its mode where that counts."""
    assert param.local is not None
    folders = ("folder", "links") if "tree" in catalog.get(step.action).params else ()
    modes = [f"{param.local}-mode"] if step.args.get("mode") is not None else []
    return (file_kind(param.local, step.args), *folders, *modes)


def _names(app: App, scope: Scope, step: Step, given: object) -> Iterator[str]:
    """A name for each item of a loop. Raises TemplateError for what is not known before the run."""
    items = app.templar.render(step.loop, scope.variables(step.vars)) if step.loop is not None else [None]
    for item in items if isinstance(items, (list, tuple)) else ():
        yield str(app.templar.render(given, scope.variables(step.vars, {step.loop_var: item})))


def _steps(runbook: Runbook) -> Iterator[tuple[Runbook, Step]]:
    for entry in runbook.everything():
        if isinstance(entry, Import):
            yield from _steps(entry.runbook)
            continue
        yield runbook, entry
        yield from ((runbook, step) for step in entry.rollback or ())
