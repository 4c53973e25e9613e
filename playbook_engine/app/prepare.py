"""From what was typed to a plan: runbook, hosts, parameters, and every mistake that can be found before connecting."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from playbook_engine.app.consent import Consent, agreed, bounded, confirm_many
from playbook_engine.app.policies import heard_by, policy_for, unready
from playbook_engine.app.targets import targets
from playbook_engine.app.wiring import App
from playbook_engine.engine.compile import compile_plan
from playbook_engine.inventory.vars_files import parse_extra_vars
from playbook_engine.loading.lint import undefined
from playbook_engine.loading.runbooks import Loader
from playbook_engine.model.errors import LoadErrors, UsageError
from playbook_engine.model.plan import Options, Plan


def loader(app: App) -> Loader:
    """Finds runbooks by name in ./runbooks, RUNBOOK_PATH and the shipped ones."""
    return Loader(app.settings.runbook_path, app.templar)


def prepare(
    app: App, name: str, pattern: str | None, *, inventory: Sequence[str], limit: str | None, extra: Sequence[str],
    kind: str, command: str, options: Options, consent: Consent,
) -> Plan:  # fmt: skip
    """Raises LoadError, LoadErrors, InventoryError, UsageError."""
    runbook = loader(app).load(name)
    policy = policy_for(app, runbook)
    given = parse_extra_vars(extra, app.templar)
    wanted = pattern or limit or runbook.hosts
    if wanted is None:
        raise UsageError(f"{runbook.name} names no hosts", advice=f"name them: runbook {kind} {name} HOST")
    chosen = targets(app, inventory, pattern or runbook.hosts or limit or "", limit, Path(runbook.file).parent, given)
    if kind != "audit":
        bounded(app, chosen.hosts, consent.max_hosts)
    if kind == "run" and not options.check:
        agreed(app, runbook, chosen.hosts, consent, named=pattern is not None or limit is not None)
    else:
        confirm_many(chosen.hosts, yes=True, mean=consent.mean, terminal=consent.terminal)
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
