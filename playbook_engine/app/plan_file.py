"""A plan as a file that people read: what would happen, on which hosts, until when it may be applied. No secrets.

The plan itself, with variables and secrets, stays sealed in the journal of the run that made it. The file's `seal`
binds the two: it is made with the journal's key, over the file, the sealed plan and all that was observed. A plain
checksum would let whoever reads the file try out what a short secret may be.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from playbook_engine.app.wiring import App
from playbook_engine.engine.forecast import HostForecast, Prediction
from playbook_engine.engine.plan_hash import canonical, plan_hash, starred, with_defaults
from playbook_engine.journal.fold import RunView
from playbook_engine.model.errors import LoadError, PlanRefused
from playbook_engine.model.plan import Plan
from playbook_engine.templating.node import Template

FORMAT = "runbook plan 1"
MOST = 64 << 20  # bytes that are read of a file which may be anything
AGAIN = "make a new plan: runbook plan NAME -o FILE"


def document(app: App, plan: Plan, view: RunView, found: Sequence[HostForecast], valid: float) -> dict[str, object]:
    """The file's content, sealed. `valid` in seconds."""
    created = datetime.fromisoformat(app.clock.utc())
    body: dict[str, object] = {
        "format": FORMAT,
        "run": view.run,
        "created": _utc(created),
        "expires": _utc(created + timedelta(seconds=valid)),
        "actor": view.started.actor,
        "reason": view.started.reason,
        "runbook": {"name": plan.runbook.name, "sha256": view.started.runbook_sha256},
        "plan_sha256": plan_hash(plan),
        "parameters": readable(with_defaults(plan)),
        "hosts": [_host(each) for each in found],
    }
    masked = app.redactor.value(body)
    assert isinstance(masked, dict)
    # Names that somebody's secret happens to be in: the file has to be found again all the same.
    masked |= {key: body[key] for key in ("format", "run", "created", "expires", "plan_sha256")}
    return {**masked, "seal": seal(app, plan, found, masked)}


def seal(app: App, plan: Plan, found: Sequence[HostForecast], body: Mapping[str, object]) -> str:
    """What makes an edit of the file, or of the journal, show. Raises JournalError when the journal's key is gone."""
    observed = [[h.host, p.step, p.item, str(p.will), p.digest] for h in found for p in h.steps]
    return app.store.sign(str(body["run"]), canonical([body, plan, observed], secrets=True))


def write(path: Path, content: Mapping[str, object]) -> None:
    """Readable by its owner only, and whole or not at all. Raises LoadError."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    try:
        with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
            out.write(text.encode("utf-8", "backslashreplace"))
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise LoadError(
            f"the plan cannot be written: {path}: {error.strerror}", advice="-o FILE puts it elsewhere"
        ) from error


def read(path: Path) -> dict[str, object]:
    """The file's content, its shape looked at, its seal not yet. Raises PlanRefused."""
    try:
        with path.open("rb") as file:
            data = file.read(MOST + 1)
    except OSError as error:
        raise PlanRefused(f"the plan {path} cannot be read: {error.strerror}", advice=AGAIN) from error
    try:
        content = json.loads(data) if len(data) <= MOST else None
    except (ValueError, RecursionError):
        content = None
    texts = ("format", "run", "expires", "seal")
    if not isinstance(content, dict) or not all(isinstance(content.get(key), str) for key in texts):
        raise PlanRefused(f"{path} is no plan", advice="a plan is a file that `runbook plan NAME -o FILE` has written")
    if content["format"] != FORMAT:
        raise PlanRefused(
            f"{path} is a {content['format']!r}, and this version of runbook reads {FORMAT!r}", advice=AGAIN
        )
    return content


def _host(found: HostForecast) -> dict[str, object]:
    shown: dict[str, object] = {"host": found.host, "ended": found.ended}
    if found.message:
        shown["message"] = found.message
    return {**shown, "steps": [_step(p) for p in found.steps]}


def _step(found: Prediction) -> dict[str, object]:
    shown: dict[str, object] = {"step": found.step}
    if found.item >= 0:
        shown |= {"item": found.item, "label": found.label}
    shown |= {"name": found.name, "action": found.action, "verdict": str(found.will)}
    if found.why:
        shown["why"] = found.why
    if found.changes:
        shown["changes"] = [readable(change) for change in found.changes]
    return shown


def readable(value: object) -> object:
    """A value as JSON for a reader: templates as they were written, secrets as stars."""
    value = starred(value)
    if isinstance(value, Mapping):
        return {str(key): readable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [readable(item) for item in value]
    if isinstance(value, Template):
        return value.source
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).decode("utf-8", "backslashreplace")
    return value if isinstance(value, (str, int, float, bool)) or value is None else str(value)


def _utc(at: datetime) -> str:
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")
