"""A step's action on its host: look, intend, durably, then act; and what its answer means."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from playbook_engine.catalog.spec import ActionSpec, Kind
from playbook_engine.engine.commands import Program, ask, emit
from playbook_engine.engine.context import HostContext
from playbook_engine.engine.ledger import Change, Ledger
from playbook_engine.engine.result import ADVICE, StepResult
from playbook_engine.engine.scope import Scope
from playbook_engine.model.errors import HostError, LinkLost
from playbook_engine.model.events import ChangeApplied, ChangeFailed, ChangeIntended, StateObserved
from playbook_engine.model.outcome import Outcome
from playbook_engine.model.runbook import Step
from playbook_engine.transport.base import Become, Call, Reply


@dataclass(slots=True, kw_only=True)
class Item:
    """One item of a step's loop (or its only one) while it runs."""

    step: Step
    scope: Scope
    spec: ActionSpec
    index: int
    name: str
    label: str
    extra: dict[str, object]
    handler: bool
    scope_id: str
    on: str = ""
    become: Become | None = None
    attempt: int = 1

    def seen(self, result: Mapping[str, object]) -> dict[str, object]:
        """The variables that a condition about a result may name."""
        seen = self.variables()
        seen["result"] = result
        if self.step.register:
            seen[self.step.register] = result
        return seen

    def variables(self) -> dict[str, object]:
        return self.scope.variables({**self.step.vars, **self.extra})


class Acting:
    """Performs actions on one host; what they change goes into the ledger."""

    def __init__(self, context: HostContext, ledger: Ledger) -> None:
        self._context = context
        self._ledger = ledger

    def act(self, item: Item, args: dict[str, object], variables: Mapping[str, object]) -> Program[StepResult]:
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
                changes=_told(step, looked.plan), state=looked.state or {},
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
            become=item.become.user if item.become else "", on=item.on, changes=_told(step, plan), notify=step.notify,
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
            if reply.untouched or reply.kind == "no-such-command":
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
        seen = item.seen(result)
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


def _told(step: Step, plan: Sequence[Mapping[str, object]]) -> tuple[Mapping[str, object], ...]:
    """The changes of a plan as they may be shown: under `no_log` only what they concern."""
    if not step.no_log:
        return tuple(plan)
    return tuple({k: v for k, v in change.items() if k in ("path", "subject", "aspect")} for change in plan)


def _weight(value: object) -> int:
    """Bytes of content in a state before."""
    if isinstance(value, (bytes, bytearray)):
        return len(value)
    if isinstance(value, Mapping):
        return sum(_weight(v) for v in value.values())
    return sum(_weight(v) for v in value) if isinstance(value, (list, tuple)) else 0


def _name(item: Item) -> str:
    return f"{item.name} [{item.label}]" if item.label else item.name
