"""A step's action on its host: look and, if something is to be changed, send; or a person's consent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from playbook_engine.catalog.spec import Kind
from playbook_engine.engine import fetching, reaching
from playbook_engine.engine.ahead import Ahead, Request
from playbook_engine.engine.approval import Decision, Wanted
from playbook_engine.engine.commands import Approve, Program, emit
from playbook_engine.engine.context import HostContext
from playbook_engine.engine.digest import digest
from playbook_engine.engine.drift import drifted, key
from playbook_engine.engine.item import Item, carries, told
from playbook_engine.engine.ledger import Ledger
from playbook_engine.engine.pausing import wait
from playbook_engine.engine.result import StepResult
from playbook_engine.engine.sending import Sending
from playbook_engine.model.events import StateObserved
from playbook_engine.model.outcome import Outcome
from playbook_engine.transport.base import Call, Reply

WOULD = "Command would have run if not in check mode"  # as Ansible says it
NEVER_CHECKED = frozenset({"fetch", "wait_for_connection"})
"""What is left out in check mode."""
UNCHECKED = NEVER_CHECKED | {"uri", "wait_for"}
"""What a playbook leaves out in check mode, as Ansible's modules do; a runbook asks them, as it asks all."""


class Acting:
    """Performs actions on one host."""

    def __init__(
        self, context: HostContext, ledger: Ledger, ahead: Ahead, unless: Callable[[Item], Program[bool]]
    ) -> None:
        """`unless` says whether a step's probes of that name hold."""
        self._context = context
        self._ledger = ledger
        self._ahead = ahead
        self._sending = Sending(context, ledger, ahead, unless)

    def glance(self, item: Item, args: dict[str, object]) -> Request:
        """What a step of kind `state` will look at first."""
        return Request(on=item.on, become=item.become, call=self._sending.look(item, args))

    def _ask(self, item: Item, call: Call) -> Program[Reply]:
        return self._ahead.ask(Request(on=item.on, become=item.become, call=call))

    def act(self, item: Item, args: dict[str, object], variables: Mapping[str, object]) -> Program[StepResult]:
        step, spec, context = item.step, item.spec, self._context
        known = item.past.change(item.attempt) if item.past is not None else None
        if known is not None:
            return (yield from self._sending.known(item, known))
        if spec.kind is not Kind.CONTROL and item.on == context.host.name:
            yield from context.reach()
        if step.action == "approve":
            return (yield from self._approve(item, args))
        if step.action == "pause":
            return (yield from self._pause(item, args))
        if item.check and step.action in (UNCHECKED if item.scope.runbook.play else NEVER_CHECKED):
            said = {"changed": False, "skipped": True, "msg": "not carried out in check mode"}
            return StepResult(outcome=Outcome.SKIPPED, kind="check", message=str(said["msg"]), result=said)
        if step.action == "wait_for_connection":
            reply = yield from reaching.wait(context, args)
            return self._sending.judge(item, reply, changed=False)
        if step.action == "debug" and _quiet(args, context.options.verbosity):
            left = {"changed": False, "skipped": True, "skipped_reason": "Verbosity threshold not met."}
            return StepResult(outcome=Outcome.SKIPPED, message="it is said with more -v only", result=left)
        if spec.kind is Kind.CONTROL:
            reply = context.control(step.action, args, item.scope, variables)
            return self._sending.judge(item, reply, changed=False)
        if spec.kind is Kind.PROBE:
            if spec.touches and (item.check or context.options.read_only):
                return StepResult(
                    outcome=Outcome.UNKNOWN, kind="left-out", message=f"left out: {spec.touches}", known=False
                )
            call = Call(op="probe", action=step.action, args=args, timeout=step.timeout)
            reply = yield from self._ask(item, call)
            if step.action == "fetch":
                folder = Path(item.scope.runbook.file).parent
                reply = fetching.kept(reply, args, context.host.name, folder)
            wrote = (spec.touches is not None or step.action == "fetch") and reply.result.get("changed") is True
            return self._sending.judge(item, reply, changed=wrote)
        if spec.kind is Kind.STATE:
            return (yield from self._state(item, args))
        return (yield from self._opaque(item, args))

    def _pause(self, item: Item, args: Mapping[str, object]) -> Program[StepResult]:
        """Nobody waits for a preview."""
        if item.check:
            said = "it would wait"
            return StepResult(outcome=Outcome.OK, kind="check", message=said, result={"changed": False, "msg": said})
        reply = yield from wait(item.name, args, self._context.hide)
        return self._sending.judge(item, reply, changed=False)

    def _approve(self, item: Item, args: Mapping[str, object]) -> Program[StepResult]:
        """People decide, once for all hosts."""
        step = item.step
        if item.check:
            return StepResult(outcome=Outcome.SKIPPED, kind="check", message="somebody would be asked", known=False)
        by = args.get("by")
        count = args.get("count")
        decision: Decision = yield Approve(
            Wanted(
                step=step.id, name=item.name, message=str(args.get("msg") or item.name), timeout=step.timeout,
                by=tuple(map(str, by)) if isinstance(by, (list, tuple)) else (),
                count=count if isinstance(count, int) else 1,
            )
        )  # fmt: skip
        if decision.stopped:
            return StepResult(outcome=Outcome.UNKNOWN, kind="stopped", message=decision.stopped)
        result = {"approved_by": list(decision.by), "reason": decision.reason, "failed": not decision.granted}
        if decision.granted:
            said = f"approved by {', '.join(decision.by)}"
            return StepResult(outcome=Outcome.OK, message=said, result=result)
        who = f" by {', '.join(decision.by)}" if decision.by else ""
        message = f"not approved{who}: {decision.reason}"
        if not decision.answered:
            return StepResult(outcome=Outcome.FAILED, kind="no-answer", message=message, result=result)
        return StepResult(outcome=Outcome.FAILED, kind="not-approved", message=message, result=result)

    def _state(self, item: Item, args: dict[str, object]) -> Program[StepResult]:
        """observe and plan; then, if something is to be changed: intent, apply."""
        step, context = item.step, self._context
        looked = yield from self._ask(item, self._sending.look(item, args))
        place = key(context.host.name, step.id, item.index, item.scope_id)
        made = self._ledger.made
        if moved := drifted(context.plan, place, item.on, step.action, args, looked, made):
            return moved
        if not looked.ok or not looked.plan:
            return self._sending.judge(item, looked, changed=False)
        yield from emit(
            StateObserved(
                host=context.host.name, step=step.id, item=item.index, attempt=item.attempt,
                changes=told(step, looked.plan), state=looked.state or {},
                digest=digest(step.action, args, looked.state or {}) if item.check else "",
            )
        )  # fmt: skip
        if item.check:
            return self._sending.judge(item, looked, changed=True)
        before = (looked.before if carries(item) else looked.state) or {}
        context.budget.spend(_weight(before))
        event = yield from self._sending.intend(item, args, tuple(looked.plan), before)
        return (yield from self._sending.send(item, event, self._sending.apply(item, event, before)))

    def _opaque(self, item: Item, args: dict[str, object]) -> Program[StepResult]:
        """A command: nothing can be looked at beforehand but `creates` and `removes`, so it is one round trip."""
        step = item.step
        reads = step.changed_when is not None and all(c.strip().lower() == "false" for c in step.changed_when)
        if item.check:
            call = Call(op="peek", action=step.action, args=args, timeout=step.timeout)
            looked = yield from self._ask(item, call)
            if not looked.ok or not looked.plan:
                return self._sending.judge(item, looked, changed=False)
            if item.scope.runbook.play and not reads and not (args.get("creates") or args.get("removes")):
                skipped = {
                    "changed": False,
                    "failed": False,
                    "skipped": True,
                    "msg": WOULD,
                }
                return StepResult(outcome=Outcome.SKIPPED, kind="check", message=str(skipped["msg"]), result=skipped)
            known = any(c.get("aspect") not in ("run", None) for c in looked.plan)
            message = "" if known else "it would run; what it would do cannot be known"
            result = self._context.registered(step.action, looked)
            result.update(changed=not reads, failed=False, skipped=reads, msg=message if known else WOULD)
            return StepResult(
                outcome=Outcome.SKIPPED if reads else Outcome.CHANGED, kind="check", message=message, known=False,
                result=result,
            )  # fmt: skip
        if reads and not step.background:
            call = Call(op="run", action=step.action, args=args, timeout=step.timeout)
            reply = yield from self._ask(item, call)
            return self._sending.judge(item, reply, changed=False)
        said = str(args.get("cmd") or args.get("argv") or step.action)
        event = yield from self._sending.intend(item, args, ({"aspect": "run", "after": said},), {})
        return (yield from self._sending.send(item, event, self._sending.change(item, event, "run")))


def _quiet(args: Mapping[str, object], verbosity: int) -> bool:
    """Whether a `debug` is for whoever asks for more (`-v`)."""
    least = args.get("verbosity")
    return isinstance(least, int) and least > verbosity


def _weight(value: object) -> int:
    """Bytes of content in a state before."""
    if isinstance(value, (bytes, bytearray)):
        return len(value)
    if isinstance(value, Mapping):
        return sum(_weight(v) for v in value.values())
    return sum(_weight(v) for v in value) if isinstance(value, (list, tuple)) else 0
