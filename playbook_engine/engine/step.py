"""One step on one host: the contract of the runbook language, in its order.

when · preconditions · already so? · intent, durable · the action · checks. Every way out is a StepResult.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from functools import partial

from playbook_engine.catalog import catalog
from playbook_engine.catalog.spec import ArgumentError, Kind
from playbook_engine.engine.acting import Acting
from playbook_engine.engine.ahead import Ahead, Request
from playbook_engine.engine.commands import Key, Once, Program, Sleep, Throttle, Told, emit, now
from playbook_engine.engine.context import HostContext
from playbook_engine.engine.history import History
from playbook_engine.engine.item import Item
from playbook_engine.engine.items import EMPTY, items_of, named, of_item
from playbook_engine.engine.learning import delegated, included, learn, learn_item
from playbook_engine.engine.ledger import Change, Fate, Ledger
from playbook_engine.engine.records import told
from playbook_engine.engine.result import StepResult, joined, of_another, of_host_error, refused, spoiled, unwanted
from playbook_engine.engine.scope import Scope
from playbook_engine.engine.step_probes import StepProbes
from playbook_engine.model.errors import EngineError, HostError, LoadError, TemplateError
from playbook_engine.model.events import ChangeFailed, RetryScheduled, StepFinished, StepStarted
from playbook_engine.model.outcome import Outcome
from playbook_engine.model.runbook import Step, nth

TAKEN = frozenset({"locked", "fenced"})
"""Kinds of a host that another run has: nothing more is done there, whatever a block says."""
RESCUED = frozenset({Outcome.FAILED, Outcome.TIMED_OUT, Outcome.UNREACHABLE})
"""Ends of a step after which the `rescue` of its block runs."""


class StepRunner:
    """Runs steps on one host; what they change goes into the ledger."""

    def __init__(self, context: HostContext, ledger: Ledger, history: History) -> None:
        self._context = context
        self._ledger = ledger
        self._history = history
        self._come: dict[tuple[str, str], int] = {}
        self._ahead = Ahead()
        self._probes = StepProbes(context)
        self._acting = Acting(context, ledger, self._ahead, self._probes.already)

    def run(
        self, step: Step, scope: Scope, scope_id: str, *, handler: bool = False, following: Step | None = None,
        rescue: bool = False, turn: Callable[[], Program[None]] | None = None,
    ) -> Program[StepResult]:  # fmt: skip
        """The step with its loop; registers, notifies, says how it ended. Raises HostError only before a change.

        `following`: the step that comes after it, if all is well. `rescue`: its block goes on when it fails. `turn` is
        asked where the host has waited for others: the run may have been stopped meanwhile.
        """
        scope = scope.of(step)
        key = self.come(scope_id, step)
        if key[2]:
            step = dataclasses.replace(step, id=nth(step.id, key[2]))
        if not step.run_once and not step.throttle:
            return (yield from self._run(step, scope, scope_id, handler, following, rescue))
        if step.run_once:
            done: StepResult | None = yield Once(key=key)
            if done is not None:
                # Of a run that was resumed this host may be the one that did it.
                done = of_another(done, elsewhere=not self._history.begun(scope_id, step.id))
                learn(step, scope, done)
                return done
        if step.throttle:
            yield Throttle(step=step.id, limit=step.throttle)
        if turn is not None:
            yield from turn()
        end = yield from self._run(step, scope, scope_id, handler, following, rescue)
        if step.throttle:
            yield Throttle(step=step.id)
        if step.run_once:
            yield Told(key=key, result=end)
        return end

    def left(self, step: Step, scope: Scope, key: Key, why: str, *, declined: bool = False) -> Program[None]:
        """A step that is not done, whatever it would do: why is all there is to say of it.

        `declined`: as the person who was asked about each (`--step`) did not want it.
        """
        scope_id, _, times = key
        step = dataclasses.replace(step, id=nth(step.id, times))
        past = self._history.step(scope_id, step.id, -1)
        if past is not None and past.finished is not None:
            return
        (item,) = yield from items_of(
            self._context, dataclasses.replace(step, loop=None), scope, scope_id, False, False
        )
        yield from emit(self._started(item))
        end = StepResult(
            outcome=Outcome.SKIPPED, kind="declined" if declined else "", message=why, result={"skipped": True}
        )
        yield from self._finish(item, end, 0.0)

    def begun(self, scope_id: str, step: Step) -> bool:
        """Whether a controller before this one has begun the step that comes next."""
        return self._history.begun(scope_id, nth(step.id, self.coming(scope_id, step)[2]))

    def declined(self, scope_id: str, step: Step) -> bool:
        """Whether a person did not want the step that comes next, when a controller before this one asked."""
        return self._history.left(scope_id, nth(step.id, self.coming(scope_id, step)[2]), "declined")

    def coming(self, scope_id: str, step: Step) -> Key:
        """The key of a step that the host may come to next."""
        return scope_id, step.id, self._come.get((scope_id, step.id), 0)

    def come(self, scope_id: str, step: Step) -> Key:
        """The host has come to a step: its key."""
        key = self.coming(scope_id, step)
        self._come[scope_id, step.id] = key[2] + 1
        return key

    def _run(
        self, step: Step, scope: Scope, scope_id: str, handler: bool, following: Step | None, rescue: bool
    ) -> Program[StepResult]:
        if unknown := _undetermined(step, scope):
            return (yield from self._announced(step, scope, scope_id, handler, unknown))
        try:
            items = yield from items_of(self._context, step, scope, scope_id, handler, rescue)
        except EngineError as error:
            if isinstance(error, HostError) and error.kind not in ("become-failed", "no-python"):
                raise
            item = Item(
                step=step, scope=scope, spec=catalog.get(step.action), index=-1, name=step.name, label="", extra={},
                handler=handler, scope_id=scope_id, rescue=rescue,
            )  # fmt: skip
            item.past = self._history.step(scope_id, step.id, item.index)
            if item.past is not None and item.past.finished is not None:
                return self._remembered(item, item.past.finished)
            yield from emit(self._started(item))
            end = self._unwanted(item) if isinstance(error, TemplateError) else None
            return (yield from self._finish(item, end or refused(error), 0.0))
        results: list[StepResult] = []
        for number, item in enumerate(items, 1):
            if results and step.loop_pause and item.past is None:
                yield Sleep(step.loop_pause)
            then = items[number] if number < len(items) else self._first(following, scope, scope_id)
            self._ahead.following = partial(self._glance, item, then)
            item.past = self._history.step(scope_id, step.id, item.index)
            if item.past is not None and item.past.finished is not None:
                results.append(self._remembered(item, item.past.finished))
            else:
                results.append((yield from self._item(item)))
            if step.loop is not None and EMPTY not in item.extra:
                results[-1] = dataclasses.replace(results[-1], result={**results[-1].result, **of_item(item)})
            learn_item(step, scope, results[-1])
            if step.delegate_facts and (told := delegated(step, results[-1])):
                on = self._context.target(scope, step.delegate_to, item.variables())
                self._context.crowd.gives(on, told, step.id, self._context.number)
            if results[-1].stops and results[-1].outcome is not Outcome.FAILED:
                break
            try:
                if step.loop_break_when and self._broken(item, results[-1]):
                    break
            except TemplateError as error:
                results[-1] = spoiled(results[-1], f"loop_control.break_when: {error}")
                break
        whole = results[0] if step.loop is None or EMPTY in items[0].extra else joined(results)
        learn(step, scope, whole)
        return whole

    def _unwanted(self, item: Item) -> StepResult | None:
        """A step whose loop cannot be rendered, and whose conditions say that it is not wanted: as in Ansible."""
        for condition in item.step.when:
            try:
                if not self._context.templar.evaluate(condition, item.variables(), item.step.where):
                    return unwanted(condition)
            except TemplateError:
                return None  # it may need the item
        return None

    def _broken(self, item: Item, end: StepResult) -> bool:
        """Whether `loop_control.break_when` ends the loop after this item."""
        return self._context.templar.evaluate(item.step.loop_break_when, item.seen(end.result), item.step.where)

    def _announced(
        self, step: Step, scope: Scope, scope_id: str, handler: bool, unknown: list[str]
    ) -> Program[StepResult]:
        """A step that a preview can say nothing about, and whatever it sets: no more is known of that."""
        item = Item(
            step=step, scope=scope, spec=catalog.get(step.action), index=-1, name=named(self._context, step, scope, {}),
            label="", extra={}, handler=handler, scope_id=scope_id,
        )  # fmt: skip
        scope.learned([step.register] if step.register else [], known=False)
        facts = step.args.get("facts") if step.action == "set_fact" else None
        scope.learned(facts if isinstance(facts, Mapping) else [], known=False)
        yield from emit(self._started(item))
        message = f"depends on {', '.join(unknown)}, which an earlier step gives when it is done"
        end = StepResult(outcome=Outcome.UNKNOWN, kind="depends", message=message, known=False)
        return (yield from self._finish(item, end, 0.0))

    def _first(self, step: Step | None, scope: Scope, scope_id: str) -> Item | None:
        """The only item of a step that is to come; None where what there is of it is not known before its turn."""
        if step is None or step.loop is not None:
            return None
        return Item(
            step=step, scope=scope, spec=catalog.get(step.action), index=-1, name=step.name, label="", extra={},
            handler=False, scope_id=scope_id, check=self._context.options.check, diff=self._context.options.diff,
        )  # fmt: skip

    def _glance(self, item: Item, then: Item | None) -> Request | None:
        """What the item after this one will look at, if it will be looked at next, whatever becomes of this one.

        Its templates may turn out otherwise when its turn comes: then it looks again. What it must not be is a lookup,
        which may do something, or somebody else's word: a fact or a probe that is still to be asked for.
        """
        if then is None or not then.spec.glance or item.step.checks or item.step.until or item.step.background:
            return None
        step, scope, context = then.step, then.scope, self._context
        waits = bool(step.preconditions or step.unless or step.run_once or step.throttle) or {step.name, step.id} & set(
            context.options.skip
        )
        if waits or not context.python or self._history.step(then.scope_id, step.id, then.index) is not None:
            return None
        if step.check_mode is not None or step.diff is not None:
            return None
        values = (step.args, step.vars, step.delegate_to, step.become_user, step.environment, step.environments)
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

    def _remembered(self, item: Item, end: StepFinished) -> StepResult:
        """An item that ended before this controller began: its changes, notifications and result are in force."""
        assert item.past is not None
        for change in item.past.changes:
            self._ledger.recall(change, item.step, item.scope, self._context.became(change.intended, item.step))
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
                    event=event, step=item.step, scope=item.scope, become=self._context.became(event, item.step),
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
                    self._ledger.recall(change, step, item.scope, self._context.became(change.intended, step))
        if {step.name, step.id} & set(self._context.options.skip):
            end = yield from self._left_out(item)
            return (yield from self._finish(item, end, 0.0))
        while True:
            try:
                end = yield from self._attempt(item)
            except HostError as error:
                end = of_host_error(error)
            except (TemplateError, ArgumentError, LoadError) as error:
                end = refused(error)
            if not step.until or not end.known or end.outcome not in (Outcome.OK, Outcome.CHANGED, Outcome.FAILED):
                break
            end = dataclasses.replace(end, result={**end.result, "attempts": min(item.attempt, max(step.retries, 1))})
            try:
                done = self._context.templar.evaluate(step.until, item.seen(end.result), step.where)
            except TemplateError as error:
                end = dataclasses.replace(end, outcome=Outcome.FAILED, kind=error.kind, message=str(error))
                break
            if done:
                break
            if item.attempt > step.retries:
                if item.scope.runbook.play and step.failed_when is not None and end.outcome is not Outcome.FAILED:
                    break  # as Ansible has it; a runbook does not go on before what it has waited for
                why = f"`until` did not hold after {item.attempt} attempts"
                end = dataclasses.replace(
                    end, outcome=Outcome.FAILED, kind="until", message=end.message or why,
                    result={**end.result, "failed": True},
                )  # fmt: skip
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
        if EMPTY in item.extra:
            skipped = {"changed": False, "skipped": True, "skipped_reason": "No items in the list", "results": []}
            return StepResult(outcome=Outcome.SKIPPED, message="the loop is empty", result=skipped)
        if item.past is not None and item.past.change(item.attempt) is not None:
            # Its conditions held, its change was intended: what is left is to learn how that ended.
            end = yield from self._acting.act(item, {}, item.variables())
            return (yield from self._then(item, end))
        conditions = (*step.when, *(step.changed_when or ()), *(step.failed_when or ()), *step.until)
        yield from context.facts(scope, step.args, step.vars, step.delegate_to, conditions=conditions)
        variables = item.variables()
        for condition in step.when:
            if not context.templar.evaluate(condition, variables, step.where):
                return unwanted(condition)
        refused = yield from self._probes.preconditions(item)
        if refused is not None:
            return refused
        if (yield from self._probes.already(item)):
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
        if "environment" in item.spec.params:
            layers = (scope.runbook.environment, *step.environments, step.environment)
            if any(layers):
                args["environment"] = context.environment(layers, variables, step.where)
        item.on = context.target(scope, step.delegate_to, variables)
        item.become = context.become(scope, step.become, step.become_user, item.on, variables, step.become_method)
        return args

    def _then(self, item: Item, end: StepResult) -> Program[StepResult]:
        """The checks, if the action went well. Raises LoadError for a file of variables that is none."""
        good = end.outcome in (Outcome.OK, Outcome.CHANGED)
        if good and item.step.action == "include_vars" and isinstance(end.result.get("ansible_facts"), Mapping):
            included(end.result)
        if not good or not item.step.checks or item.check:
            return end
        return (yield from self._probes.checked(item, end))

    # ---------------------------------------------------------------------- events

    def _started(self, item: Item) -> StepStarted:
        step = item.step
        return StepStarted(
            host=self._context.host.name, step=step.id, name=item.name, action=step.action, scope=item.scope_id,
            item=item.index, label=item.label, handler=item.handler,
        )  # fmt: skip

    def _forgiven(self, item: Item, end: StepResult) -> StepResult:
        """With `ignore_errors` and `ignore_unreachable`. Raises TemplateError."""
        step, render = item.step, self._context.templar.render
        there = step.action != "include_steps" or end.kind != "not-found"  # a file that is not there is never ignored
        if not end.outcome.good and step.ignore_errors and there:
            ignore = render(step.ignore_errors, item.variables())
            end = dataclasses.replace(end, ignored=bool(ignore) and end.outcome.measured_failure)
        if end.outcome is Outcome.UNREACHABLE and step.ignore_unreachable and end.kind not in TAKEN:
            ignore = render(step.ignore_unreachable, item.variables())
            end = dataclasses.replace(end, ignored=bool(ignore), result={**end.result, "unreachable": True})
        return end

    def _finish(self, item: Item, end: StepResult, seconds: float) -> Program[StepResult]:
        step = item.step
        try:
            end = self._forgiven(item, end)
        except TemplateError as error:
            end = dataclasses.replace(end, message=f"{end.message} — and whether to ignore it cannot be said: {error}")
        rescued = item.rescue and end.stops and end.outcome in RESCUED and end.kind not in TAKEN
        whole = item.spec.kind is Kind.PROBE or step.action == "debug"
        alone = self._context.plan.kind == "exec"
        notified: tuple[str, ...] = ()
        if end.outcome is Outcome.CHANGED:
            try:
                notified = self._context.notified(step, item.scope, item.variables())
            except TemplateError as error:
                end = spoiled(end, f"notify: {error}")
        self._ledger.notify(item.scope_id, notified)
        yield from emit(
            StepFinished(
                host=self._context.host.name, step=step.id, name=item.name, action=step.action, scope=item.scope_id,
                item=item.index, label=item.label, handler=item.handler, outcome=end.outcome.value, kind=end.kind,
                message=_hidden(step, end.message), advice=end.advice, ignored=end.ignored, rescued=rescued,
                attempts=item.attempt, seconds=seconds, notified=notified,
                on=item.on if item.on != self._context.host.name else "",
                shown={"hidden": "no_log"} if step.no_log else told(end.result, whole=whole, facts=alone),
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
        step.args, step.loop, step.vars, step.delegate_to, step.become_user, step.environment, step.environments,
        *(p.args for p in probes), conditions=(*step.when, *conditions),
    )  # fmt: skip


def _hidden(step: Step, message: str) -> str:
    return "(hidden: no_log)" if step.no_log and message else message
