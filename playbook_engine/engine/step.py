"""One step on one host: the contract of the runbook language, in its order.

when · preconditions · already so? · intent, durable · the action · checks. Every way out is a StepResult.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import partial

from playbook_engine.catalog import catalog
from playbook_engine.catalog.spec import ArgumentError, Kind
from playbook_engine.engine.acting import Acting
from playbook_engine.engine.ahead import Ahead, Request
from playbook_engine.engine.commands import Program, Sleep, emit, now
from playbook_engine.engine.context import HostContext
from playbook_engine.engine.history import History
from playbook_engine.engine.item import Item
from playbook_engine.engine.ledger import Change, Fate, Ledger
from playbook_engine.engine.probe import Finding, watch
from playbook_engine.engine.records import check, precondition, told
from playbook_engine.engine.result import StepResult, joined, of_host_error
from playbook_engine.engine.scope import Scope
from playbook_engine.model.errors import EngineError, HostError, LoadError, TemplateError
from playbook_engine.model.events import ChangeFailed, CheckEvaluated, RetryScheduled, StepFinished, StepStarted
from playbook_engine.model.outcome import Outcome, Verdict
from playbook_engine.model.runbook import Probe, Step
from playbook_engine.templating.node import Template


class StepRunner:
    """Runs steps on one host; what they change goes into the ledger."""

    def __init__(self, context: HostContext, ledger: Ledger, history: History) -> None:
        self._context = context
        self._ledger = ledger
        self._history = history
        self._ahead = Ahead()
        self._acting = Acting(context, ledger, self._ahead, self._already)

    def run(
        self, step: Step, scope: Scope, scope_id: str, *, handler: bool = False, following: Step | None = None
    ) -> Program[StepResult]:
        """The step with its loop; registers, notifies, says how it ended. Raises HostError only before a change.

        `following`: the step that comes after it, if all is well.
        """
        if unknown := _undetermined(step, scope):
            return (yield from self._announced(step, scope, scope_id, handler, unknown))
        try:
            items = yield from self._items(step, scope, scope_id, handler)
        except EngineError as error:
            if isinstance(error, HostError) and error.kind not in ("become-failed", "no-python"):
                raise
            item = Item(
                step=step, scope=scope, spec=catalog.get(step.action), index=-1, name=step.name, label="", extra={},
                handler=handler, scope_id=scope_id,
            )  # fmt: skip
            item.past = self._history.step(scope_id, step.id, item.index)
            if item.past is not None and item.past.finished is not None:
                return self._remembered(item, item.past.finished)
            yield from emit(self._started(item))
            end = StepResult(
                outcome=Outcome.FAILED, kind=error.kind, message=str(error), advice=error.advice or "", result={}
            )
            return (yield from self._finish(item, end, 0.0))
        results = []
        for number, item in enumerate(items, 1):
            then = items[number] if number < len(items) else self._first(following, scope, scope_id)
            self._ahead.following = partial(self._glance, item, then)
            item.past = self._history.step(scope_id, step.id, item.index)
            if item.past is not None and item.past.finished is not None:
                results.append(self._remembered(item, item.past.finished))
            else:
                results.append((yield from self._item(item)))
            if results[-1].stops and results[-1].outcome is not Outcome.FAILED:
                break
        whole = results[0] if step.loop is None else joined(results)
        if step.register:
            scope.set[step.register] = dict(whole.result)
            scope.learned([step.register], known=whole.known)
        if step.action == "set_fact" and whole.outcome.good:
            for each in results:
                facts = each.result.get("ansible_facts")
                scope.set.update(facts if isinstance(facts, Mapping) else {})
        return whole

    def _announced(
        self, step: Step, scope: Scope, scope_id: str, handler: bool, unknown: list[str]
    ) -> Program[StepResult]:
        """A step that a preview can say nothing about, and whatever it sets: no more is known of that."""
        item = Item(
            step=step, scope=scope, spec=catalog.get(step.action), index=-1, name=self._named(step, scope, {}),
            label="", extra={}, handler=handler, scope_id=scope_id,
        )  # fmt: skip
        scope.learned([step.register] if step.register else [], known=False)
        facts = step.args.get("facts") if step.action == "set_fact" else None
        scope.learned(facts if isinstance(facts, Mapping) else [], known=False)
        yield from emit(self._started(item))
        message = f"depends on {', '.join(unknown)}, which an earlier step gives when it is done"
        end = StepResult(outcome=Outcome.UNKNOWN, kind="depends", message=message, known=False)
        return (yield from self._finish(item, end, 0.0))

    def _items(self, step: Step, scope: Scope, scope_id: str, handler: bool) -> Program[list[Item]]:
        spec = catalog.get(step.action)
        base = {"step": step, "scope": scope, "spec": spec, "handler": handler, "scope_id": scope_id}
        if step.loop is None:
            return [Item(index=-1, name=self._named(step, scope, {}), label="", extra={}, **base)]  # type: ignore[arg-type]
        yield from self._context.facts(scope, step.loop)
        values = self._context.templar.render(step.loop, scope.variables(step.vars))
        if not isinstance(values, (list, tuple)):
            raise TemplateError(f"loop wants a list, not {values!r}", where=step.where)
        items = []
        for index, value in enumerate(values):
            extra: dict[str, object] = {step.loop_var: value}
            label = step.loop_label if step.loop_label is not None else value
            label = self._context.templar.render(label, scope.variables({**step.vars, **extra}))
            name = self._named(step, scope, extra)
            items.append(Item(index=index, name=name, label=str(label)[:200], extra=extra, **base))  # type: ignore[arg-type]
        if not items:
            items.append(Item(index=-1, name=step.name, label="", extra={"__empty__": True}, **base))  # type: ignore[arg-type]
        return items

    def _first(self, step: Step | None, scope: Scope, scope_id: str) -> Item | None:
        """The only item of a step that is to come; None where what there is of it is not known before its turn."""
        if step is None or step.loop is not None:
            return None
        return Item(
            step=step, scope=scope, spec=catalog.get(step.action), index=-1, name=step.name, label="", extra={},
            handler=False, scope_id=scope_id,
        )  # fmt: skip

    def _glance(self, item: Item, then: Item | None) -> Request | None:
        """What the item after this one will look at, if it will be looked at next, whatever becomes of this one.

        Its templates may turn out otherwise when its turn comes: then it looks again. What it must not be is a lookup,
        which may do something, or somebody else's word: a fact or a probe that is still to be asked for.
        """
        if then is None or not then.spec.glance or item.step.checks or item.step.until or item.step.background:
            return None
        step, scope, context = then.step, then.scope, self._context
        waits = bool(step.preconditions or step.unless) or {step.name, step.id} & set(context.options.skip)
        if waits or not context.python or self._history.step(then.scope_id, step.id, then.index) is not None:
            return None
        values = (step.args, step.vars, step.delegate_to, step.become_user, step.environment)
        if scope.undecided(*values, conditions=step.when):
            return None
        try:
            variables = then.variables()
            if not all(context.templar.evaluate(c, variables, step.where) for c in step.when):
                return None
            request = self._acting.glance(then, self._arguments(then, variables))
        except EngineError:
            return None  # it says so when its turn comes
        return request if request.on == context.host.name else None

    def _named(self, step: Step, scope: Scope, extra: Mapping[str, object]) -> str:
        """The step's name with its templates run; as it is written where they cannot be."""
        if "{{" not in step.name:
            return step.name
        try:
            template = Template(source=step.name, where=step.where)
            return str(self._context.templar.render(template, scope.variables({**step.vars, **extra})))[:200]
        except TemplateError:
            return step.name

    def _remembered(self, item: Item, end: StepFinished) -> StepResult:
        """An item that ended before this controller began: its changes, notifications and result are in force."""
        assert item.past is not None
        for change in item.past.changes:
            self._ledger.recall(change, item.step, item.scope, self._context.became(change.intended))
        self._ledger.notify(item.scope_id, end.notified)
        return StepResult(
            outcome=Outcome(end.outcome), kind=end.kind, message=end.message, advice=end.advice, ignored=end.ignored,
            result=end.result,
        )  # fmt: skip

    def _left_out(self, item: Item) -> Program[StepResult]:
        """The operator has decided that it is not to be done; what was sent of it counts as done, for a rollback."""
        change = item.past.change(item.attempt) if item.past is not None else None
        why = f"left out by the operator: {self._context.options.reason or 'no reason given'}"
        if change is not None and change.in_doubt:
            event = change.intended
            self._ledger.intend(
                Change(
                    event=event, step=item.step, scope=item.scope, become=self._context.became(event),
                    fate=Fate.FAILED, past=change,
                )
            )  # fmt: skip
            yield from emit(
                ChangeFailed(
                    host=event.host, step=event.step, item=event.item, attempt=event.attempt, kind="left-out",
                    message=why, settled="operator",
                )
            )  # fmt: skip
        return StepResult(outcome=Outcome.SKIPPED, kind="left-out", message=why, result={"skipped": True})

    def _item(self, item: Item) -> Program[StepResult]:
        """One item with its attempts, as events."""
        step, past = item.step, item.past
        began = yield from now()
        if past is None or past.views[-1].finished is not None:
            yield from emit(self._started(item))
        if past is not None:
            item.attempt = past.attempt
            for change in past.changes:
                if change.intended.attempt < item.attempt:
                    self._ledger.recall(change, step, item.scope, self._context.became(change.intended))
        if {step.name, step.id} & set(self._context.options.skip):
            end = yield from self._left_out(item)
            return (yield from self._finish(item, end, 0.0))
        while True:
            try:
                end = yield from self._attempt(item)
            except HostError as error:
                end = of_host_error(error)
            except (TemplateError, ArgumentError, LoadError) as error:
                end = StepResult(outcome=Outcome.FAILED, kind=error.kind, message=str(error), advice=error.advice or "")
            if not step.until or not end.known or end.outcome not in (Outcome.OK, Outcome.CHANGED, Outcome.FAILED):
                break
            try:
                done = self._context.templar.evaluate(step.until, item.seen(end.result), step.where)
            except TemplateError as error:
                end = dataclasses.replace(end, outcome=Outcome.FAILED, kind=error.kind, message=str(error))
                break
            if done:
                break
            if item.attempt > step.retries:
                why = f"`until` did not hold after {item.attempt} attempts"
                end = dataclasses.replace(end, outcome=Outcome.FAILED, kind="until", message=end.message or why)
                break
            retry = RetryScheduled(
                host=self._context.host.name, step=step.id, item=item.index, attempt=item.attempt, delay=step.delay
            )
            yield from emit(retry)
            yield Sleep(step.delay)
            item.attempt += 1
        ended = yield from now()
        return (yield from self._finish(item, end, ended - began))

    def _attempt(self, item: Item) -> Program[StepResult]:
        """One attempt: everything between `when` and the checks. Raises HostError, TemplateError, ArgumentError."""
        step, scope, context = item.step, item.scope, self._context
        if "__empty__" in item.extra:
            return StepResult(outcome=Outcome.SKIPPED, message="the loop is empty", result={"skipped": True})
        if item.past is not None and item.past.change(item.attempt) is not None:
            # Its conditions held, its change was intended: what is left is to learn how that ended.
            end = yield from self._acting.act(item, {}, item.variables())
            return (yield from self._then(item, end))
        conditions = (*step.when, *(step.changed_when or ()), *(step.failed_when or ()), *step.until)
        yield from context.facts(scope, step.args, step.vars, step.delegate_to, conditions=conditions)
        variables = item.variables()
        for condition in step.when:
            if not context.templar.evaluate(condition, variables, step.where):
                return StepResult(
                    outcome=Outcome.SKIPPED, message=f"when: {condition} is false", result={"skipped": True}
                )
        refused = yield from self._preconditions(item, variables)
        if refused is not None:
            return refused
        if (yield from self._already(item)):
            return StepResult(outcome=Outcome.OK, message="already so: every probe under unless holds", result={})
        variables = item.variables()
        args = self._arguments(item, variables)
        end = yield from self._acting.act(item, args, variables)
        return (yield from self._then(item, end))

    def _arguments(self, item: Item, variables: Mapping[str, object]) -> dict[str, object]:
        """What the action is given, and in the item where and as whom it is done. Raises TemplateError, ArgumentError,
        LoadError."""
        step, scope, context = item.step, item.scope, self._context
        args = context.arguments(scope, item.spec, step.args, variables)
        if step.environment or scope.runbook.environment:
            environment = context.templar.render({**scope.runbook.environment, **step.environment}, variables)
            if "environment" in item.spec.params:
                args["environment"] = environment
        item.on = context.target(scope, step.delegate_to, variables)
        item.become = context.become(scope, step.become, step.become_user, item.on, variables)
        return args

    def _then(self, item: Item, end: StepResult) -> Program[StepResult]:
        """The checks, if the action went well."""
        good = end.outcome in (Outcome.OK, Outcome.CHANGED)
        if not good or not item.step.checks or self._context.options.check:
            return end
        return (yield from self._checked(item, end))

    # ------------------------------------------------- preconditions, unless, checks

    def _preconditions(self, item: Item, variables: Mapping[str, object]) -> Program[StepResult | None]:
        """All of them, reported together; None when every one holds."""
        bad: list[str] = []
        for probe in item.step.preconditions:
            if not (yield from self._wanted(item, probe)):
                continue
            finding = yield from watch(self._context, item.scope, probe, {**item.step.vars, **item.extra})
            yield from emit(precondition(self._context.host.name, item.scope_id, probe, finding))
            if finding.verdict is not Verdict.MET:
                bad.append(f"{probe.name}: {finding.detail or finding.verdict}")
        if not bad:
            return None
        return StepResult(
            outcome=Outcome.FAILED,
            kind="precondition",
            message=f"not touched: {'; '.join(bad)}",
            result={"failed": True},
        )

    def _already(self, item: Item) -> Program[bool]:
        """Whether there are probes under `unless`, and all of them hold."""
        holds = bool(item.step.unless)
        for probe in item.step.unless:
            if not (yield from self._wanted(item, probe)):
                continue
            finding = yield from watch(self._context, item.scope, probe, {**item.step.vars, **item.extra})
            yield from emit(self._check("unless", item, probe, finding))
            holds = holds and finding.verdict is Verdict.MET
        return holds

    def _checked(self, item: Item, end: StepResult) -> Program[StepResult]:
        bad: list[str] = []
        worst = end.outcome
        for probe in item.step.checks:
            if not (yield from self._wanted(item, probe)):
                continue
            extra = {**item.step.vars, **item.extra}
            if item.step.register:
                extra[item.step.register] = end.result
            finding = yield from watch(self._context, item.scope, probe, extra)
            yield from emit(self._check("check", item, probe, finding))
            if finding.verdict is Verdict.MET:
                continue
            bad.append(f"{probe.name}: {finding.detail or finding.verdict}")
            if finding.verdict is Verdict.UNKNOWN:
                worst = worst if worst is Outcome.FAILED else Outcome.UNKNOWN
            else:
                worst = Outcome.FAILED
        if not bad:
            return end
        said = "could not be measured" if worst is Outcome.UNKNOWN else "the check does not hold"
        return StepResult(
            outcome=worst, kind="check", message=f"{said}: {'; '.join(bad)}",
            result={**end.result, "failed": True},
        )  # fmt: skip

    def _wanted(self, item: Item, probe: Probe) -> Program[bool]:
        """Whether a probe's own `when` lets it be made."""
        if not probe.when:
            return True
        yield from self._context.facts(item.scope, conditions=probe.when)
        return all(self._context.templar.evaluate(c, item.variables(), probe.where) for c in probe.when)

    def _check(self, purpose: str, item: Item, probe: Probe, finding: Finding) -> CheckEvaluated:
        event = check(self._context.host.name, purpose, item.scope_id, probe, finding)
        return dataclasses.replace(event, step=item.step.id, item=item.index)

    # ---------------------------------------------------------------------- events

    def _started(self, item: Item) -> StepStarted:
        step = item.step
        return StepStarted(
            host=self._context.host.name, step=step.id, name=item.name, action=step.action, scope=item.scope_id,
            item=item.index, label=item.label, handler=item.handler,
        )  # fmt: skip

    def _finish(self, item: Item, end: StepResult, seconds: float) -> Program[StepResult]:
        step = item.step
        if not end.outcome.good and step.ignore_errors:
            variables = item.variables()
            ignore = self._context.templar.render(step.ignore_errors, variables)
            end = dataclasses.replace(end, ignored=bool(ignore) and end.outcome.measured_failure)
        whole = item.spec.kind is Kind.PROBE or step.action == "debug"
        notified = step.notify if end.outcome is Outcome.CHANGED else ()
        self._ledger.notify(item.scope_id, notified)
        yield from emit(
            StepFinished(
                host=self._context.host.name, step=step.id, name=item.name, action=step.action, scope=item.scope_id,
                item=item.index, label=item.label, handler=item.handler, outcome=end.outcome.value, kind=end.kind,
                message=_hidden(step, end.message), advice=end.advice, ignored=end.ignored, attempts=item.attempt,
                seconds=seconds, notified=notified, on=item.on if item.on != self._context.host.name else "",
                shown={"hidden": "no_log"} if step.no_log else told(end.result, whole=whole),
                result=end.result,
                where=str(step.where or ""),
            )
        )  # fmt: skip
        return end


def _undetermined(step: Step, scope: Scope) -> list[str]:
    """The names that it would have to know before it can be looked at. None, unless something was only announced."""
    probes = (*step.preconditions, *step.unless)
    conditions = [c for p in probes for c in (*p.when, p.expect or "true")]
    return scope.undetermined(
        step.args, step.loop, step.vars, step.delegate_to, step.become_user, step.environment,
        *(p.args for p in probes), conditions=(*step.when, *conditions),
    )  # fmt: skip


def _hidden(step: Step, message: str) -> str:
    return "(hidden: no_log)" if step.no_log and message else message
