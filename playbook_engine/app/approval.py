"""Answering a run that waits for consent: what it asks, bound to what, and whether this person may answer."""

from __future__ import annotations

from collections.abc import Iterator

from playbook_engine.app.hiding import hide_secrets
from playbook_engine.app.runs import view_of
from playbook_engine.app.wiring import App
from playbook_engine.engine.plan_data import plan_from
from playbook_engine.engine.plan_hash import parameters, plan_hash
from playbook_engine.journal.approvals import Answer, Approvals, person
from playbook_engine.model.errors import JournalError, UsageError
from playbook_engine.model.events import ApprovalRequested
from playbook_engine.model.frozen import frozen


@frozen
class Waiting:
    """What a run waits for."""

    run: str
    title: str
    name: str
    event: ApprovalRequested
    plan: str
    started_by: str
    parameters: dict[str, object]

    def lines(self) -> Iterator[str]:
        """For whoever is to decide."""
        event = self.event
        yield f"{self.run} · {self.title} · started by {self.started_by}"
        yield f"  asks: {event.message}"
        some = ", ".join(event.hosts[:8]) + (f" and {len(event.hosts) - 8} more" if len(event.hosts) > 8 else "")
        yield f"  on {len(event.hosts)} host{'s' if len(event.hosts) != 1 else ''}: {some}"
        for key, value in self.parameters.items():
            yield f"  {key}: {value}"
        yield f"  plan {event.plan_sha256[:12]}, until {event.expires}"


def waiting(app: App, run: str) -> Waiting:
    """The newest question of a run. Raises UsageError when there is none, or when this person may not answer it;
    JournalError when the plan in the journal is not the one that is asked about."""
    view = view_of(app, run)
    answered = {each.approval: each for each in view.answers}
    event = next((e for e in reversed(view.approvals.values())), None)
    if event is None or view.finished is not None:
        raise UsageError(f"{run} waits for nobody", advice="`runbook status` lists what is going on")
    final = answered.get(event.approval)
    if final is not None and (final.answer != "yes" or event.count == 1):
        raise UsageError(f"{run}: {event.name} is decided already: {final.answer} {final.actor}".strip())
    if app.clock.utc() > event.expires:
        raise UsageError(f"{run}: the time to answer {event.name} was over at {event.expires}")
    me = app.settings.actor
    if person(me) in {person(each) for each in (view.started.actor, *(r.actor for r in view.resumed))}:
        raise UsageError(f"{me} cannot answer: whoever started or resumed a run does not approve it")
    if event.by and person(me) not in event.by and me not in event.by:
        raise UsageError(f"{me} cannot answer: {' or '.join(event.by)} may")
    plan = plan_from(view.started.plan)
    hide_secrets(app, plan)
    if plan_hash(plan) != event.plan_sha256:
        raise JournalError(f"{run}: what the journal holds is not what is asked about")
    return Waiting(
        run=run, title=view.started.title or view.started.runbook, name=event.name, event=event,
        plan=event.plan_sha256, started_by=view.started.actor, parameters=parameters(plan),
    )  # fmt: skip


def give(app: App, asked: Waiting, *, yes: bool, reason: str) -> None:
    """Leaves the answer for the run. Raises JournalError."""
    answer = Answer(
        approval=asked.event.approval, plan=asked.plan, actor=app.settings.actor, yes=yes, reason=reason,
        at=app.clock.utc(),
    )  # fmt: skip
    Approvals(app.store.folder(asked.run)).give(answer)
