"""The order of a run on one host: a pure generator of commands, from the plan and the answers it is sent.

connect · preconditions, on all hosts before the first change · the batch's turn · steps and handlers (`engine/walk.py`)
· checks · the end. It is a function of what it is sent: no clock, no I/O. Driving it with recorded answers gives the
same run again.
"""

from __future__ import annotations

from playbook_engine.engine.alarm import Cause, raised
from playbook_engine.engine.commands import Gate, Join, Place, Program, emit, now
from playbook_engine.engine.context import HostContext
from playbook_engine.engine.crowd import OVER
from playbook_engine.engine.history import History
from playbook_engine.engine.ledger import Ledger
from playbook_engine.engine.probe import watch
from playbook_engine.engine.records import check, precondition
from playbook_engine.engine.result import Ended, StepResult, Stopped, status_of
from playbook_engine.engine.rollback import Rollback, RollbackResult
from playbook_engine.engine.scope import FACTS, Scope
from playbook_engine.engine.selection import begins
from playbook_engine.engine.step import StepRunner
from playbook_engine.engine.walk import FATAL, Cancelled, Walk
from playbook_engine.model.errors import EngineError, HostError, Interrupted, LoadError
from playbook_engine.model.events import (
    HostFinished,
    HostUnreachable,
    ScopeFinished,
)
from playbook_engine.model.outcome import HostStatus, Outcome, Verdict
from playbook_engine.model.runbook import Import, OnFailure, Otherwise, Probe, Runbook

TOP = "main"
GO_ON = "`runbook resume` goes on with taking back as soon as the host is there again"
End = tuple[HostStatus, str, str]
"""How a host ends: status, message, advice."""


class HostMachine:
    """One host's run."""

    def __init__(self, context: HostContext, history: History) -> None:
        self.context = context
        self.history = history
        self.ledger = Ledger()
        self.steps = StepRunner(context, self.ledger, history)
        plays = context.plan.runbook.steps if context.plan.runbook.playbook else ()
        wanted = context.options.start_at
        self.waits_for = "" if plays else wanted
        self._begins_with = next((e.id for e in plays if isinstance(e, Import) and begins(e.runbook, wanted)), "")
        self._waits = bool(plays and wanted)
        self._host = context.host.name
        self._rollback = Rollback(context, self.ledger, self.steps, history)
        self._changed = False
        self._failed_on: list[str] = []
        self._unmeasured: list[str] = []
        self._cause = Cause()

    def run(self) -> Program[HostStatus]:
        """The whole of it; ends with the host's status, which is also its HostFinished event."""
        began = yield from now()
        try:
            if not self.context.plan.runbook.playbook:  # a play may make the host that a later one is for
                yield from self._connect()
            status, message, advice = yield from self._guarded()
        except Stopped as stop:
            status, message, advice = stop.status, stop.message, stop.advice
        except HostError as error:
            status, message, advice = status_of(error), error.message, error.advice or ""
        if not status.good:
            self.context.crowd.out.add(self._host)
            yield from raised(self.context, status, message, self._cause)
        ended = yield from now()
        yield from emit(
            HostFinished(host=self._host, status=status.value, message=message, advice=advice, seconds=ended - began)
        )
        return status

    def _connect(self) -> Program[None]:
        try:
            yield from self.context.connect()
        except HostError as error:
            yield from emit(
                HostUnreachable(host=self._host, kind=error.kind, message=error.message, advice=error.advice or "")
            )
            yield Gate("preconditions", fit=False)
            raise Stopped(status_of(error), error.message, error.advice or "") from error

    def _guarded(self) -> Program[End]:
        context, runbook = self.context, self.context.plan.runbook
        scope = Scope(context.plan, context.host, runbook, context.plan.variables, context.templar, context.crowd)
        context.crowd.shows(self._host, scope.set)
        if self.history.facts is not None:
            scope.set[FACTS] = dict(self.history.facts)
        try:
            yield from self._preconditions(runbook, scope, TOP)
        except Exception:
            yield Gate("preconditions", fit=False)
            raise
        stop = yield Gate("preconditions")
        if stop:
            raise Stopped(HostStatus.ABORTED, str(stop))
        again = yield Gate("turn")
        if again not in (None, "again"):
            raise Stopped(HostStatus.ABORTED, str(again))
        if again == "again":
            yield from self._preconditions(runbook, scope, TOP)
        try:
            end = yield from self._runbook(runbook, scope, TOP, (), ())
        except Ended:
            end = None
        if end is not None:
            return end
        if self._failed_on:
            return HostStatus.FAILED, f"went on after: {'; '.join(self._failed_on)}", ""
        if self._unmeasured:
            return HostStatus.UNKNOWN, f"could not be measured: {'; '.join(self._unmeasured)}", ""
        return (HostStatus.CHANGED if self._changed else HostStatus.OK), "", ""

    # ---------------------------------------------------------------- one runbook

    def _runbook(
        self, runbook: Runbook, scope: Scope, scope_id: str, tags: tuple[str, ...], place: Place
    ) -> Program[End | None]:
        """Steps, handlers, checks of a runbook; None when all is well, else how the host ends."""
        begun = self.history.rollback(scope_id)
        walk = Walk(self, runbook, scope, scope_id, tags, place)
        try:
            failed = yield from walk.all()
        except Cancelled as cancelled:
            return (yield from self._failure(str(cancelled), "", runbook, scope_id))
        if failed is not None and failed.ended is not None:
            return failed.ended, failed.message, failed.advice
        if failed is not None and failed.kind == FATAL:
            raise Stopped(HostStatus.ABORTED, failed.message)
        if failed is not None and failed.unreachable:
            raise Stopped(HostStatus.UNREACHABLE, failed.message, failed.advice)
        if failed is not None:
            return (yield from self._failure(failed.message, failed.advice, runbook, scope_id))
        if begun is not None:  # its checks did not hold then; whether they do by now is not the question
            return (yield from self._failure(begun.why, "", runbook, scope_id))
        wanted = not self.context.options.check or not runbook.steps  # a runbook of checks alone only looks
        if wanted and self.history.scope(scope_id) != "ok":
            end = yield from self._criteria(runbook, scope, scope_id)
            if end is not None:
                return end
        if over := walk.ended_play and runbook.play:
            self.context.crowd.over.add(scope_id)
        self.ledger.settle(scope_id)
        yield from self._ended(scope_id, runbook.name, OVER if over else "ok")
        return None

    # ------------------------------------------------------- what the walk tells

    def noted(self, result: StepResult) -> None:
        self._changed = self._changed or result.outcome is Outcome.CHANGED

    def because(self, kind: str, step: str) -> None:
        """What a host that does not end well has it from."""
        self._cause = Cause(kind=kind, step=step)

    def went_on_after(self, message: str) -> None:
        self._failed_on.append(message)

    def not_measured(self, message: str) -> None:
        self._unmeasured.append(message)

    def _ended(self, scope_id: str, name: str, outcome: str) -> Program[None]:
        """A runbook or import has ended; said once."""
        if not self.history.scope(scope_id):
            yield from emit(ScopeFinished(host=self._host, scope=scope_id, name=name, outcome=outcome))

    def _failure(self, message: str, advice: str, runbook: Runbook, scope_id: str) -> Program[End | None]:
        """A measured failure: roll back the innermost runbook, stop, or go on, as the runbook says."""
        if runbook.on_failure is OnFailure.CONTINUE:
            self._failed_on.append(message)
            return None
        changes = self.ledger.of_scope(scope_id)
        outcome = "failed"
        status = HostStatus.FAILED
        if changes and all(c.event.reversible == "irreversible" for c in changes):
            message += f" — kept, as it cannot be taken back: {', '.join(c.event.name for c in changes)}"
        elif runbook.on_failure is OnFailure.ROLLBACK and changes and not self.context.options.check:
            try:
                result = yield from self._rollback.run(scope_id, changes, message)
            except HostError as error:
                said = f"{message} — and taking it back stopped half-way: {error.message}"
                raise Stopped(HostStatus.ROLLBACK_FAILED, said, error.advice or GO_ON) from error
            status = _status(result)
            outcome = status.value
            self.ledger.settle(scope_id)
            if result.failed or result.differences:
                said = "; ".join((*result.failed, *(f"{d['subject']} {d['aspect']}" for d in result.differences)))
                message = f"{message} — and the rollback is not proved: {said}"
        yield from self._ended(scope_id, runbook.name, outcome)
        return status, message, advice

    def imported(
        self, entry: Import, scope: Scope, tags: tuple[str, ...], place: Place
    ) -> Program[End | None]:  # fmt: skip
        """Another runbook in this place. Its preconditions are evaluated now; its `skip` skips the import only."""
        if entry.hosts is not None:
            return (yield from self._play(entry, scope, tags, place))
        if self.history.scope(entry.id) == "skipped":
            return None
        begun = self.history.began(entry.id)
        if scope.undetermined(entry.params, conditions=entry.when):
            yield from self._ended(entry.id, entry.name, "unknown")
            return None
        try:
            yield from self.context.facts(scope, entry.params, conditions=() if begun else entry.when)
            variables = scope.variables()
            if not begun and not all(self.context.templar.evaluate(c, variables, entry.where) for c in entry.when):
                yield from self._ended(entry.id, entry.name, "skipped")
                return None
            inner = scope.inside(entry)
        except LoadError as error:
            raise Stopped(HostStatus.FAILED, f"{entry.name}: {error}", error.advice or "") from error
        try:
            yield from self._preconditions(entry.runbook, inner, entry.id)
        except Stopped as stop:
            if stop.status is HostStatus.OK:
                yield from self._ended(entry.id, entry.name, "skipped")
                return None
            if stop.status is not HostStatus.ABORTED:
                yield from self._ended(entry.id, entry.name, "failed")
            raise
        return (yield from self._entered(entry, scope, inner, tags, place))

    def _entered(
        self, entry: Import, scope: Scope, inner: Scope, tags: tuple[str, ...], place: Place
    ) -> Program[End | None]:
        self.context.crowd.shows(self._host, inner.set)
        end = yield from self._runbook(entry.runbook, inner, entry.id, tags, place)
        scope.set.update(inner.set)
        scope.unknown |= inner.unknown
        self.context.crowd.shows(self._host, scope.set)
        return end

    def _play(self, entry: Import, scope: Scope, tags: tuple[str, ...], place: Place) -> Program[End | None]:
        """A play: for its own hosts, when the batches before have been through it."""
        batch = next((n for n, names in enumerate(entry.batches) if self._host in names), None)
        if entry.id == self._begins_with:
            self._waits = False
        if batch is None or self._waits:
            return None
        here = (*place, batch)
        stop = yield Gate("step", place=here)
        if stop:
            raise Stopped(HostStatus.ABORTED, str(stop))
        if entry.id in self.context.crowd.over and not self.history.began(entry.id):
            yield from self._ended(entry.id, entry.name, "skipped")
            return None
        yield Join(play=entry, batch=batch)
        self.waits_for = self.context.options.start_at if entry.id == self._begins_with else ""
        inner = scope.inside(entry)
        try:
            return (yield from self._entered(entry, scope, inner, tags, here))
        except Ended:  # of this play; the next one may be for the host as well
            scope.set.update(inner.set)
            return None

    # ------------------------------------------------------- preconditions and checks

    def _preconditions(self, runbook: Runbook, scope: Scope, scope_id: str) -> Program[None]:
        """All of them, reported together. Raises Stopped; `fail` outranks `skip`.

        Where a controller before this one has begun, there is something to do, and what does not hold any more stops
        the host until a person has decided. A rollback that was begun is finished in any case.
        """
        if self.history.scope(scope_id) == "ok" or self.history.rolling_back():
            return
        begun = self.history.changed() if scope_id == TOP else self.history.began(scope_id)
        refused: list[str] = []
        skipped: list[str] = []
        for probe in runbook.preconditions:
            if not (yield from self._wanted(probe, scope)):
                continue
            finding = yield from watch(self.context, scope, probe, {})
            if probe.register:
                scope.set[probe.register] = dict(finding.result)
            yield from emit(precondition(self._host, scope_id, probe, finding))
            if finding.verdict is Verdict.MET:
                continue
            said = f"{probe.name}: {finding.detail or finding.verdict}"
            decided = {probe.name, probe.id} & set(self.context.options.skip)
            if decided or (begun and probe.otherwise is Otherwise.SKIP):
                continue
            if probe.otherwise is Otherwise.SKIP and finding.verdict is Verdict.NOT_MET:
                why = f" ({finding.detail})" if finding.detail != "it does not hold" else ""
                skipped.append(f"“{probe.name}” does not hold{why}")
            elif not (self.context.options.check and finding.detail.startswith("left out")):
                refused.append(said)
        if refused and begun:
            raise Stopped(
                HostStatus.ABORTED, f"held when the run began, and does not hold now: {'; '.join(refused)}",
                "if the run itself is why: `runbook resume --skip 'NAME OF THE PRECONDITION' --reason …`; "
                "`runbook rollback` takes back what was done",
            )  # fmt: skip
        if refused:
            self._cause = Cause(kind="precondition")
            where = "" if scope_id == TOP else f"{runbook.name}: "
            raise Stopped(HostStatus.FAILED, f"{where}preconditions not met, nothing was touched: {'; '.join(refused)}")
        if skipped:
            raise Stopped(HostStatus.OK, f"nothing to do here: {'; '.join(skipped)}")

    def _criteria(self, runbook: Runbook, scope: Scope, scope_id: str) -> Program[End | None]:
        """The success criteria of the whole runbook."""
        bad: list[str] = []
        unknown: list[str] = []
        for probe in runbook.checks:
            if not (yield from self._wanted(probe, scope)):
                continue
            try:
                finding = yield from watch(self.context, scope, probe, {})
            except Interrupted as error:
                return (yield from self._failure(error.message, "", runbook, scope_id))
            if probe.register:
                scope.set[probe.register] = dict(finding.result)
            yield from emit(check(self._host, "criterion", scope_id, probe, finding))
            if finding.verdict is Verdict.UNKNOWN:
                unknown.append(f"{probe.name}: {finding.detail}")
            elif finding.verdict is not Verdict.MET:
                bad.append(f"{probe.name}: {finding.detail or finding.verdict}")
        if bad:
            self._unmeasured += unknown
            self._cause = Cause(kind="criterion")
            return (yield from self._failure(f"not achieved: {'; '.join(bad)}", "", runbook, scope_id))
        if unknown and runbook.on_failure is OnFailure.CONTINUE:
            self._unmeasured += unknown
        elif unknown:
            raise Stopped(HostStatus.UNKNOWN, f"could not be measured: {'; '.join(unknown)}")
        return None

    def _wanted(self, probe: Probe, scope: Scope) -> Program[bool]:
        if not probe.when:
            return True
        try:
            yield from self.context.facts(scope, conditions=probe.when)
            return all(self.context.templar.evaluate(c, scope.variables(), probe.where) for c in probe.when)
        except EngineError as error:
            if isinstance(error, HostError):
                raise
            raise Stopped(HostStatus.FAILED, f"{probe.name}: {error}", error.advice or "") from error


def _status(result: RollbackResult) -> HostStatus:
    if not result.proved:
        return HostStatus.ROLLBACK_FAILED
    return HostStatus.PARTLY_ROLLED_BACK if result.kept else HostStatus.ROLLED_BACK
