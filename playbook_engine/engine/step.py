"""One step on one host: the contract of the runbook language, in its order.

when · preconditions · already so? · intent, durable · the action · checks. Every way out is a StepResult.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field

from playbook_engine.catalog import catalog
from playbook_engine.catalog.spec import ActionSpec, ArgumentError, Kind
from playbook_engine.engine.commands import Program, Sleep, ask, emit, now
from playbook_engine.engine.context import HostContext
from playbook_engine.engine.ledger import Change, Ledger
from playbook_engine.engine.probe import Finding, cut, watch
from playbook_engine.engine.scope import Scope
from playbook_engine.model.errors import EngineError, HostError, LinkLost, LoadError, TemplateError
from playbook_engine.model.events import (
    ChangeApplied,
    ChangeFailed,
    ChangeIntended,
    CheckEvaluated,
    PreconditionEvaluated,
    RetryScheduled,
    StateObserved,
    StepFinished,
    StepStarted,
)
from playbook_engine.model.outcome import Outcome, Verdict
from playbook_engine.model.runbook import Probe, Step
from playbook_engine.transport.base import Become, Call, Reply

TOLD = (
    "msg", "rc", "stdout", "stderr", "cmd", "expected_bytes", "freed_bytes", "expected_inodes", "freed_inodes",
    "removed", "state", "dest", "path",
)  # fmt: skip
TOLD_LENGTH = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResult:
    """How a step ended. `result` is what `register` holds."""

    outcome: Outcome
    kind: str = ""
    message: str = ""
    advice: str = ""
    ignored: bool = False
    result: Mapping[str, object] = field(default_factory=dict)

    @property
    def stops(self) -> bool:
        return not self.outcome.good and not self.ignored


@dataclass(slots=True, kw_only=True)
class Item:
    """One item of a step's loop (or its only one) while it runs."""

    step: Step
    scope: Scope
    spec: ActionSpec
    index: int
    label: str
    extra: dict[str, object]
    handler: bool
    scope_id: str
    on: str = ""
    become: Become | None = None
    attempt: int = 1


class StepRunner:
    """Runs steps on one host; what they change goes into the ledger."""

    def __init__(self, context: HostContext, ledger: Ledger) -> None:
        self._context = context
        self._ledger = ledger

    def run(self, step: Step, scope: Scope, scope_id: str, *, handler: bool = False) -> Program[StepResult]:
        """The step with its loop; registers, notifies, says how it ended. Raises HostError only before a change."""
        try:
            items = yield from self._items(step, scope, scope_id, handler)
        except EngineError as error:
            if isinstance(error, HostError) and error.kind not in ("become-failed", "no-python"):
                raise
            item = Item(
                step=step, scope=scope, spec=catalog.get(step.action), index=-1, label="", extra={}, handler=handler,
                scope_id=scope_id,
            )  # fmt: skip
            yield from emit(self._started(item))
            end = StepResult(
                outcome=Outcome.FAILED, kind=error.kind, message=str(error), advice=error.advice or "", result={}
            )
            return (yield from self._finish(item, end, 0.0))
        results = []
        for item in items:
            results.append((yield from self._item(item)))
            if results[-1].stops and results[-1].outcome is not Outcome.FAILED:
                break
        whole = results[0] if step.loop is None else _joined(results)
        if step.register:
            scope.set[step.register] = dict(whole.result)
        if step.action == "set_fact" and whole.outcome.good:
            for each in results:
                facts = each.result.get("ansible_facts")
                scope.set.update(facts if isinstance(facts, Mapping) else {})
        return whole

    def _items(self, step: Step, scope: Scope, scope_id: str, handler: bool) -> Program[list[Item]]:
        spec = catalog.get(step.action)
        base = {"step": step, "scope": scope, "spec": spec, "handler": handler, "scope_id": scope_id}
        if step.loop is None:
            return [Item(index=-1, label="", extra={}, **base)]  # type: ignore[arg-type]
        yield from self._context.facts(scope, step.loop)
        values = self._context.templar.render(step.loop, scope.variables(step.vars))
        if not isinstance(values, (list, tuple)):
            raise TemplateError(f"loop wants a list, not {values!r}", where=step.where)
        items = []
        for index, value in enumerate(values):
            extra: dict[str, object] = {step.loop_var: value}
            label = step.loop_label if step.loop_label is not None else value
            label = self._context.templar.render(label, scope.variables({**step.vars, **extra}))
            items.append(Item(index=index, label=str(label)[:200], extra=extra, **base))  # type: ignore[arg-type]
        if not items:
            items.append(Item(index=-1, label="", extra={"__empty__": True}, **base))  # type: ignore[arg-type]
        return items

    def _item(self, item: Item) -> Program[StepResult]:
        """One item with its attempts, as events."""
        step = item.step
        began = yield from now()
        yield from emit(self._started(item))
        while True:
            try:
                end = yield from self._attempt(item)
            except HostError as error:
                end = _host_error(error)
            except (TemplateError, ArgumentError, LoadError) as error:
                end = StepResult(outcome=Outcome.FAILED, kind=error.kind, message=str(error), advice=error.advice or "")
            if not step.until or end.outcome not in (Outcome.OK, Outcome.CHANGED, Outcome.FAILED):
                break
            try:
                done = self._context.templar.evaluate(step.until, self._seen(item, end.result), step.where)
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
        conditions = (*step.when, *(step.changed_when or ()), *(step.failed_when or ()), *step.until)
        yield from context.facts(scope, step.args, step.vars, step.delegate_to, conditions=conditions)
        variables = scope.variables({**self._step_vars(step), **item.extra})
        for condition in step.when:
            if not context.templar.evaluate(condition, variables, step.where):
                return StepResult(
                    outcome=Outcome.SKIPPED, message=f"when: {condition} is false", result={"skipped": True}
                )
        refused = yield from self._preconditions(item, variables)
        if refused is not None:
            return refused
        if step.unless and (yield from self._already(item)):
            return StepResult(outcome=Outcome.OK, message="already so: every probe under unless holds", result={})
        variables = scope.variables({**self._step_vars(step), **item.extra})
        args = context.arguments(scope, item.spec, step.args, variables)
        if step.environment or scope.runbook.environment:
            environment = context.templar.render({**scope.runbook.environment, **step.environment}, variables)
            if "environment" in item.spec.params:
                args["environment"] = environment
        item.on = context.target(scope, step.delegate_to, variables)
        item.become = context.become(scope, step.become, step.become_user, item.on, variables)
        end = yield from self._act(item, args, variables)
        if end.outcome not in (Outcome.OK, Outcome.CHANGED) or not step.checks:
            return end
        if context.options.check:
            return end
        return (yield from self._checked(item, end))

    # ---------------------------------------------------------------- the action

    def _act(self, item: Item, args: dict[str, object], variables: Mapping[str, object]) -> Program[StepResult]:
        step, spec, context = item.step, item.spec, self._context
        if spec.kind is Kind.CONTROL:
            reply = context.control(step.action, args, item.scope, variables)
            return self._judge(item, reply, changed=False)
        if spec.kind is Kind.PROBE:
            if spec.touches and (context.options.check or context.options.read_only):
                return StepResult(outcome=Outcome.UNKNOWN, kind="left-out", message=f"left out: {spec.touches}")
            call = Call(op="probe", action=step.action, args=args, timeout=step.timeout)
            (reply,) = yield from ask(item.on, item.become, call)
            return self._judge(item, reply, changed=False)
        if spec.kind is Kind.STATE:
            return (yield from self._state(item, args))
        return (yield from self._opaque(item, args))

    def _state(self, item: Item, args: dict[str, object]) -> Program[StepResult]:
        """observe and plan; then, if something is to be changed: intent, apply."""
        step, context = item.step, self._context
        carries = item.spec.reversible and step.rollback is None and step.irreversible is None
        call = Call(
            op="look", action=step.action, args=args, key=step.id, timeout=step.timeout,
            diff=context.options.diff or context.options.check, undo_limit=min(step.undo_limit, context.budget.left),
        )  # fmt: skip
        if not carries:
            call = dataclasses.replace(call, op="peek")
        (looked,) = yield from ask(item.on, item.become, call)
        if not looked.ok or not looked.plan:
            return self._judge(item, looked, changed=False)
        yield from emit(
            StateObserved(
                host=context.host.name, step=step.id, item=item.index, attempt=item.attempt,
                changes=tuple(looked.plan), state=looked.state or {},
            )
        )  # fmt: skip
        if context.options.check:
            return self._judge(item, looked, changed=True)
        before = looked.before if carries else looked.state
        context.budget.spend(_weight(before))
        yield from self._intend(item, args, tuple(looked.plan), before or {})
        call = Call(op="apply", action=step.action, args=args, before=before or {}, timeout=step.timeout)
        if carries:
            call = dataclasses.replace(call, key=step.id, before=None)  # the agent remembers what it sent
        return (yield from self._apply(item, call))

    def _opaque(self, item: Item, args: dict[str, object]) -> Program[StepResult]:
        """A command: nothing can be looked at beforehand but `creates` and `removes`, so it is one round trip."""
        step, context = item.step, self._context
        reads = step.changed_when is not None and all(c.strip().lower() == "false" for c in step.changed_when)
        if context.options.check:
            call = Call(op="peek", action=step.action, args=args, timeout=step.timeout)
            (looked,) = yield from ask(item.on, item.become, call)
            if not looked.ok or not looked.plan:
                return self._judge(item, looked, changed=False)
            known = any(c.get("aspect") not in ("run", None) for c in looked.plan)
            message = "" if known else "it would run; what it would do cannot be known"
            return StepResult(
                outcome=Outcome.SKIPPED if reads else Outcome.CHANGED, kind="check", message=message,
                result={**looked.result, "changed": not reads, "failed": False, "skipped": reads, "msg": message},
            )  # fmt: skip
        call = Call(op="run", action=step.action, args=args, timeout=step.timeout)
        if reads:
            (reply,) = yield from ask(item.on, item.become, call)
            return self._judge(item, reply, changed=False)
        said = str(args.get("cmd") or args.get("argv") or step.action)
        plan = ({"aspect": "run", "after": said},)
        yield from self._intend(item, args, plan, {})
        return (yield from self._apply(item, call))

    def _intend(
        self,
        item: Item,
        args: Mapping[str, object],
        plan: tuple[Mapping[str, object], ...],
        before: Mapping[str, object],
    ) -> Program[None]:
        """The intent, durable before the change leaves, and remembered for a rollback."""
        step = item.step
        how = "rollback" if step.rollback is not None else "irreversible" if step.irreversible is not None else "action"
        if how == "action" and not item.spec.reversible:
            how = "irreversible"
        event = ChangeIntended(
            host=self._context.host.name, step=step.id, item=item.index, attempt=item.attempt, action=step.action,
            scope=item.scope_id, name=_name(item), reversible=how, irreversible=step.irreversible or "",
            become=item.become.user if item.become else "", on=item.on, changes=plan, notify=step.notify,
            handler=item.handler,
            args=args, before=before,
        )  # fmt: skip
        self._ledger.intend(Change(event=event, step=step, scope=item.scope, become=item.become))
        yield from emit(event)

    def _apply(self, item: Item, call: Call) -> Program[StepResult]:
        step, host = item.step, self._context.host.name
        place = {"host": host, "step": step.id, "item": item.index, "attempt": item.attempt}
        try:
            (reply,) = yield from ask(item.on, item.become, call)
        except LinkLost as error:
            return StepResult(
                outcome=Outcome.IN_DOUBT, kind=error.kind, message=f"the link was lost while it ran: {error.message}",
                advice="it goes on to its deadline on the host; look before anything is sent again",
            )  # fmt: skip
        except HostError as error:
            # Nothing was started: the session could not even be opened.
            self._ledger.forget()
            yield from emit(ChangeFailed(kind=error.kind, message=error.message, **place))  # type: ignore[arg-type]
            raise
        if not reply.ok:
            if reply.untouched:
                self._ledger.forget()
            else:
                self._ledger.failed()
            yield from emit(ChangeFailed(kind=reply.kind, message=reply.msg, **place))  # type: ignore[arg-type]
            return self._judge(item, reply, changed=True)
        if call.op == "run" and not reply.plan:
            self._ledger.forget()  # creates or removes said: already so
            yield from emit(ChangeApplied(seconds=reply.elapsed, **place))  # type: ignore[arg-type]
            return self._judge(item, reply, changed=False)
        self._ledger.applied(reply.state or {})
        yield from emit(ChangeApplied(seconds=reply.elapsed, state=reply.state or {}, **place))  # type: ignore[arg-type]
        return self._judge(item, reply, changed=True)

    def _judge(self, item: Item, reply: Reply, *, changed: bool) -> StepResult:
        """The outcome of a reply, with failed_when and changed_when having the last word."""
        step, templar = item.step, self._context.templar
        result = self._context.registered(step.action, reply)
        result["changed"] = changed and (reply.ok or item.spec.kind is Kind.OPAQUE)
        failed = not reply.ok
        seen = self._seen(item, result)
        overruled = step.failed_when is not None and (reply.ok or "rc" in result)
        if overruled:
            assert step.failed_when is not None
            failed = any(templar.evaluate(c, seen, step.where) for c in step.failed_when) if step.failed_when else False
        if step.changed_when is not None and not failed:
            result["changed"] = all(templar.evaluate(c, seen, step.where) for c in step.changed_when)
        result["failed"] = failed
        if not failed:
            outcome = Outcome.CHANGED if result["changed"] else Outcome.OK
            return StepResult(outcome=outcome, message=str(result.get("msg") or ""), result=result)
        outcome = Outcome.TIMED_OUT if reply.kind == "timeout" else Outcome.FAILED
        if reply.kind == "unmeasured" or (item.spec.kind is Kind.PROBE and reply.kind in ("permission", "crash")):
            outcome = Outcome.UNKNOWN
        message = reply.msg or (f"failed_when: {' or '.join(step.failed_when or ())}" if overruled else "it failed")
        return StepResult(
            outcome=outcome,
            kind=reply.kind or "failed",
            message=message,
            advice=ADVICE.get(reply.kind, ""),
            result=result,
        )

    # ------------------------------------------------- preconditions, unless, checks

    def _preconditions(self, item: Item, variables: Mapping[str, object]) -> Program[StepResult | None]:
        """All of them, reported together; None when every one holds."""
        bad: list[str] = []
        unknown = False
        for probe in item.step.preconditions:
            finding = yield from watch(self._context, item.scope, probe, {**self._step_vars(item.step), **item.extra})
            yield from emit(precondition(self._context.host.name, item.scope_id, probe, finding))
            if finding.verdict is not Verdict.MET:
                bad.append(f"{probe.name}: {finding.detail or finding.verdict}")
                unknown = unknown or finding.verdict is Verdict.UNKNOWN
        if not bad:
            return None
        return StepResult(
            outcome=Outcome.FAILED,
            kind="precondition",
            message=f"not touched: {'; '.join(bad)}",
            result={"failed": True},
        )

    def _already(self, item: Item) -> Program[bool]:
        holds = True
        for probe in item.step.unless:
            finding = yield from watch(self._context, item.scope, probe, {**self._step_vars(item.step), **item.extra})
            yield from emit(self._check("unless", item, probe, finding))
            holds = holds and finding.verdict is Verdict.MET
        return holds

    def _checked(self, item: Item, end: StepResult) -> Program[StepResult]:
        bad: list[str] = []
        worst = end.outcome
        for probe in item.step.checks:
            extra = {**self._step_vars(item.step), **item.extra}
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
        return StepResult(
            outcome=worst, kind="check", message=f"the check does not hold: {'; '.join(bad)}",
            result={**end.result, "failed": True},
        )  # fmt: skip

    def _check(self, purpose: str, item: Item, probe: Probe, finding: Finding) -> CheckEvaluated:
        event = check(self._context.host.name, purpose, item.scope_id, probe, finding)
        return dataclasses.replace(event, step=item.step.id, item=item.index)

    # ---------------------------------------------------------------------- events

    def _started(self, item: Item) -> StepStarted:
        step = item.step
        return StepStarted(
            host=self._context.host.name, step=step.id, name=step.name, action=step.action, scope=item.scope_id,
            item=item.index, label=item.label, handler=item.handler,
        )  # fmt: skip

    def _finish(self, item: Item, end: StepResult, seconds: float) -> Program[StepResult]:
        step = item.step
        if not end.outcome.good and step.ignore_errors:
            variables = item.scope.variables({**self._step_vars(step), **item.extra})
            ignore = self._context.templar.render(step.ignore_errors, variables)
            end = dataclasses.replace(end, ignored=bool(ignore) and end.outcome.measured_failure)
        notified = step.notify if end.outcome is Outcome.CHANGED else ()
        self._ledger.notify(item.scope_id, notified)
        yield from emit(
            StepFinished(
                host=self._context.host.name, step=step.id, name=step.name, action=step.action, scope=item.scope_id,
                item=item.index, label=item.label, handler=item.handler, outcome=end.outcome.value, kind=end.kind,
                message=_hidden(step, end.message), advice=end.advice, ignored=end.ignored, attempts=item.attempt,
                seconds=seconds, notified=notified, on=item.on if item.on != self._context.host.name else "",
                shown={"hidden": "no_log"} if step.no_log else told(end.result, whole=item.spec.kind is Kind.PROBE),
                result=end.result,
                where=str(step.where or ""),
            )
        )  # fmt: skip
        return end

    def _step_vars(self, step: Step) -> Mapping[str, object]:
        return step.vars

    def _seen(self, item: Item, result: Mapping[str, object]) -> dict[str, object]:
        seen = item.scope.variables({**self._step_vars(item.step), **item.extra})
        seen["result"] = result
        if item.step.register:
            seen[item.step.register] = result
        return seen


ADVICE = {
    "disk-full": "the file system is full; what was there before is intact. `runbook run free-disk HOST` makes room",
    "no-inodes": "no inodes are left (df -i); what was there before is intact. `runbook run free-disk HOST` makes room",
    "read-only": "the file system is mounted read-only: look at dmesg for disk errors before remounting it",
    "permission": "the user lacks the right: set `become: true`, or connect as another user",
    "timeout": "its whole process group was killed. Raise the step's `timeout` if it may take longer",
    "no-such-command": "install the program, or give its full path",
    "over-undo-limit": "give the step a `rollback:` of its own, say `irreversible: reason`, or raise undo_limit",
}


def precondition(host: str, scope: str, probe: Probe, finding: Finding) -> PreconditionEvaluated:
    """The record of a precondition."""
    return PreconditionEvaluated(
        host=host, scope=scope, probe=probe.id, name=probe.name, action=probe.action, verdict=finding.verdict.value,
        expect=finding.expect or probe.expect or "", otherwise=probe.otherwise.value, detail=finding.detail,
        on=finding.on if finding.on != host else "", seconds=finding.seconds,
        evidence={} if probe.no_log else finding.evidence(), where=str(probe.where or ""),
    )  # fmt: skip


def check(host: str, purpose: str, scope: str, probe: Probe, finding: Finding) -> CheckEvaluated:
    """The record of a check: value, unit, threshold, and the evidence behind them."""
    chief = finding.chief
    return CheckEvaluated(
        host=host, purpose=purpose, scope=scope, probe=probe.id, name=probe.name, action=probe.action,
        verdict=finding.verdict.value, expect=finding.expect or probe.expect or "", detail=finding.detail,
        on=finding.on if finding.on != host else "", value=chief.value if chief else None,
        unit=probe.unit or (chief.unit if chief else ""),
        threshold=f"{chief.op} {chief.threshold}" if chief and chief.op else probe.threshold,
        metric=probe.metric or (chief.name if chief else ""), service=probe.service or "",
        severity=probe.severity or "", critical=probe.critical, touches=catalog.get(probe.action).touches or "",
        samples=finding.samples, held=finding.held, seconds=finding.seconds,
        evidence={} if probe.no_log else finding.evidence(), where=str(probe.where or ""),
    )  # fmt: skip


def told(result: Mapping[str, object], *, whole: bool = False) -> dict[str, object]:
    """The part of a result that the terminal and the reports show; a probe's is the measurement, `whole`."""
    if whole:
        return {"result": cut({k: v for k, v in result.items() if k not in ("changed", "failed", "ansible_facts")})}
    found: dict[str, object] = {}
    for key in TOLD:
        value = result.get(key)
        if isinstance(value, str):
            value = (
                value if len(value) <= TOLD_LENGTH else value[: TOLD_LENGTH // 2] + " … " + value[-TOLD_LENGTH // 2 :]
            )
        if value not in (None, "") and not isinstance(value, (dict, bytes)):
            found[key] = value
    return found


def _host_error(error: HostError) -> StepResult:
    if error.kind in ("become-failed", "no-python"):
        return StepResult(outcome=Outcome.FAILED, kind=error.kind, message=error.message, advice=error.advice or "")
    return StepResult(outcome=Outcome.UNREACHABLE, kind=error.kind, message=error.message, advice=error.advice or "")


def _joined(results: list[StepResult]) -> StepResult:
    """A loop's items as one result."""
    order = (
        Outcome.IN_DOUBT, Outcome.UNREACHABLE, Outcome.FAILED, Outcome.TIMED_OUT, Outcome.UNKNOWN, Outcome.CHANGED,
        Outcome.OK, Outcome.SKIPPED,
    )  # fmt: skip
    worst = min(results, key=lambda r: (not r.stops, order.index(r.outcome)))
    whole: dict[str, object] = {
        "results": [dict(r.result) for r in results if "__empty__" not in r.result],
        "changed": any(r.outcome is Outcome.CHANGED for r in results),
        "failed": any(r.outcome.measured_failure for r in results),
        "skipped": all(r.outcome is Outcome.SKIPPED for r in results),
    }
    return dataclasses.replace(worst, result=whole)


def _weight(value: object) -> int:
    """Bytes of content in a state before."""
    if isinstance(value, (bytes, bytearray)):
        return len(value)
    if isinstance(value, Mapping):
        return sum(_weight(v) for v in value.values())
    return sum(_weight(v) for v in value) if isinstance(value, (list, tuple)) else 0


def _name(item: Item) -> str:
    return f"{item.step.name} [{item.label}]" if item.label else item.step.name


def _hidden(step: Step, message: str) -> str:
    return "(hidden: no_log)" if step.no_log and message else message
