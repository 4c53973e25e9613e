"""The entries of one runbook on one host, in their order: steps, blocks with their rescue, included files, handlers.

What comes of a step that did not end well is decided from the inside out: its block's `rescue`, then the runbook.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Sequence
from typing import Any, Protocol

from playbook_engine.engine import items
from playbook_engine.engine.commands import Cancel, Confirm, Fatal, Gate, Once, Place, Program, Told
from playbook_engine.engine.context import HostContext
from playbook_engine.engine.history import History
from playbook_engine.engine.ledger import Ledger
from playbook_engine.engine.result import Ended, Failed, StepResult, Stopped
from playbook_engine.engine.scope import Scope
from playbook_engine.engine.selection import included, named, selected
from playbook_engine.engine.step import RESCUED, TAKEN, StepRunner
from playbook_engine.model.errors import EngineError, LoadError
from playbook_engine.model.outcome import HostStatus, Outcome
from playbook_engine.model.runbook import Block, Entry, Import, Include, OnFailure, Runbook, Step, Strategy


class Machine(Protocol):
    """What the walk asks of the host's machine, and tells it."""

    context: HostContext
    history: History
    ledger: Ledger
    steps: StepRunner
    waits_for: str

    def noted(self, result: StepResult) -> None: ...
    def because(self, kind: str, step: str) -> None: ...
    def went_on_after(self, message: str) -> None: ...
    def not_measured(self, message: str) -> None: ...
    def imported(
        self, entry: Import, scope: Scope, tags: tuple[str, ...], place: Place
    ) -> Program[tuple[HostStatus, str, str] | None]: ...


Steps = Generator[Any, Any, Failed | None]


FATAL = "fatal"
"""The kind of what has failed on another host."""


class Cancelled(Exception):
    """The operator insists: what was done is to be taken back as the runbook says; raised inside the machine only."""


class Begun(Exception):
    """A rollback was begun here by an earlier controller: nothing new is done; raised inside the machine only."""


class Doomed(Exception):
    """Another host has failed, and any error is fatal to all of them; raised inside the machine only."""


class PlayEnded(Exception):
    """`meta: end_play` and `end_batch`: the host has done what there was to do; raised inside the machine only."""


class Walk:
    """One host's way through one runbook. `place`: where this runbook stands in the plan."""

    def __init__(
        self, machine: Machine, runbook: Runbook, scope: Scope, scope_id: str, tags: tuple[str, ...], place: Place
    ) -> None:
        self._machine = machine
        self._context = machine.context
        self._history = machine.history
        self._ledger = machine.ledger
        self._runbook = runbook
        self._scope = scope
        self._scope_id = scope_id
        self._tags = tags
        self._place = place
        self._begun = machine.history.rollback(scope_id)
        self._linear = runbook.strategy is Strategy.LINEAR
        self.ended_play = False
        self._handling = False

    def all(self) -> Steps:
        """Every entry and then the handlers that wait. Raises Stopped, Cancelled."""
        try:
            failed = yield from self._entries(self._runbook.steps, self._scope, self._place, rescue=False)
        except Begun:
            failed = None
        except PlayEnded:
            return None
        if failed is None or self._forced():
            try:
                later = yield from self._flush((*self._place, len(self._runbook.steps)))
            except Doomed as doomed:
                later = Failed(message=str(doomed), kind=FATAL)
            failed = failed or later
        return failed

    def _forced(self) -> bool:
        return self._runbook.force_handlers or self._context.options.force_handlers

    def _entries(self, entries: Sequence[Entry], scope: Scope, place: Place, *, rescue: bool) -> Steps:
        for number, entry in enumerate(entries):
            here = (*place, number)
            try:
                match entry:
                    case Block():
                        failed = yield from self._block(entry, scope, here, rescue=rescue)
                    case Include():
                        failed = yield from self._include(entry, scope, here, rescue=rescue)
                    case Import():
                        failed = yield from self._import(entry, scope, here)
                    case Step():
                        following = None if self._linear else self._following(entries[number + 1 :])
                        failed = yield from self._step(entry, scope, here, rescue=rescue, following=following)
            except Doomed as doomed:
                failed = Failed(message=str(doomed), kind=FATAL)
            if failed is not None and not self._goes_on(failed, rescue=rescue):
                return failed
        return None

    def _goes_on(self, failed: Failed, *, rescue: bool) -> bool:
        """Whether the runbook goes on after a failure that no block looks after."""
        if rescue or failed.unreachable or failed.ended is not None:
            return False
        if self._runbook.on_failure is not OnFailure.CONTINUE:
            return False
        self._machine.went_on_after(failed.message)
        return True

    # ---------------------------------------------------------------- one entry

    def _turn(self, place: Place) -> Program[None]:
        """Waits until the host may go on. Raises Stopped, Cancelled."""
        yield from self._still(place if self._linear else None)

    def _still(self, place: Place | None = None) -> Program[None]:
        """Whether the run goes on. Raises Stopped, Cancelled."""
        stop = yield Gate("step", place=place)
        if isinstance(stop, Cancel):
            raise Cancelled(str(stop))
        if isinstance(stop, Fatal):
            raise Doomed(str(stop))
        if stop:
            raise Stopped(HostStatus.ABORTED, str(stop))

    def _step(
        self, step: Step, scope: Scope, place: Place, *, rescue: bool, following: Step | None = None
    ) -> Steps:  # fmt: skip
        if not self._wanted(step):
            return None
        yield from self._turn(place)
        if step.action == "meta":
            return (yield from self._meta(step, scope, place))
        result = yield from self._done(step, scope, rescue=rescue, following=following)
        return None if result is None else (yield from self._judged(result, step, scope))

    def _done(
        self, step: Step, scope: Scope, *, rescue: bool, following: Step | None = None
    ) -> Program[StepResult | None]:
        """The step, done; None when the person who is asked about each (`--step`) does not want it. Raises Begun."""
        steps = self._machine.steps
        begun = steps.begun(self._scope_id, step)
        if self._begun is not None and not begun:
            raise Begun
        declined = steps.declined(self._scope_id, step)
        if self._context.options.ask and not begun:
            declined = not (yield Confirm(key=steps.coming(self._scope_id, step), name=step.name))
        if declined:
            key = steps.come(self._scope_id, step)
            yield from steps.left(step, scope.of(step), key, "not wanted by the person who was asked", declined=True)
            return None
        result = yield from steps.run(
            step, scope, self._scope_id, handler=self._handling, following=following, rescue=rescue, turn=self._still
        )
        self._machine.noted(result)
        return result

    def _wanted(self, step: Step) -> bool:
        """By its tags, and not before the step that the operator wants to begin with; within a handler always."""
        if self._handling:
            return True
        if not selected((*self._tags, *step.tags), self._context.options):
            return False
        if not self._machine.waits_for:
            return True
        if step.action != "meta" and named(step, self._machine.waits_for):
            self._machine.waits_for = ""
            return True
        return False

    def _judged(self, result: StepResult, step: Step, scope: Scope, name: str = "") -> Steps:
        """What a step's end means, on every host where any error is fatal."""
        failed = self._after(result, step, scope, name)
        if failed is not None and self._linear and self._runbook.play and self._runbook.any_errors_fatal:
            host = self._context.host.name
            yield Fatal(f"{host} did not end well, and any error is fatal in {self._runbook.name}")
        return failed

    def _after(self, result: StepResult, step: Step, scope: Scope, name: str = "") -> Failed | None:
        """What a step's end means; `name` is what it is called, if not by its own. Raises Stopped for what no block can
        look after."""
        if not result.stops:
            return None
        name = name or step.name
        message = f"{name}: {result.message}"
        self._machine.because(result.kind, name)
        if result.kind in TAKEN:  # by another run: nothing here has failed
            raise Stopped(HostStatus.ABORTED, message, result.advice)
        if result.kind == "stopped":
            raise Stopped(HostStatus.ABORTED, result.message)
        if result.outcome is Outcome.IN_DOUBT:
            raise Stopped(HostStatus.IN_DOUBT, message, result.advice)
        if result.outcome is Outcome.UNKNOWN:
            if self._context.options.check:
                return None  # a probe that --check leaves out is reported, and does not stop the preview
            if self._runbook.on_failure is OnFailure.CONTINUE:
                self._machine.not_measured(message)
                return None
            raise Stopped(HostStatus.UNKNOWN, message, result.advice)
        assert result.outcome in RESCUED
        return Failed(
            message=message, advice=result.advice, kind=result.kind, task=self._failing(step, scope),
            result=result.result,
            unreachable=result.outcome is Outcome.UNREACHABLE,
        )  # fmt: skip

    def _failing(self, step: Step, scope: Scope) -> dict[str, object]:
        """A step that has failed, as the `rescue` of its block sees it."""
        scope, args = scope.of(step), dict(step.args)
        with contextlib.suppress(EngineError):
            args = self._context.templar.render(args, scope.variables(step.vars))  # type: ignore[assignment]
        return {
            "name": items.named(self._context, step, scope, {}), "action": step.action, "tags": list(step.tags),
            "args": {key: value for key, value in args.items() if value is not None},
        }  # fmt: skip

    def _meta(self, step: Step, scope: Scope, place: Place) -> Steps:
        """Raises Stopped for a host that is done, PlayEnded, LoadError."""
        scope, do = scope.of(step), step.args.get("do")
        try:
            wanted = yield from self._decided(step, scope, for_all=do in ("end_play", "end_batch"))
        except LoadError as error:
            return Failed(
                message=f"{step.name}: {error}",
                advice=error.advice or "",
                kind=error.kind,
                task=self._failing(step, scope),
            )
        if not wanted:
            return None
        match do:
            case "flush_handlers":
                return (yield from self._flush(place))
            case "end_host":
                raise Ended
            case "end_play" | "end_batch":
                self.ended_play = do == "end_play"
                raise PlayEnded
            case "clear_facts":
                scope.forget_facts()
        return None

    def _decided(self, step: Step, scope: Scope, *, for_all: bool) -> Program[bool]:
        """Whether a step that steers the run has its conditions met; `for_all`: on the host that comes first.

        Raises LoadError.
        """
        key = self._machine.steps.come(self._scope_id, step)
        if for_all:
            said: StepResult | None = yield Once(key=key)
            if said is not None:
                return said.outcome is Outcome.OK
        variables = scope.variables(step.vars)
        wanted = all(self._context.templar.evaluate(c, variables, step.where) for c in step.when)
        if not wanted:
            yield from self._machine.steps.left(step, scope, key, "its conditions do not hold")
        if for_all:
            yield Told(key=key, result=StepResult(outcome=Outcome.OK if wanted else Outcome.SKIPPED))
        return wanted

    # ---------------------------------------------------------------- blocks, files, runbooks

    def _block(self, block: Block, scope: Scope, place: Place, *, rescue: bool) -> Steps:
        """`rescue` runs as far as it can also where the host was lost: what needs it is recorded as unreachable."""
        failed = yield from self._entries(block.steps, scope, (*place, 0), rescue=rescue or bool(block.rescue))
        if failed is not None and block.rescue and failed.ended is None:
            if failed.kind != FATAL:
                scope.set["ansible_failed_task"] = dict(failed.task)
                scope.set["ansible_failed_result"] = dict(failed.result)
            failed = yield from self._rescued(block.rescue, scope, (*place, 1), failed, rescue=rescue)
        if block.always:
            last = yield from self._rescued(block.always, scope, (*place, 2), failed, rescue=rescue, whole=True)
            failed = failed or last
        return failed

    def _rescued(
        self, entries: tuple[Entry, ...], scope: Scope, place: Place, failed: Failed | None, *, rescue: bool,
        whole: bool = False,
    ) -> Steps:  # fmt: skip
        """What is still open after the `rescue` or (`whole`) the `always` of a block."""
        if failed is None or not failed.unreachable:
            return (yield from self._entries(entries, scope, place, rescue=rescue))
        lost = False
        for number, entry in enumerate(entries):
            end = yield from self._entries((entry,), scope, (*place, number), rescue=rescue)
            if end is not None and not end.unreachable:
                return end
            lost = lost or end is not None
        return failed if lost or whole else None

    def _include(self, entry: Include, scope: Scope, place: Place, *, rescue: bool) -> Steps:
        """The file, or one for each item of its loop, is named when its turn comes; what it holds is in the plan."""
        step = entry.step
        if not selected((*self._tags, *step.tags), self._context.options):
            return None
        if not self._machine.waits_for:
            yield from self._turn(place)
            result = yield from self._done(step, scope, rescue=rescue)
            failed = None if result is None else (yield from self._judged(result, step, scope))
            if result is None or failed is not None or result.elsewhere:
                return failed
            return (yield from self._files(entry, result, scope, place, rescue=rescue))
        return None  # a step in a file that is chosen while the run goes on cannot be begun with

    def _files(self, entry: Include, result: StepResult, scope: Scope, place: Place, *, rescue: bool) -> Steps:
        """What the files hold that an include has named."""
        for number, (name, names) in enumerate(included(entry.step, result.result)):
            block = entry.choices[name]
            inner = scope.looped(names)
            # Hosts that have chosen different files are at different places: one file goes before the other.
            here = (*place, number, -1 - list(entry.choices).index(name))
            failed = yield from self._entries(block.steps, inner, here, rescue=rescue)
            if failed is not None:
                return failed
        return None

    def _import(self, entry: Import, scope: Scope, place: Place) -> Steps:
        tags = (*self._tags, *entry.tags)
        if entry.hosts is None:
            yield from self._turn(place)
            if self._begun is not None and not self._history.reached(entry.id):
                raise Begun
        end = yield from self._machine.imported(entry, scope, tags, place)
        if end is None:
            return None
        status, message, advice = end
        return Failed(message=message, advice=advice, ended=status)

    # ---------------------------------------------------------------- handlers

    def _flush(self, place: Place) -> Steps:
        """The handlers that wait, in the order in which they are written: one that is told of by an earlier one too."""
        told: set[str] = set()
        left = list(self._runbook.handlers)
        try:
            while left:
                told |= set(self._ledger.take_pending(self._scope_id))
                handler = left.pop(0)
                if not self._hears(handler, told):
                    continue
                if self._begun is not None and not self._machine.steps.begun(self._scope_id, handler):
                    left.insert(0, handler)  # it waited when the rollback began
                    return None
                here = (*place, len(self._runbook.handlers) - len(left))
                yield from self._turn(here)
                result = yield from self._machine.steps.run(
                    handler, self._scope, self._scope_id, handler=True, turn=self._still
                )
                self._machine.noted(result)
                failed = yield from self._judged(result, handler, self._scope, f"handler {handler.name}")
                files = self._runbook.handler_files.get(handler.id)
                if failed is None and files is not None and not result.elsewhere:
                    self._handling = True
                    failed = yield from self._files(files, result, self._scope, here, rescue=False)
                    self._handling = False
                if failed is not None and not self._goes_on(failed, rescue=False):
                    return failed
            return None
        finally:
            waiting = (h.name for h in left if self._hears(h, told))
            self._ledger.notify(self._scope_id, tuple(waiting))

    def _hears(self, handler: Step, told: set[str]) -> bool:
        """Whether a handler was told of."""
        return any(handler in self._runbook.heard(name) for name in told & {handler.name, *handler.listen})

    def _following(self, entries: Sequence[Entry]) -> Step | None:
        """The step that is next, if it is one."""
        for entry in entries:
            if not isinstance(entry, Step):
                return None
            if selected((*self._tags, *entry.tags), self._context.options):
                return entry if entry.action != "meta" and not self._machine.waits_for else None
        return None
