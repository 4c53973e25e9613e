"""Taking changes back: in reverse order, what really changed only, handlers again, and then the proof."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from playbook_engine.agent import proof
from playbook_engine.catalog import catalog
from playbook_engine.catalog.spec import Kind
from playbook_engine.engine.commands import Program, ask, emit, now
from playbook_engine.engine.context import HostContext
from playbook_engine.engine.digest import volatile
from playbook_engine.engine.history import History
from playbook_engine.engine.ledger import Change, Fate, Ledger
from playbook_engine.engine.result import StepResult
from playbook_engine.engine.scope import Scope
from playbook_engine.engine.selection import included
from playbook_engine.engine.step import StepRunner
from playbook_engine.model.errors import HostError, LinkLost, Unreachable
from playbook_engine.model.events import ChangeIntended, RollbackStarted, RollbackVerified, StepUndone, UndoIntended
from playbook_engine.model.frozen import frozen
from playbook_engine.model.outcome import Outcome
from playbook_engine.model.runbook import Step, flat
from playbook_engine.transport.base import Call, Reply

TIMEOUT = 600.0  # seconds for one undo: rollback has a deadline of its own


@frozen
class RollbackResult:
    """`undone` and `kept` name steps; `failed` says what is wrong, `differences` what the proof found."""

    undone: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    differences: tuple[Mapping[str, object], ...] = ()

    @property
    def proved(self) -> bool:
        return not self.failed and not self.differences


class Rollback:
    """Takes back one host's changes."""

    def __init__(self, context: HostContext, ledger: Ledger, steps: StepRunner, history: History) -> None:
        self._context = context
        self._history = history
        self._ledger = ledger
        self._steps = steps

    def run(
        self, scope_id: str, changes: Sequence[Change], why: str, *, force: bool = False
    ) -> Program[RollbackResult]:
        """Undoes `changes`, last first. A lost link stops it: what cannot be observed is not touched further."""
        host = self._context.host.name
        names = tuple(c.event.name for c in reversed(changes))
        if self._history.rollback(scope_id) is None:
            yield from emit(RollbackStarted(host=host, scope=scope_id, why=why, steps=names))
        undone: list[Change] = []
        kept: list[str] = []
        failed: list[str] = []
        asleep = self._asleep(self._ledger.take_pending(scope_id))
        notified: list[tuple[str, Scope]] = []
        for change in reversed(changes):
            done = change.undone or (yield from self._taken_back(change, scope_id, force))
            outcome, message = done.outcome, done.message
            if outcome == "undone":
                undone.append(change)
                notified += [(n, change.scope) for n in change.event.notify if n not in asleep]
            elif outcome == "kept":
                kept.append(change.event.name)
            elif outcome == "failed":
                failed.append(f"{change.event.name}: {message}")
        proof = self._history.proof(scope_id)
        if proof is not None and proof.proved and not failed:
            return RollbackResult(undone=tuple(c.event.name for c in undone), kept=proof.kept)
        failed += yield from self._handlers(scope_id, notified)
        compared, differences, problems = yield from self._prove(undone)
        failed += problems
        yield from emit(
            RollbackVerified(
                host=host, scope=scope_id, proved=not failed and not differences, compared=compared,
                differences=tuple(differences), kept=tuple(kept),
            )
        )  # fmt: skip
        return RollbackResult(
            undone=tuple(c.event.name for c in undone), kept=tuple(kept), failed=tuple(failed),
            differences=tuple(differences),
        )  # fmt: skip

    def _asleep(self, pending: Sequence[str]) -> set[str]:
        """Handlers that still wait, and that nothing done since can have done the work of: what they would restart has
        never seen the changes, and is left alone when these are taken back.

        A command may have restarted anything, and so may a service: after one of those a waiting handler runs.
        """
        found = set(pending)
        for name in pending:
            first = next((n for n, made in enumerate(self._ledger.made) if name in made.notify), None)
            if first is None or any(_may_restart(made) for made in self._ledger.made[first + 1 :]):
                found.discard(name)
        return found

    def _taken_back(self, change: Change, scope_id: str, force: bool) -> Program[StepUndone]:
        """One change, as an event. A host that cannot be worked with any more stops here, to be gone on with later."""
        event, host = change.event, self._context.host.name
        began = yield from now()
        try:
            outcome, how, message = yield from self._undo(change, scope_id, force)
        except (Unreachable, LinkLost):
            raise
        except HostError as error:
            outcome, how, message = "failed", event.reversible, error.message
        ended = yield from now()
        done = StepUndone(
            host=host, step=event.step, item=event.item, attempt=event.attempt, name=event.name, action=event.action,
            outcome=outcome, how=how, message=message, seconds=ended - began,
        )  # fmt: skip
        yield from emit(done)
        return done

    def _undo(self, change: Change, scope_id: str, force: bool) -> Program[tuple[str, str, str]]:
        """(outcome, how, message) of one change."""
        event = change.event
        begun = change.past is not None and change.past.undo is not None
        if event.reversible == "irreversible":
            if event.irreversible or change.fate is not Fate.FAILED:
                return "kept", "irreversible", event.irreversible
            return "kept", "irreversible", "it failed, and what it did before that cannot be known"
        own = event.reversible == "action" and not begun  # what it left is what its undo can be held against
        if own and not force and change.fate is Fate.APPLIED and change.after:
            moved = yield from self.moved(change)
            if moved:
                return "failed", "action", moved
        if not begun:
            yield from emit(
                UndoIntended(
                    host=self._context.host.name, step=event.step, item=event.item, attempt=event.attempt,
                    name=event.name, how=event.reversible,
                )
            )  # fmt: skip
        if event.reversible == "rollback":
            return (yield from self._by_steps(change, scope_id))
        if begun and (yield from self._as_before(change)):
            return "undone", "action", "found as it was before: it had been taken back already"
        call = Call(op="undo", action=event.action, args=event.args, before=dict(event.before), timeout=TIMEOUT)
        (reply,) = yield from ask(event.on or self._context.host.name, change.become, call)
        if not reply.ok:
            return "failed", "action", reply.msg
        left = differences(event.action, event.before, reply.state or {})
        if left:
            return "failed", "action", f"the state is not what it was: {_said(left)}"
        return "undone", "action", str(reply.result.get("msg") or "")

    def _as_before(self, change: Change) -> Program[bool]:
        """Whether the state before is there. What was begun is looked at before it is done once more."""
        reply = yield from self._observed(change)
        return reply.ok and not differences(change.event.action, change.event.before, reply.result)

    def _observed(self, change: Change) -> Program[Reply]:
        """The present state of what a change is about."""
        event = change.event
        call = Call(op="probe", action=event.action, args=event.args, timeout=TIMEOUT)
        (reply,) = yield from ask(event.on or self._context.host.name, change.become, call)
        return reply

    def _by_steps(self, change: Change, scope_id: str) -> Program[tuple[str, str, str]]:
        """The step's own `rollback:` list. Its steps are not undone in turn."""
        for step in change.step.rollback or ():
            end = yield from self._steps.run(step, change.scope, f"{scope_id}/rollback")
            if end.outcome in (Outcome.UNREACHABLE, Outcome.IN_DOUBT):
                raise LinkLost(f"{step.name}: {end.message}", advice=end.advice or None)
            if end.stops:
                return "failed", "rollback", f"{step.name}: {end.message}"
        self._ledger.settle(f"{scope_id}/rollback")
        return "undone", "rollback", ""

    def moved(self, change: Change) -> Program[str]:
        """Whether somebody changed the same thing since: taking our change back would undo theirs too."""
        reply = yield from self._observed(change)
        if not reply.ok:
            return reply.msg
        left = differences(change.event.action, change.after, reply.result)
        said = f"changed since by somebody, or a later run: {_said(left)}; --force takes it back all the same"
        return said if left else ""

    def _handlers(self, scope_id: str, notified: Sequence[tuple[str, Scope]]) -> Program[list[str]]:
        """Taking a change back re-notifies its handlers: a restored unit file needs its restart (but see `_asleep`)."""
        failed: list[str] = []
        done: set[str] = set()
        told = [(handler, scope) for name, scope in notified for handler in scope.runbook.heard(name)]
        for handler, scope in told:
            if handler.id in done:
                continue
            done.add(handler.id)
            end = yield from self._handled(handler, scope, f"{scope_id}/rollback")
            if end.stops:
                # What was not there before need not restart now: its unit has just been removed with it.
                if end.kind == "not-found" or "not-found" in str(end.result.get("kind")):
                    continue
                failed.append(f"handler {handler.name}: {end.message}")
        self._ledger.settle(f"{scope_id}/rollback")
        return failed

    def _handled(self, handler: Step, scope: Scope, scope_id: str) -> Program[StepResult]:
        """A handler, and what it takes in, up to the first that does not end well."""
        end = yield from self._steps.run(handler, scope, scope_id, handler=True)
        files = scope.runbook.handler_files.get(handler.id)
        if files is None:
            return end
        for name, names in included(handler, end.result):
            for step in flat((files.choices[name],)):
                if not end.stops and isinstance(step, Step):
                    end = yield from self._steps.run(step, scope.looped(names), scope_id, handler=True)
        return end

    def _prove(self, undone: Sequence[Change]) -> Program[tuple[int, list[Mapping[str, object]], list[str]]]:
        """Observes again what was taken back and compares it with the earliest state before, subject by subject."""
        first: dict[tuple[str, ...], Change] = {}
        for change in reversed(undone):  # `undone` is last first
            if change.event.reversible == "action":
                first.setdefault((change.event.on, change.event.become, *subject(change)), change)
        found: list[Mapping[str, object]] = []
        problems: list[str] = []
        for change in first.values():
            event = change.event
            try:
                reply = yield from self._observed(change)
            except HostError as error:
                problems.append(f"{event.name}: cannot be proved: {error.message}")
                continue
            if reply.kind == "not-found" and event.before.get("type") == "absent":
                continue  # it was not there, and what it would be in (a user's home) is not there any more
            if not reply.ok:
                problems.append(f"{event.name}: cannot be proved: {reply.msg}")
                continue
            found += [{**d, "step": event.name} for d in differences(event.action, event.before, reply.result)]
        return len(first), found, problems


def subject(change: Change) -> tuple[str, ...]:
    """What a change is about: a path, whoever changed it; else the thing that the action's arguments name."""
    event = change.event
    if event.before.get("path"):
        return ("path", str(event.before["path"]))
    named = event.args.get("name") or event.args.get("virtualenv") or sorted(event.args.items(), key=str)
    return (event.action, str(named), str(event.args.get("virtualenv") or ""))


def differences(action: str, before: Mapping[str, object], now_: Mapping[str, object]) -> list[Mapping[str, object]]:
    """Where two observed states differ, by the definition of the rollback's proof."""
    return [
        {
            "subject": before.get("path") or before.get("name") or action,
            "aspect": path,
            "before": _at(before, path),
            "now": _at(now_, path),
        }
        for path in proof.differences(dict(before), dict(now_), tuple(volatile(action)))
    ]


def _at(state: object, path: str) -> object:
    """The value at a dotted path, short enough to be read."""
    for part in re.findall(r"[^.\[\]]+", path):
        if isinstance(state, Mapping):
            state = state.get(part)
        elif isinstance(state, (list, tuple)) and part.isdigit() and int(part) < len(state):
            state = state[int(part)]
    if isinstance(state, (int, float, bool)) or state is None:
        return state
    return str(state)[:12] if path.endswith("sha256") else str(state)[:80]


def _said(left: Sequence[Mapping[str, object]]) -> str:
    return "; ".join(f"{d['subject']} {d['aspect']}: was {d['before']}, is {d['now']}" for d in left[:5])


def _may_restart(made: ChangeIntended) -> bool:
    """Whether an intent may have restarted something: all but what keeps the state of files and accounts."""
    return made.action == "service" or catalog.get(made.action).kind is not Kind.STATE
