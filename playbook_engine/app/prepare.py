"""From what was typed to a plan: runbook, hosts, parameters, and every mistake that can be found before anything is
asked of a host. Meanwhile the hosts are being reached (`app/dialling.py`)."""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from playbook_engine.app.consent import Consent, agreed, bounded, confirm_many, settled
from playbook_engine.app.prompting import asked
from playbook_engine.app.targets import Targets, targets
from playbook_engine.app.wiring import App
from playbook_engine.inventory.vars_files import parse_extra_vars
from playbook_engine.loading.finding import find
from playbook_engine.loading.yaml_source import Document, read_yaml
from playbook_engine.model.errors import EngineError, LoadErrors, UsageError
from playbook_engine.model.frozen import frozen
from playbook_engine.model.plan import Options, Plan
from playbook_engine.model.runbook import Import, Runbook, Step

if TYPE_CHECKING:
    from playbook_engine.loading.runbooks import Loader


def loader(app: App) -> Loader:
    """Finds runbooks by name in ./runbooks, RUNBOOK_PATH and the shipped ones."""
    from playbook_engine.loading.runbooks import Loader

    return Loader(app.settings.runbook_path, app.templar)


def prepare(
    app: App, name: str, pattern: str | None, *, inventory: Sequence[str], limit: str | None, extra: Sequence[str],
    kind: str, command: str, options: Options, consent: Consent, ask: Callable[[str, bool], str] | None = None,
    document: Document | None = None,
) -> Plan:  # fmt: skip
    """`document` is the runbook where it has been read already. Raises LoadError, LoadErrors, InventoryError,
    UsageError."""
    first = _first_look(app, name, pattern, inventory, limit, extra, document)
    if first is not None:
        document = first.document
    try:
        return _prepared(
            app, name, pattern, first, document, inventory, limit, extra, kind, command, options, consent, ask
        )
    except BaseException:
        app.hang_up()
        raise


def _prepared(
    app: App, name: str, pattern: str | None, first: _FirstLook | None, document: Document | None,
    inventory: Sequence[str], limit: str | None, extra: Sequence[str], kind: str, command: str, options: Options,
    consent: Consent, ask: Callable[[str, bool], str] | None,
) -> Plan:  # fmt: skip
    if first is not None and settled(
        app, first.document.value, first.chosen.hosts, consent, named=bool(pattern or limit)
    ):
        app.dial(first.chosen.hosts[: options.forks])
    # Imported now: while the hosts answer.
    from playbook_engine.app.policies import heard_by, policy_for, unready
    from playbook_engine.engine.compile import compile_plan
    from playbook_engine.loading.lint import undefined

    runbook = loader(app).load(name, document)
    policy = policy_for(app, runbook)
    given = parse_extra_vars(extra, app.templar)
    wanted = pattern or limit or runbook.hosts
    if wanted is None:
        raise UsageError(f"{runbook.name} names no hosts", advice=f"name them: runbook {kind} {name} HOST")
    wanted = pattern or runbook.hosts or limit or ""
    if first is not None and first.pattern == wanted:
        chosen = first.chosen
    else:
        chosen = targets(app, inventory, wanted, limit, Path(runbook.file).parent, given)
    if kind != "audit":
        bounded(app, chosen.hosts, consent.max_hosts)
    if kind == "run" and not options.check:
        agreed(app, runbook, chosen.hosts, consent, named=pattern is not None or limit is not None)
    else:
        confirm_many(chosen.hosts, yes=True, mean=consent.mean, terminal=consent.terminal)
    can_begin(runbook, options.start_at)
    asked(app, runbook.prompts, given, ask)
    known = {key for host in chosen.hosts for key in host.variables} | set(given)
    problems = undefined(runbook, app.templar, known)
    if problems:
        raise problems[0] if len(problems) == 1 else LoadErrors(problems)
    plan = compile_plan(
        runbook, chosen.hosts, given, kind=kind, others=chosen.others, groups=chosen.groups,
        command=command, options=options,
    )  # fmt: skip
    if policy is not None and kind == "run" and not options.check and (missing := unready(policy, os.environ)):
        print(f"! {policy.name}: needed for its messages, and not set: {', '.join(missing)}", file=sys.stderr)
    return heard_by(plan, policy)


def can_begin(runbook: Runbook, wanted: str) -> None:
    """Raises UsageError when there is no step to begin with (`--start-at-step`)."""
    from playbook_engine.engine.selection import begins

    if wanted and not begins(runbook, wanted):
        names = [s.name for s in runbook.flat() if isinstance(s, Step)]
        names += [s.name for e in runbook.flat() if isinstance(e, Import) for s in e.runbook.flat()]
        close = difflib.get_close_matches(wanted, names, 1)
        advice = f"did you mean {close[0]!r}?" if close else "`--list-steps` lists them"
        raise UsageError(f"there is no step {wanted!r} to begin with", advice=advice)


@frozen
class _FirstLook:
    """A runbook's file as it is written, and the hosts that it would be for."""

    document: Document
    pattern: str
    chosen: Targets


def _first_look(
    app: App, name: str, pattern: str | None, inventory: Sequence[str], limit: str | None, extra: Sequence[str],
    document: Document | None,
) -> _FirstLook | None:  # fmt: skip
    """As much as it takes to know which hosts to reach; None where something is wrong, which is said in its turn."""
    try:
        document = document or read_yaml(find(name, app.settings.runbook_path), app.vault.file)
        value = document.value
        wanted = pattern or (value.get("hosts") if isinstance(value, Mapping) else None) or limit
        if not isinstance(wanted, str):
            return None
        given = parse_extra_vars(extra, app.templar)
        chosen = targets(app, inventory, wanted, limit, Path(document.file).parent, given)
    except EngineError:
        return None
    return _FirstLook(document=document, pattern=wanted, chosen=chosen)
