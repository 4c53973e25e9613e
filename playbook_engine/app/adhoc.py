"""A single action as a runbook of one step: `runbook exec` is a run like any other."""

from __future__ import annotations

import json
from collections.abc import Mapping

from playbook_engine.app.wiring import App
from playbook_engine.catalog import catalog, oneliner
from playbook_engine.catalog.spec import ActionSpec, parse_duration
from playbook_engine.model.errors import UsageError
from playbook_engine.model.runbook import OnFailure, Runbook, Step
from playbook_engine.model.source import SourcePos


def _parse(arguments: str, spec: ActionSpec) -> object:
    """Raises ValueError."""
    if not arguments.strip():
        return {}
    return json.loads(arguments) if arguments.lstrip().startswith("{") else oneliner.parse(arguments, spec)


def _facts(args: Mapping[str, object]) -> dict[str, object]:
    """Every key of set_fact but `cacheable` is a variable. Raises UsageError."""
    facts = {str(key): value for key, value in args.items() if key != "cacheable"}
    for name in facts:
        if not name.isidentifier():
            raise UsageError(
                f"set_fact: {name!r} cannot be the name of a variable", advice="letters, digits and _ only"
            )
    if not facts:
        raise UsageError("set_fact: no variable is given", advice="for example set_fact: {port: 80}")
    return {"facts": facts}


def adhoc(
    app: App,
    action: str,
    arguments: str,
    *,
    become: bool,
    become_user: str | None,
    undo: str | None,
    timeout: str,
    command: str = "exec",
) -> Runbook:
    """The runbook of one step. `command` asks for it; `arguments` are
    key=value, a free form, or JSON. Raises NotFound for an unknown action, UsageError for arguments that do not fit it.
    """
    try:
        seconds = parse_duration(timeout)
    except ValueError as error:
        raise UsageError(f"--timeout: {error}") from error
    if seconds <= 0:
        raise UsageError(f"--timeout {timeout}: a deadline lies in the future")
    if undo is not None and not undo.strip():
        raise UsageError("--undo is empty", advice="say the command that takes it back, or leave --undo out")
    name = catalog.plain(action)
    spec = catalog.get(name)
    where = SourcePos(file="-a", line=1, text=arguments)
    try:
        parsed: object = _parse(arguments, spec)
    except ValueError as error:
        raise UsageError(f"{name}: {error}") from error
    if not isinstance(parsed, Mapping):
        raise UsageError(f"{name}: the arguments are no mapping")
    args = app.templar.compile_value(dict(parsed), where)
    assert isinstance(args, dict)
    if name == "set_fact":
        args = _facts(args)
    from playbook_engine.templating.node import Template

    args = spec.eased(args)
    problems = spec.check(args, lambda value: isinstance(value, Template), internal=name == "set_fact")
    if problems:
        raise UsageError("; ".join(p.message for p in problems), advice=problems[0].advice)
    rollback = None
    if undo is not None:
        rollback = (Step(id="s1.undo", name="undo", action="shell", args={"cmd": undo}, irreversible="it is the undo"),)
    irreversible = None
    if spec.changes and not spec.reversible and rollback is None:
        irreversible = "an ad-hoc command cannot be taken back; --undo CMD says how"
    step = Step(
        id="s1", name=f"{name} {arguments}".strip()[:120], action=name, args=args, rollback=rollback,
        irreversible=irreversible, become=become or None, become_user=become_user, timeout=seconds,
        run_once=spec.once,
    )  # fmt: skip
    # An ad-hoc change that fails is taken back, as a step of a runbook is.
    return Runbook(name=f"{command} {name}", file="", title=step.name, on_failure=OnFailure.ROLLBACK, steps=(step,))
