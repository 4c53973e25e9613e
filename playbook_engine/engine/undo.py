"""`runbook rollback RUN`: taking back an ended run, from its journal alone, as a run of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from playbook_engine.engine.alarm import Cause, raised
from playbook_engine.engine.commands import Program, emit, now
from playbook_engine.engine.context import HostContext
from playbook_engine.engine.history import History
from playbook_engine.engine.ledger import Change, Fate, Ledger
from playbook_engine.engine.result import status_of
from playbook_engine.engine.rollback import Rollback, subject
from playbook_engine.engine.scope import Scope
from playbook_engine.engine.sending import call_time
from playbook_engine.engine.settle import recall
from playbook_engine.engine.step import StepRunner
from playbook_engine.journal.fold import ChangeView, HostView
from playbook_engine.model.errors import HostError, JournalError
from playbook_engine.model.events import HostFinished, HostUnreachable
from playbook_engine.model.outcome import HostStatus
from playbook_engine.model.runbook import Import, Runbook, Step, in_plan
from playbook_engine.transport.base import Reply

TOP = "main"


class UndoMachine:
    """Takes back what one host's journal says was changed, or may have been."""

    def __init__(
        self, context: HostContext, past: HostView, changes: Sequence[ChangeView], now: str, history: History
    ) -> None:
        self._context = context
        self._past = past
        self._changes = changes
        self._now = now
        self._ledger = Ledger()
        self._history = history
        self._steps = StepRunner(context, self._ledger, history)
        self._rollback = Rollback(context, self._ledger, self._steps, history)

    def run(self) -> Program[HostStatus]:
        """Ends with rolled_back, partly_rolled_back, rollback_failed, ok (nothing to take back) or unreachable."""
        began = yield from now()
        host = self._context.host.name
        try:
            status, message = yield from self._guarded()
            advice = ""
        except HostError as error:
            yield from emit(
                HostUnreachable(host=host, kind=error.kind, message=error.message, advice=error.advice or "")
            )
            status, message, advice = status_of(error), error.message, error.advice or ""
        if status in (HostStatus.ROLLBACK_FAILED, HostStatus.IN_DOUBT):
            yield from raised(self._context, status, message, Cause())
        ended = yield from now()
        yield from emit(
            HostFinished(host=host, status=status.value, message=message, advice=advice, seconds=ended - began)
        )
        return status

    def _guarded(self) -> Program[tuple[HostStatus, str]]:
        if not self._changes:
            return HostStatus.OK, "nothing to take back"
        yield from self._context.connect()
        finder = _Finder(self._context, self._past)
        changes: list[Change] = []
        busy: list[str] = []
        for view in self._changes:
            change = self._change(view, finder)
            why, there = (yield from self._settled(view, change)) if view.in_doubt else ("", True)
            busy += [why] if why else []
            changes += [change] if there else []
        if self._context.options.check:
            return (yield from self._preview(changes))
        if busy and not self._context.options.force:
            return HostStatus.IN_DOUBT, f"not touched: {'; '.join(busy)}; --force takes it back all the same"
        asked = f"asked for by {self._context.options.reason or 'the operator'}"
        try:
            result = yield from self._rollback.run(TOP, changes, asked, force=self._context.options.force)
        except HostError as error:
            advice = f" ({error.advice})" if error.advice else ""
            return HostStatus.ROLLBACK_FAILED, f"stopped half-way: {error.message}{advice}"
        if not result.proved:
            said = (*result.failed, *(f"{d['subject']} {d['aspect']} is not as before" for d in result.differences))
            return HostStatus.ROLLBACK_FAILED, "; ".join(said)
        if result.kept and not result.undone:
            return HostStatus.FAILED, f"nothing can be taken back; kept: {', '.join(result.kept)}"
        if result.kept:
            return HostStatus.PARTLY_ROLLED_BACK, f"kept: {', '.join(result.kept)}"
        return HostStatus.ROLLED_BACK, ""

    def _settled(self, view: ChangeView, change: Change) -> Program[tuple[str, bool]]:
        """(why it cannot be taken back yet, whether there is anything to take back) of a change in doubt.

        The host's record says how it ended. Where there is none, what was sent goes on to its own deadline: taking it
        back while it runs would prove a state that it then changes. Files are written in an instant.
        """
        told = yield from recall(view.intended, change.become, 0.0, run=self._context.plan.of)
        status, outcome = told.get("status"), told.get("outcome")
        if status == "running":
            return f"{view.intended.name} still runs on the host, as process {told.get('pid')}", True
        if status == "unseen":
            return "", False
        if status == "recorded" and isinstance(outcome, Mapping):
            reply = Reply.of(outcome)
            change.fate = Fate.APPLIED if reply.ok else Fate.FAILED
            change.after = reply.state or {}
            return "", not reply.untouched
        rebooted = view.boot_id and told.get("boot_id") not in (None, "", view.boot_id)
        until = datetime.fromisoformat(view.at) + timedelta(seconds=call_time(change.step))
        if rebooted or view.intended.before.get("path") or datetime.fromisoformat(self._now) >= until:
            return "", True
        return f"{view.intended.name} may still be running on the host, until {until:%H:%M:%S} UTC", True

    def _preview(self, changes: Sequence[Change]) -> Program[tuple[HostStatus, str]]:
        """What `--check` says: what would be taken back, and what refused because somebody changed it since."""
        refused = []
        for change in reversed(changes):
            if change.event.reversible == "action" and change.fate is Fate.APPLIED and change.after:
                moved = yield from self._rollback.moved(change)
                # An earlier change of the same thing is compared only once the later one is undone.
                if moved and not any(subject(c) == subject(change) for c in changes[changes.index(change) + 1 :]):
                    refused.append(f"{change.event.name}: {moved}")
        names = ", ".join(c.event.name for c in reversed(changes))
        if refused:
            return HostStatus.FAILED, f"would refuse: {'; '.join(refused)}"
        return HostStatus.CHANGED, f"would take back: {names}"

    def _change(self, view: ChangeView, finder: _Finder) -> Change:
        step, scope = finder.step(view.intended.step)
        become = self._context.became(view.intended, step)
        fate = {True: Fate.APPLIED, False: Fate.FAILED, None: Fate.INTENDED}[view.applied]
        after = view.after.state if view.after else {}
        return Change(event=view.intended, step=step, scope=scope, become=become, fate=fate, after=after, past=view)


class _Finder:
    """Steps of a journaled plan with the variables that their host had."""

    def __init__(self, context: HostContext, past: HostView) -> None:
        self._context = context
        self._past = past
        self._found: dict[str, tuple[Step, Scope]] = {}
        plan = context.plan
        scope = Scope(plan, context.host, plan.runbook, plan.variables, context.templar)
        if past.facts:
            scope.set["ansible_facts"] = dict(past.facts.facts)
        self._walk(plan.runbook, scope)

    def step(self, step_id: str) -> tuple[Step, Scope]:
        """Raises JournalError."""
        try:
            return self._found[in_plan(step_id)]
        except KeyError:
            raise JournalError(f"the journal's plan has no step {step_id}") from None

    def _walk(self, runbook: Runbook, scope: Scope) -> None:
        self._registered(runbook, scope)
        for entry in runbook.everything():
            if isinstance(entry, Import):
                self._walk(entry.runbook, scope.inside(entry))
            else:
                self._found[entry.id] = (entry, scope.of(entry))

    def _registered(self, runbook: Runbook, scope: Scope) -> None:
        named = {s.id: s.register for s in runbook.everything() if isinstance(s, Step) and s.register}
        for view in self._past.steps:
            if view.finished and in_plan(view.started.step) in named:
                scope.set[named[in_plan(view.started.step)]] = dict(view.finished.result)
