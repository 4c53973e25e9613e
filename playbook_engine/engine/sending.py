"""A change on its way: its intent, durably; the request; how it ended, heard or learned later."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Callable, Mapping

from playbook_engine.catalog.spec import Kind
from playbook_engine.engine.ahead import Ahead, Request
from playbook_engine.engine.commands import PATIENCE, Program, Sleep, ask, emit
from playbook_engine.engine.context import HostContext
from playbook_engine.engine.item import Item, carries, told
from playbook_engine.engine.ledger import Change, Ledger
from playbook_engine.engine.result import ADVICE, StepResult, spoiled
from playbook_engine.engine.settle import change_id, recall, settle
from playbook_engine.journal.fold import ChangeView
from playbook_engine.model.errors import HostError, LinkLost, TemplateError, Unreachable
from playbook_engine.model.events import ChangeApplied, ChangeFailed, ChangeIntended
from playbook_engine.model.outcome import Outcome
from playbook_engine.model.runbook import OnDisconnect, Step
from playbook_engine.transport.base import Call, Reply

ENDS = {"timeout": Outcome.TIMED_OUT, "fenced": Outcome.UNREACHABLE, "locked": Outcome.UNREACHABLE}
"""How a step ends whose action said no; `failed` for all other kinds. A host taken over has not failed."""
GRACE = 20.0  # seconds past its deadline after which a change has ended, one way or the other
LOSSES = 3  # times that the link may break over one change


class Sending:
    """Sends one host's changes; what they change goes into the ledger."""

    def __init__(
        self, context: HostContext, ledger: Ledger, ahead: Ahead, unless: Callable[[Item], Program[bool]]
    ) -> None:
        """`unless` says whether a step's probes of that name hold."""
        self._context = context
        self._ledger = ledger
        self._ahead = ahead
        self._unless = unless

    def look(self, item: Item, args: Mapping[str, object]) -> Call:
        """Observe and plan; with the state before, where the action itself takes it back."""
        step = item.step
        return Call(
            op="look" if carries(item) else "peek", action=step.action, args=args, key=self._key(item),
            timeout=step.timeout,
            diff=item.diff or item.check, undo_limit=min(step.undo_limit, self._context.budget.left),
        )  # fmt: skip

    def apply(self, item: Item, event: ChangeIntended, before: Mapping[str, object]) -> Call:
        """The change of a state that was just looked at. The agent remembers the state before that it has sent."""
        call = self.change(item, event, "apply")
        if carries(item):
            return dataclasses.replace(call, key=self._key(item))
        return dataclasses.replace(call, before=before)

    def change(self, item: Item, event: ChangeIntended, op: str) -> Call:
        step = item.step
        return Call(
            op=op, action=step.action, args=event.args, timeout=step.background or step.timeout,
            change=change_id(event), leash=step.on_disconnect is OnDisconnect.KILL, background=step.background > 0,
        )  # fmt: skip

    def _key(self, item: Item) -> str:
        """Under which a host remembers what a look has seen: two that are under way there at once are of two items, or
        of two hosts that have delegated the same step to it."""
        return f"{self._context.host.name}/{item.scope_id}/{item.step.id}/{item.index}"

    def intend(
        self,
        item: Item,
        args: Mapping[str, object],
        plan: tuple[Mapping[str, object], ...],
        before: Mapping[str, object],
    ) -> Program[ChangeIntended]:
        """The intent, durable before the change leaves, and remembered for a rollback."""
        step = item.step
        how = "rollback" if step.rollback is not None else "irreversible" if step.irreversible is not None else "action"
        if how == "action" and not item.spec.reversible:
            how = "irreversible"
        event = ChangeIntended(
            host=self._context.host.name, step=step.id, item=item.index, attempt=item.attempt, action=step.action,
            scope=item.scope_id, name=_name(item), reversible=how, irreversible=step.irreversible or "",
            become=item.become.user if item.become else "", on=item.on, changes=told(step, plan),
            notify=self._context.notified(step, item.scope, item.variables()),
            handler=item.handler,
            args=args, before=before,
        )  # fmt: skip
        self._ledger.intend(Change(event=event, step=step, scope=item.scope, become=item.become))
        yield from emit(event)
        return event

    def send(self, item: Item, event: ChangeIntended, call: Call) -> Program[StepResult]:
        """The change leaves; its intent is durable."""
        try:
            reply = yield from self._ahead.ask(Request(on=item.on, become=item.become, call=call))
            if reply.kind == "forgotten":  # another agent than the one that looked: it is told what there was
                (reply,) = yield from ask(item.on, item.become, dataclasses.replace(call, key="", before=event.before))
        except LinkLost as error:
            return (yield from self._lost(item, event, error))
        except HostError as error:
            # Nothing was started: the session could not even be opened.
            self._ledger.forget()
            yield from emit(self._failed(item, error.kind, error.message, untouched=True))
            raise
        if reply.ok and "ansible_job_id" in reply.result:  # a host without Python runs it to its end
            return (yield from self._background(item, event, reply))
        return (yield from self._heard(item, reply))

    def _lost(self, item: Item, event: ChangeIntended, error: LinkLost) -> Program[StepResult]:
        """The link broke while it ran. It goes on, to its deadline; a new connection learns how it ended."""
        boot_id, item.losses = self._context.boot_id, item.losses + 1
        said = f"the link was lost while it ran: {error.message}"
        away = _seconds(event, item.spec.away)  # a host that is to go away may take long to come back
        try:
            if item.losses > LOSSES:
                raise error
            if item.on == self._context.host.name:
                yield from self._context.connect(max(PATIENCE, away))
            end = yield from self._settle(item, event, boot_id, said)
            if item.spec.rest and end.outcome is Outcome.CHANGED:
                yield Sleep(_seconds(event, item.spec.rest))
            return end
        except (Unreachable, LinkLost) as gone:
            if away and gone is not error:
                return (yield from self._lost(item, event, LinkLost(gone.message)))
            why = said if gone is error else f"{said}; and it did not come back: {gone.message}"
            return StepResult(
                outcome=Outcome.IN_DOUBT, kind="link-lost", message=why,
                advice="it goes on to its deadline on the host, and leaves its record there. When the host is back, "
                "`runbook resume` asks for it",
            )  # fmt: skip

    def known(self, item: Item, past: ChangeView) -> Program[StepResult]:
        """What a controller before this one intended: as it ended, or to be settled."""
        event, item.on = past.intended, past.intended.on or past.intended.host
        item.become = self._context.became(event, item.step)
        if past.applied is None:
            self._ledger.intend(Change(event=event, step=item.step, scope=item.scope, become=item.become, past=past))
            return (yield from self._settle(item, event, past.boot_id, "the controller died while it was under way"))
        self._ledger.recall(past, item.step, item.scope, item.become)
        if past.after is not None:
            reply = Reply(ok=True, result=past.after.result, state=past.after.state)
            return self.judge(item, reply, changed=not past.after.already)
        assert past.failed is not None
        if past.failed.kind == "left-out":
            return StepResult(outcome=Outcome.SKIPPED, kind="left-out", message=past.failed.message)
        reply = Reply(ok=False, kind=past.failed.kind, msg=past.failed.message, result=past.failed.result)
        return self.judge(item, reply, changed=True)

    def _settle(self, item: Item, event: ChangeIntended, boot_id: str, said: str) -> Program[StepResult]:
        """Learns what became of it, and goes on from there; or stops and asks."""
        step, context = item.step, self._context
        again = bool({step.name, step.id} & set(context.options.again))

        def look() -> Program[Reply]:
            call = self.look(item, event.args)
            (reply,) = yield from ask(item.on, item.become, call if item.spec.kind is Kind.STATE else _peek(call))
            return reply

        found = yield from settle(
            context, event, item.become, boot_id=boot_id, patience=call_time(step), look=look,
            unless=lambda: self._unless(item),
        )  # fmt: skip
        if found.reply is not None:
            return (yield from self._heard(item, found.reply, how=found.how))
        if found.send:
            op = "apply" if item.spec.kind is Kind.STATE else "run"
            call = self.apply(item, event, event.before) if op == "apply" else self.change(item, event, op)
            return (yield from self.send(item, event, call))
        if again and not found.running and item.spec.kind is Kind.OPAQUE:
            self._ledger.forget()
            why = f"sent again, as the operator decided; {found.why}"
            yield from emit(self._failed(item, "unknown", why, settled="operator", untouched=True))
            item.attempt += 1
            event = yield from self.intend(item, dict(event.args), tuple(event.changes), event.before)
            return (yield from self.send(item, event, self.change(item, event, "run")))
        return StepResult(
            outcome=Outcome.IN_DOUBT, kind="in-doubt", message=f"{said}; whether it was done cannot be learned: "
            f"{found.why}",
            advice="wait for it, then `runbook resume`" if found.running else
            f"look at the host. Then: `runbook resume --skip {shlex.quote(step.name)} --reason …` if it was done or is "
            f"not wanted, `--again {shlex.quote(step.name)}` instead if it was not, or `runbook rollback`",
        )  # fmt: skip

    def _background(self, item: Item, event: ChangeIntended, started: Reply) -> Program[StepResult]:
        """It was started on its own: looked at every `poll` seconds until it ends; with `poll: 0` not waited for."""
        step = item.step
        if not step.poll:
            return (yield from self._heard(item, started))
        told = yield from recall(event, item.become, step.background + GRACE, step.poll)
        outcome = told.get("outcome")
        if told.get("status") == "recorded" and isinstance(outcome, Mapping):
            return (yield from self._heard(item, Reply.of(outcome)))
        return StepResult(
            outcome=Outcome.IN_DOUBT, kind="in-doubt", message=f"it was started, and how it ended cannot be learned: "
            f"{told.get('why') or told.get('status')}",
        )  # fmt: skip

    def _heard(self, item: Item, reply: Reply, how: str = "") -> Program[StepResult]:
        """How it ended, as an event, in the ledger, and judged."""
        if not reply.ok:
            untouched = reply.untouched or reply.kind == "no-such-command"
            if untouched:
                self._ledger.forget()
            else:
                self._ledger.failed()
            event = self._failed(item, reply.kind, reply.msg, settled=how, untouched=untouched, result=reply.result)
            yield from emit(event)
            return self.judge(item, reply, changed=True)
        told = how in ("", "record") and "ansible_job_id" not in reply.result  # by the host itself, of the whole
        already = item.spec.kind is Kind.OPAQUE and told and not reply.plan
        if already:
            self._ledger.forget()  # creates or removes said: already so
        else:
            self._ledger.applied(reply.state or {})
        yield from emit(
            ChangeApplied(
                host=self._context.host.name, step=item.step.id, item=item.index, attempt=item.attempt,
                seconds=reply.elapsed, settled=how, already=already, state={} if already else reply.state or {},
                result=reply.result,
            )
        )  # fmt: skip
        return self.judge(item, reply, changed=not already)

    def _failed(
        self, item: Item, kind: str, message: str, *, settled: str = "", untouched: bool = False,
        result: Mapping[str, object] | None = None,
    ) -> ChangeFailed:  # fmt: skip
        return ChangeFailed(
            host=self._context.host.name, step=item.step.id, item=item.index, attempt=item.attempt, kind=kind,
            message=message, settled=settled, untouched=untouched, result=result or {},
        )  # fmt: skip

    def judge(self, item: Item, reply: Reply, *, changed: bool) -> StepResult:
        """The outcome of a reply, with failed_when and changed_when having the last word."""
        step, templar = item.step, self._context.templar
        result = self._context.registered(step.action, reply)
        started = reply.ok or (item.spec.kind is Kind.OPAQUE and reply.kind != "no-such-command")
        result["changed"] = changed and started
        failed = not reply.ok
        seen = item.seen(result)
        overruled = step.failed_when is not None and (reply.ok or "rc" in result)
        try:
            if overruled:
                assert step.failed_when is not None
                failed = bool(step.failed_when) and all(templar.evaluate(c, seen, step.where) for c in step.failed_when)
                result["failed_when_result"] = failed
            if step.changed_when is not None and (not failed or "rc" in result):
                result["changed"] = all(templar.evaluate(c, seen, step.where) for c in step.changed_when)
        except TemplateError as error:  # it was carried out all the same
            ended = StepResult(outcome=Outcome.FAILED, advice=error.advice or "", result=result)
            return spoiled(ended, str(error))
        result["failed"] = failed
        if not failed:
            outcome = Outcome.CHANGED if result["changed"] else Outcome.OK
            if reply.ok and reply.result.get("skipped") is True:  # by its own arguments, such as `creates`
                outcome = Outcome.SKIPPED
            return StepResult(outcome=outcome, message=str(result.get("msg") or ""), result=result)
        outcome = ENDS.get(reply.kind, Outcome.FAILED)
        if reply.kind == "unmeasured" or (item.spec.kind is Kind.PROBE and reply.kind in ("permission", "crash")):
            outcome = Outcome.UNKNOWN
        message = reply.msg or (f"failed_when: {' and '.join(step.failed_when or ())}" if overruled else "it failed")
        return StepResult(
            outcome=outcome,
            kind=reply.kind or "failed",
            message=message,
            advice=ADVICE.get(reply.kind, ""),
            result=result,
        )


def _peek(call: Call) -> Call:
    return dataclasses.replace(call, op="peek", key="", undo_limit=None)


def call_time(step: Step) -> float:
    """Seconds within which the host has ended what it was sent."""
    return (step.background or step.timeout) + GRACE


def _seconds(event: ChangeIntended, name: str | None) -> float:
    """The argument of this name, a number of seconds; 0 where there is none."""
    value = event.args.get(name) if name else None
    return float(value) if isinstance(value, (int, float)) else 0.0


def _name(item: Item) -> str:
    return f"{item.name} [{item.label}]" if item.label else item.name
