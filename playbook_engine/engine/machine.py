"""The order of a run on one host: a pure generator of commands, from the plan and the answers it is sent.

connect · preconditions, on all hosts before the first change · the batch's turn · steps · handlers · checks · the end.
It is a function of what it is sent: no clock, no I/O. Driving it with recorded answers gives the same run again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from playbook_engine.engine.alarm import Cause, raised
from playbook_engine.engine.commands import Cancel, Gate, Program, emit, now
from playbook_engine.engine.context import HostContext
from playbook_engine.engine.history import History
from playbook_engine.engine.ledger import Ledger
from playbook_engine.engine.probe import watch
from playbook_engine.engine.records import check, precondition
from playbook_engine.engine.result import StepResult, status_of
from playbook_engine.engine.rollback import Rollback, RollbackResult
from playbook_engine.engine.scope import FACTS, Scope
from playbook_engine.engine.step import StepRunner
from playbook_engine.model.errors import EngineError, HostError, Interrupted, LoadError
from playbook_engine.model.events import (
    HostFinished,
    HostUnreachable,
    ScopeFinished,
)
from playbook_engine.model.outcome import HostStatus, Outcome, Verdict
from playbook_engine.model.runbook import Import, OnFailure, Otherwise, Probe, Runbook, Step

TOP = "main"
GO_ON = "`runbook resume` goes on with taking back as soon as the host is there again"


class Stopped(Exception):
    """The host ends here with this status; raised inside the machine only."""

    def __init__(self, status: HostStatus, message: str = "", advice: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.advice = advice


class HostMachine:
    """One host's run."""

    def __init__(self, context: HostContext, history: History) -> None:
        self._context = context
        self._history = history
        self._host = context.host.name
        self._ledger = Ledger()
        self._steps = StepRunner(context, self._ledger, history)
        self._rollback = Rollback(context, self._ledger, self._steps, history)
        self._changed = False
        self._failed_on: list[str] = []
        self._unmeasured: list[str] = []
        self._cause = Cause()

    def run(self) -> Program[HostStatus]:
        """The whole of it; ends with the host's status, which is also its HostFinished event."""
        began = yield from now()
        try:
            yield from self._connect()
            status, message, advice = yield from self._guarded()
        except Stopped as stop:
            status, message, advice = stop.status, stop.message, stop.advice
        except HostError as error:
            status, message, advice = status_of(error), error.message, error.advice or ""
        if not status.good:
            yield from raised(self._context, status, message, self._cause)
        ended = yield from now()
        yield from emit(
            HostFinished(host=self._host, status=status.value, message=message, advice=advice, seconds=ended - began)
        )
        return status

    def _connect(self) -> Program[None]:
        try:
            yield from self._context.connect()
        except HostError as error:
            yield from emit(
                HostUnreachable(host=self._host, kind=error.kind, message=error.message, advice=error.advice or "")
            )
            yield Gate("preconditions", fit=False)
            raise Stopped(status_of(error), error.message, error.advice or "") from error

    def _guarded(self) -> Program[tuple[HostStatus, str, str]]:
        context, runbook = self._context, self._context.plan.runbook
        scope = Scope(context.plan, context.host, runbook, context.plan.variables, context.templar)
        if self._history.facts is not None:
            scope.set[FACTS] = dict(self._history.facts)
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
        end = yield from self._runbook(runbook, scope, TOP, ())
        if end is not None:
            return end
        if self._failed_on:
            return HostStatus.FAILED, f"went on after: {'; '.join(self._failed_on)}", ""
        if self._unmeasured:
            return HostStatus.UNKNOWN, f"could not be measured: {'; '.join(self._unmeasured)}", ""
        return (HostStatus.CHANGED if self._changed else HostStatus.OK), "", ""

    # ---------------------------------------------------------------- one runbook

    def _runbook(
        self, runbook: Runbook, scope: Scope, scope_id: str, tags: tuple[str, ...]
    ) -> Program[tuple[HostStatus, str, str] | None]:
        """Steps, handlers, checks of a runbook; None when all is well, else how the host ends."""
        handlers = {name: h for h in runbook.handlers for name in (h.name, *h.listen)}
        begun = self._history.rollback(scope_id)
        for number, entry in enumerate(runbook.steps, 1):
            stop = yield Gate("step")
            if isinstance(stop, Cancel):
                return (yield from self._failure(str(stop), "", runbook, scope_id, handlers))
            if stop:
                return HostStatus.ABORTED, str(stop), ""
            if not isinstance(entry, Import) and not self._selected((*tags, *entry.tags)):
                continue
            if begun is not None and not self._history.reached(scope_id, entry.id):
                break  # the rollback began before this one: nothing new is done
            if isinstance(entry, Import):
                end = yield from self._import(entry, scope, (*tags, *entry.tags))
                if end is not None:
                    return end
                continue
            following = self._following(runbook.steps[number:], tags)
            result = yield from self._steps.run(entry, scope, scope_id, following=following)
            self._changed = self._changed or result.outcome is Outcome.CHANGED
            end = yield from self._after(result, entry.name, runbook, scope_id, handlers)
            if end is not None:
                return end
        for name in self._ledger.take_pending(scope_id):
            handler = handlers.get(name)
            if handler is None:
                continue
            if begun is not None and not self._history.reached(scope_id, handler.id):
                self._ledger.notify(scope_id, (name,))  # it waited when the rollback began
                continue
            result = yield from self._steps.run(handler, scope, scope_id, handler=True)
            end = yield from self._after(result, f"handler {name}", runbook, scope_id, handlers)
            if end is not None:
                return end
        if begun is not None:  # its checks did not hold then; whether they do by now is not the question
            return (yield from self._failure(begun.why, "", runbook, scope_id, handlers))
        wanted = not self._context.options.check or not runbook.steps  # a runbook of checks alone only looks
        if wanted and self._history.scope(scope_id) != "ok":
            end = yield from self._criteria(runbook, scope, scope_id, handlers)
            if end is not None:
                return end
        self._ledger.settle(scope_id)
        yield from self._ended(scope_id, runbook.name, "ok")
        return None

    def _ended(self, scope_id: str, name: str, outcome: str) -> Program[None]:
        """A runbook or import has ended; said once."""
        if not self._history.scope(scope_id):
            yield from emit(ScopeFinished(host=self._host, scope=scope_id, name=name, outcome=outcome))

    def _after(
        self, result: StepResult, name: str, runbook: Runbook, scope_id: str, handlers: Mapping[str, Step]
    ) -> Program[tuple[HostStatus, str, str] | None]:
        """What a step's end means for the host."""
        if not result.stops:
            return None
        self._cause = Cause(kind=result.kind, step=name)
        message = f"{name}: {result.message}"
        if result.outcome is Outcome.UNREACHABLE:
            taken = result.kind in ("locked", "fenced")  # by another run: nothing here has failed
            raise Stopped(HostStatus.ABORTED if taken else HostStatus.UNREACHABLE, message, result.advice)
        if result.outcome is Outcome.IN_DOUBT:
            raise Stopped(HostStatus.IN_DOUBT, message, result.advice)
        if result.kind == "stopped":
            raise Stopped(HostStatus.ABORTED, result.message)
        if result.outcome is Outcome.UNKNOWN:
            if self._context.options.check:
                return None  # a probe that --check leaves out is reported, and does not stop the preview
            if runbook.on_failure is OnFailure.CONTINUE:
                self._unmeasured.append(message)
                return None
            raise Stopped(HostStatus.UNKNOWN, message, result.advice)
        return (yield from self._failure(message, result.advice, runbook, scope_id, handlers))

    def _failure(
        self, message: str, advice: str, runbook: Runbook, scope_id: str, handlers: Mapping[str, Step]
    ) -> Program[tuple[HostStatus, str, str] | None]:
        """A measured failure: roll back the innermost runbook, stop, or go on, as the runbook says."""
        if runbook.on_failure is OnFailure.CONTINUE:
            self._failed_on.append(message)
            return None
        changes = self._ledger.of_scope(scope_id)
        outcome = "failed"
        status = HostStatus.FAILED
        if changes and all(c.event.reversible == "irreversible" for c in changes):
            message += f" — kept, as it cannot be taken back: {', '.join(c.event.name for c in changes)}"
        elif runbook.on_failure is OnFailure.ROLLBACK and changes and not self._context.options.check:
            try:
                result = yield from self._rollback.run(scope_id, changes, handlers, message)
            except HostError as error:
                said = f"{message} — and taking it back stopped half-way: {error.message}"
                raise Stopped(HostStatus.ROLLBACK_FAILED, said, error.advice or GO_ON) from error
            status = _status(result)
            outcome = status.value
            self._ledger.settle(scope_id)
            if result.failed or result.differences:
                said = "; ".join((*result.failed, *(f"{d['subject']} {d['aspect']}" for d in result.differences)))
                message = f"{message} — and the rollback is not proved: {said}"
        yield from self._ended(scope_id, runbook.name, outcome)
        return status, message, advice

    def _import(
        self, entry: Import, scope: Scope, tags: tuple[str, ...]
    ) -> Program[tuple[HostStatus, str, str] | None]:
        """Another runbook in this place. Its preconditions are evaluated now; its `skip` skips the import only."""
        if self._history.scope(entry.id) == "skipped":
            return None
        begun = self._history.began(entry.id)
        if scope.undetermined(entry.params, conditions=entry.when):
            yield from self._ended(entry.id, entry.name, "unknown")
            return None
        try:
            yield from self._context.facts(scope, entry.params, conditions=() if begun else entry.when)
            variables = scope.variables()
            if not begun and not all(self._context.templar.evaluate(c, variables, entry.where) for c in entry.when):
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
        end = yield from self._runbook(entry.runbook, inner, entry.id, tags)
        scope.set.update(inner.set)
        scope.unknown |= inner.unknown
        return end

    # ------------------------------------------------------- preconditions and checks

    def _preconditions(self, runbook: Runbook, scope: Scope, scope_id: str) -> Program[None]:
        """All of them, reported together. Raises Stopped; `fail` outranks `skip`.

        Where a controller before this one has begun, there is something to do, and what does not hold any more stops
        the host until a person has decided. A rollback that was begun is finished in any case.
        """
        if self._history.scope(scope_id) == "ok" or self._history.rolling_back():
            return
        begun = self._history.changed() if scope_id == TOP else self._history.began(scope_id)
        refused: list[str] = []
        skipped: list[str] = []
        for probe in runbook.preconditions:
            if not (yield from self._wanted(probe, scope)):
                continue
            finding = yield from watch(self._context, scope, probe, {})
            if probe.register:
                scope.set[probe.register] = dict(finding.result)
            yield from emit(precondition(self._host, scope_id, probe, finding))
            if finding.verdict is Verdict.MET:
                continue
            said = f"{probe.name}: {finding.detail or finding.verdict}"
            decided = {probe.name, probe.id} & set(self._context.options.skip)
            if decided or (begun and probe.otherwise is Otherwise.SKIP):
                continue
            if probe.otherwise is Otherwise.SKIP and finding.verdict is Verdict.NOT_MET:
                why = f" ({finding.detail})" if finding.detail != "it does not hold" else ""
                skipped.append(f"“{probe.name}” does not hold{why}")
            elif not (self._context.options.check and finding.detail.startswith("left out")):
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

    def _criteria(
        self, runbook: Runbook, scope: Scope, scope_id: str, handlers: Mapping[str, Step]
    ) -> Program[tuple[HostStatus, str, str] | None]:
        """The success criteria of the whole runbook."""
        bad: list[str] = []
        unknown: list[str] = []
        for probe in runbook.checks:
            if not (yield from self._wanted(probe, scope)):
                continue
            try:
                finding = yield from watch(self._context, scope, probe, {})
            except Interrupted as error:
                return (yield from self._failure(error.message, "", runbook, scope_id, handlers))
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
            return (yield from self._failure(f"not achieved: {'; '.join(bad)}", "", runbook, scope_id, handlers))
        if unknown and runbook.on_failure is OnFailure.CONTINUE:
            self._unmeasured += unknown
        elif unknown:
            raise Stopped(HostStatus.UNKNOWN, f"could not be measured: {'; '.join(unknown)}")
        return None

    def _wanted(self, probe: Probe, scope: Scope) -> Program[bool]:
        if not probe.when:
            return True
        try:
            yield from self._context.facts(scope, conditions=probe.when)
            return all(self._context.templar.evaluate(c, scope.variables(), probe.where) for c in probe.when)
        except EngineError as error:
            if isinstance(error, HostError):
                raise
            raise Stopped(HostStatus.FAILED, f"{probe.name}: {error}", error.advice or "") from error

    def _following(self, entries: Sequence[Step | Import], tags: tuple[str, ...]) -> Step | None:
        """The step that is next, if it is no import."""
        chosen = (e for e in entries if isinstance(e, Import) or self._selected((*tags, *e.tags)))
        first = next(chosen, None)
        return first if isinstance(first, Step) else None

    def _selected(self, tags: tuple[str, ...]) -> bool:
        """Ansible's rules: `always` runs unless skipped, `never` only when asked for by name."""
        options = self._context.options
        if set(tags) & set(options.skip_tags):
            return False
        if "always" in tags:
            return True
        if "never" in tags and not set(tags) & set(options.tags):
            return False
        return not options.tags or "all" in options.tags or bool(set(tags) & set(options.tags))


def _status(result: RollbackResult) -> HostStatus:
    if not result.proved:
        return HostStatus.ROLLBACK_FAILED
    return HostStatus.PARTLY_ROLLED_BACK if result.kept else HostStatus.ROLLED_BACK
