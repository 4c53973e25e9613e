"""Performing a run from its opening event to its last: sinks, signals, the driver, the exit code."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field
from types import FrameType
from typing import TYPE_CHECKING

from playbook_engine.app.alarms import bells
from playbook_engine.app.wiring import App
from playbook_engine.engine.approval import Approval, Bound
from playbook_engine.engine.commands import Program
from playbook_engine.engine.driver import Driver, Operator
from playbook_engine.engine.lockstep import Past
from playbook_engine.engine.plan_hash import plan_hash
from playbook_engine.journal.approvals import Approvals, person
from playbook_engine.journal.files import JournalWriter
from playbook_engine.journal.requests import Requests, Wish
from playbook_engine.model.events import Event, RunFinished
from playbook_engine.model.frozen import frozen
from playbook_engine.model.host import Host
from playbook_engine.model.outcome import ExitCode, HostStatus, exit_code
from playbook_engine.model.plan import Plan
from playbook_engine.model.ports import EventSink

if TYPE_CHECKING:
    from playbook_engine.transport.known_hosts import Ask


@frozen
class RunEnd:
    """How a run ended."""

    run: str
    code: ExitCode
    statuses: dict[str, HostStatus]


class Sinks:
    """Every event goes to the journal first, then to whoever watches."""

    def __init__(self, journal: JournalWriter, watchers: Sequence[EventSink]) -> None:
        self._journal = journal
        self._watchers = list(watchers)

    def emit(self, event: Event) -> None:
        """Raises JournalError. A watcher whose terminal or pipe has gone is dropped: the run goes on."""
        self._journal.append(event)
        for watcher in list(self._watchers):
            try:
                watcher.emit(event)
            except (OSError, ValueError):
                with contextlib.suppress(ValueError):
                    self._watchers.remove(watcher)


@frozen
class Performance:
    """What is to be performed. `done` are hosts that had ended before, `taking_back` those in the
    middle of a rollback, `past` the steps that were done once for all, `owners` those who started and resumed the run;
    `leg` counts its controllers."""

    run: str
    plan: Plan
    opening: Event
    program: Callable[[Host], Program[HostStatus]]
    owners: frozenset[str] = frozenset()
    leg: int = 1
    taking_back: frozenset[str] = frozenset()
    done: Mapping[str, HostStatus] = field(default_factory=dict)
    past: Past = field(default_factory=dict)


def perform(
    app: App, play: Performance, journal: JournalWriter, watchers: Sequence[EventSink], ask: Ask | None,
    confirm: Callable[[str], str] | None = None, operator: Operator | None = None,
) -> RunEnd:  # fmt: skip
    """Raises JournalError when nothing can be recorded any more, KeyboardInterrupt when the operator wants out.

    The journal of a run that got no end stays without one: it is dead, and can be resumed.
    """
    began = app.clock.monotonic()
    try:
        sinks = Sinks(journal, (*watchers, *bells(app, play.run, play.plan)))
        sinks.emit(play.opening)
        requests = Requests(app.store.folder(play.run))
        requests.clear()
        driver = Driver(
            play.plan, app.transports(ask), sinks, app.clock,
            halted=lambda: app.halted() or str(requests.pending() or ""),
            claim=app.claim(play.run, play.leg, play.plan), done=play.done,
            taking_back=play.taking_back, past=play.past,
        )  # fmt: skip
        driver.lockstep.confirm = confirm
        driver.operator = operator
        bound = Bound(
            plan=plan_hash(play.plan), hosts=tuple(h.name for h in play.plan.hosts),
            owners=frozenset(map(person, play.owners)),
        )  # fmt: skip
        answers = Approvals(app.store.folder(play.run)).answers
        driver.approval = Approval(bound, sinks, app.clock, answers, driver.coordinator.halt)
        with _signals(driver) as told:
            statuses = driver.run(play.program)
        stopped = driver.coordinator
        request = requests.pending()
        aborted = bool(told) or (request is not None and request.wish is Wish.ABORT)
        code = _code(play.plan, statuses, aborted, stopped.budget_exceeded)
        if request is not None and request.wish is Wish.PAUSE and HostStatus.ABORTED in statuses.values():
            code = ExitCode.WAITING if code is ExitCode.HOST_FAILED else code
        counts = {str(k): v for k, v in Counter(s.value for s in statuses.values()).items()}
        sinks.emit(
            RunFinished(
                exit_code=int(code), counts=counts, seconds=app.clock.monotonic() - began, interrupted=aborted,
                message=stopped.stopped,
            )
        )  # fmt: skip
    except BaseException:
        journal.abandon()
        raise
    finally:
        app.hang_up()
    journal.close()
    return RunEnd(run=play.run, code=code, statuses=statuses)


@contextlib.contextmanager
def _signals(driver: Driver) -> Iterator[list[int]]:
    """Once: the step that runs is finished. Twice: it is ended on the host, and what was done is taken back as the
    runbook says. A third time: out, with everything in the journal."""
    told: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield told  # only the main thread hears signals: whoever runs this beside others interrupts it otherwise
        return

    def hear(number: int, _frame: FrameType | None) -> None:
        told.append(number)
        if len(told) == 1:
            driver.coordinator.stop("interrupted by the operator")
        elif len(told) == 2:
            driver.cancel("interrupted by the operator, twice")
        else:
            raise KeyboardInterrupt

    before = {number: signal.signal(number, hear) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield told
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _code(plan: Plan, statuses: dict[str, HostStatus], interrupted: bool, budget: bool) -> ExitCode:
    ends = list(statuses.values())
    if plan.kind == "rollback":
        # Taking back is what was asked for: done and proved is success, also where something was kept as announced.
        done = (HostStatus.ROLLED_BACK, HostStatus.PARTLY_ROLLED_BACK)
        ends = [HostStatus.CHANGED if s in done else s for s in ends]
    return exit_code(ends, interrupted=interrupted, budget=budget)
