"""Escalations from the outside: which there are, what they say, and how people answer them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

from playbook_engine.app.alarms import start
from playbook_engine.app.wiring import App
from playbook_engine.escalation.answers import Answer, Answers, Word, linked
from playbook_engine.escalation.ladder import due
from playbook_engine.escalation.letters import summary
from playbook_engine.escalation.policies import from_text
from playbook_engine.escalation.policy import Policy
from playbook_engine.escalation.single import hold
from playbook_engine.escalation.view import EscalationView, State, fold
from playbook_engine.journal import keys
from playbook_engine.model.errors import EngineError, JournalError, NotFound, UsageError
from playbook_engine.report import text
from playbook_engine.report.escalation import Told
from playbook_engine.report.escalation_log import as_lines, as_rows

HEARD = 20.0  # seconds that the dispatcher may take to hear an answer
DONE = {Word.ACK: "taken", Word.RESOLVE: "over", Word.NOTE: "noted"}


def found(app: App, name: str) -> tuple[EscalationView, Policy]:
    """An escalation by its id, a unique part of it, or `last`. Raises NotFound, JournalError."""
    try:
        escalation = app.escalations.find(name)
    except NotFound as error:
        raise NotFound(error.message, advice="`runbook escalations --all` lists them") from error
    return _read(app, escalation)


def _read(app: App, escalation: str) -> tuple[EscalationView, Policy]:
    view = fold(app.escalations.read(escalation).records)
    if view is None:
        raise JournalError(f"the journal of {escalation} has no readable first record")
    snapshot = view.opened.snapshot
    return view, from_text(str(snapshot.get("text")), str(snapshot.get("file")))


def every(app: App) -> Iterator[tuple[EscalationView, Policy]]:
    """All that can be read, oldest first."""
    for name in app.escalations.runs():
        try:
            yield _read(app, name)
        except EngineError:
            continue  # `runbook escalation show` says why


def of_run(app: App, run: str) -> list[tuple[EscalationView, Policy]]:
    """The escalations that a run has a part in."""
    return [(view, policy) for view, policy in every(app) if run in view.runs]


def standing_of(app: App, run: str) -> tuple[list[Told], list[str]]:
    """Whom the escalations of a run have told, and how each stands, in words."""
    told: list[Told] = []
    standing: list[str] = []
    for view, policy in of_run(app, run):
        about = summary(policy, view)
        told += about.told
        said = {
            State.OPEN: f"open: {about.next}", State.ACKNOWLEDGED: about.acknowledged,
            State.EXHAUSTED: "every level was told, and nobody has answered", State.RESOLVED: f"over: {about.over}",
        }[view.state]  # fmt: skip
        standing.append(f"{view.id} ({policy.name}), {said}")
    return told, standing


def answer(app: App, name: str, word: str, by: str, note: str, *, url: str = "") -> str:
    """Leaves somebody's word and sees to it that it is heard. Returns what to tell them.

    Raises NotFound, UsageError (it is over; the link is none), JournalError.
    """
    view, _ = found(app, name)
    who = by or app.settings.actor
    if url:
        key = keys.load(app.escalations.folder(view.id) / "key").chain
        who = linked(url, key, view.id)
        if not who:
            raise UsageError(f"the link was not made for {view.id}", advice="copy the whole of it, or leave --link out")
    if view.state is State.RESOLVED:
        assert view.resolved is not None
        raise UsageError(f"{view.id} is over: {view.resolved.why}", advice=f"`runbook escalation show {view.id}`")
    if word == Word.NOTE and not note.strip():
        raise UsageError("the note is empty")
    given = Answer(word=Word(word), by=who, note=note, via="link" if url else "command")
    Answers(app.escalations.folder(view.id)).give(given)
    start(app)
    until = app.clock.monotonic() + HEARD
    while Answers(app.escalations.folder(view.id)).waiting():
        if app.clock.monotonic() > until:
            raise JournalError(
                f"{view.id}: the answer is left, and nobody has taken it in yet",
                advice=f"`runbook escalation dispatch` does; {app.settings.state}/escalations/dispatcher.log says why",
            )
        app.clock.sleep(0.1)
    now, policy = _read(app, view.id)
    coming = due(policy, now)
    said = f"{view.id} {DONE[Word(word)]} by {who}"
    if word == Word.ACK and coming is not None:
        span = policy.again_after / 60
        return f"{said}; without progress for {span:g} min it begins anew (`runbook escalation note`, or a run, counts)"
    return said


def listed(app: App, *, everything: bool, as_json: bool) -> str:
    """The escalations that are not over, newest last; `everything`: all."""
    rows = [(v, p) for v, p in every(app) if everything or not v.over]
    if as_json:
        return json.dumps([_data(p, v) for v, p in rows], indent=2)
    if not rows:
        return "nobody is being escalated to" if not everything else "there were no escalations yet"
    lines = []
    for view, policy in rows:
        about = summary(policy, view)
        last = about.told[-1] if about.told else None
        lines.append(
            f"{view.id}  {view.state:<12} {about.severity}  {'DRILL ' if about.drill else ''}"
            f"{text.shortened(text.one_line(about.why), 90)}"
        )
        lines.append(
            f"    {text.listed(about.hosts, 4)}; told last: {f'{last.name} ({last.outcome})' if last else 'nobody'}"
        )
        if about.acknowledged and view.state is State.ACKNOWLEDGED:
            lines.append(f"    {about.acknowledged}")
        if about.next:
            lines.append(f"    {about.next}")
    if any(due(p, v) for v, p in rows) and not _working(app):
        lines.append("no dispatcher works at these: `runbook escalation dispatch` sends what is due")
    return "\n".join(lines)


def _working(app: App) -> bool:
    lock = hold(app.settings.state / "escalations")
    if lock is None:
        return True
    os.close(lock)
    return False


def told(app: App, policy: Policy, view: EscalationView) -> str:
    """One escalation as text: the whole of its journal, and what comes next."""
    about = summary(policy, view)
    head = [
        f"{view.id}  {view.state}  {about.severity}{'  DRILL ' + about.drill if about.drill else ''}",
        f"policy {policy.name}; {about.trigger} in {', '.join(view.runs)} on {text.listed(about.hosts, 6)}",
        text.one_line(about.why), "",
    ]  # fmt: skip
    log = as_lines(app.escalations.read(view.id).records, {c.id: c.name for c in policy.contacts})
    return app.redactor.text("\n".join([*head, *log, *([f"next: {about.next}"] if about.next else [])]))


def data_of(app: App, policy: Policy, view: EscalationView) -> str:
    rows = as_rows(app.escalations.read(view.id).records, {c.id: c.name for c in policy.contacts})
    return app.redactor.text(json.dumps({**_data(policy, view), "log": rows}, indent=2))


def _data(policy: Policy, view: EscalationView) -> dict[str, object]:
    about = summary(policy, view)
    return {
        "id": view.id, "state": str(view.state), "severity": about.severity, "policy": policy.name,
        "trigger": view.opened.trigger, "runs": view.runs, "runbook": view.opened.runbook, "hosts": about.hosts,
        "why": about.why, "drill": about.drill, "opened": about.opened, "next": about.next,
        "acknowledged": about.acknowledged, "over": about.over,
    }  # fmt: skip
