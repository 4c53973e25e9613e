"""The name of what a plan would do: the same runbook with the same parameters on the same hosts has the same hash.

An approval is given to a hash. Who runs it, when, how many hosts at a time and why are no part of it, and secrets are
not either: the hash is shown to people, and a short secret could be found out by trying.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from playbook_engine.engine.plan_data import to_data
from playbook_engine.journal.plain import to_json
from playbook_engine.journal.redaction import STARS
from playbook_engine.model.plan import Plan
from playbook_engine.model.runbook import Import, Runbook
from playbook_engine.model.secret import Secret


def plan_hash(plan: Plan) -> str:
    """SHA-256, in hexadecimal, of runbook, imports, parameters, hosts with their variables, the files that are placed,
    and the chosen tags. Wherever the runbook lies."""
    options = plan.options
    told = {
        "runbook": _runbook(plan.runbook),
        "parameters": parameters(plan),
        "hosts": [{"name": h.name, "variables": h.variables, "connection": to_data(h.connection)} for h in plan.hosts],
        "batches": plan.batches,
        "files": sorted([*key.split("\n")[::2], hashlib.sha256(held).hexdigest()] for key, held in plan.files.items()),
        "tags": [options.tags, options.skip_tags, options.read_only],
    }
    return hashlib.sha256(canonical(told)).hexdigest()


def parameters(plan: Plan) -> dict[str, object]:
    """What was given, with stars for the parameters that are secret."""
    secret = {p.name for p in plan.runbook.params if p.secret}
    return {name: STARS if name in secret else value for name, value in plan.variables.items()}


def with_defaults(plan: Plan) -> dict[str, object]:
    """What was given, and the defaults of what was not; secret ones as stars, or left out."""
    return {**{p.name: p.default for p in plan.runbook.params if not p.secret}, **parameters(plan)}


def canonical(value: object, *, secrets: bool = False) -> bytes:
    """One way to write any value as JSON, without its secrets unless they are wanted."""
    data = to_json(to_data(value if secrets else starred(value)))
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def starred(value: object) -> object:
    """The value with stars for what is known to be secret in it."""
    if isinstance(value, Secret):
        return STARS
    if isinstance(value, Mapping):
        return {key: starred(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [starred(item) for item in value]
    return value


def _runbook(runbook: Runbook) -> object:
    """Its text as it was read, and that of its imports; one that no file was read for, its steps."""
    imports = [_runbook(s.runbook) for s in runbook.flat() if isinstance(s, Import)]
    return [runbook.name, runbook.text or to_data(runbook.steps), imports]
