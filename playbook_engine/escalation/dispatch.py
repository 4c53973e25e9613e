"""The dispatcher: takes failures out of the journals of runs, climbs the ladders, sends what is due, hears answers.

One process for a state folder, apart from every run: sending can neither delay a run nor fail it, and goes on when the
run's controller is killed. What it knows stands in the journals of the escalations; killed itself, it is started again
by the next run, and goes on from there. A message that was intended and of which nobody knows whether it left is sent
again, under the same key: at least once, and recognisable as the same.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta

from playbook_engine.escalation import ladder
from playbook_engine.escalation.answers import Answers, Word, link
from playbook_engine.escalation.casebook import Case, Casebook
from playbook_engine.escalation.channels.channel import Channel, Letter
from playbook_engine.escalation.channels.terminal import STARTER
from playbook_engine.escalation.flight import Flight, Landed
from playbook_engine.escalation.intake import Failures, failures, joining, key_of, opening, severity
from playbook_engine.escalation.letters import Letters
from playbook_engine.escalation.policies import from_text
from playbook_engine.escalation.policy import Kind, Policy, Sender
from playbook_engine.escalation.view import EscalationView, State
from playbook_engine.escalation.watches import Watch, Watches
from playbook_engine.journal import keys
from playbook_engine.journal.files import FileStore
from playbook_engine.journal.fold import RunView
from playbook_engine.journal.fold import fold as fold_run
from playbook_engine.model.errors import EngineError, JournalError, LoadError, NotFound
from playbook_engine.model.events import (
    EscalationAcknowledged,
    EscalationExhausted,
    EscalationProgressed,
    EscalationReopened,
    EscalationResolved,
    HostRecovered,
    NotificationIntended,
)
from playbook_engine.model.frozen import frozen
from playbook_engine.model.outcome import HostStatus
from playbook_engine.model.ports import Clock
from playbook_engine.report.escalation import EscalationReport
from playbook_engine.report.text import instant

LOOK = 0.5  # seconds between two looks at the notes
REST = 10.0  # seconds after which what went wrong is tried again
SENDERS = 8  # messages on their way at once: a server that hangs delays nobody else


@frozen
class Outside:
    """What the dispatcher needs from outside: channels by kind, secrets, the reports of runs, and what follows when
    nobody has answered. `base` is the address of the console, for links; empty without one."""

    channel: Callable[[Kind], Channel]
    environ: Mapping[str, str]
    report: Callable[[str], EscalationReport]
    failures: Failures
    new_id: Callable[[], str]
    drilling: Callable[[str], bool]
    exhausted: Callable[[EscalationView, Policy], None]
    log: Callable[[str], None]
    base: str = ""


class Dispatcher:
    """The escalations of one state folder. Only one may work at a time: whoever makes it holds the lock."""

    def __init__(
        self, runs: FileStore, store: FileStore, watches: Watches, letters: Letters, clock: Clock, outside: Outside
    ) -> None:
        self._runs = runs
        self._store = store
        self._watches = watches
        self._letters = letters
        self._clock = clock
        self._outside = outside
        self._book = Casebook(store)
        self._rung: dict[str, int] = {}
        self._known_runs: set[str] = set()
        self._resting: dict[str, datetime] = {}  # what went wrong is tried again after a pause
        self._lost: set[str] = set()  # escalations whose journal could not be written
        self._landed: queue.Queue[Landed] = queue.Queue()
        self._slots = threading.Semaphore(SENDERS)

    # ------------------------------------------------------------------ the loop

    def run(self, *, forever: bool = False) -> None:
        """Works until nothing is left that it could be waiting for; `forever`: until it is killed."""
        self._load()
        try:
            while True:
                self.look()
                if not forever and self._idle():
                    return
                self._wait()
        finally:
            self._book.abandon()

    def look(self) -> None:
        """One round: everything that is due now."""
        self._revive()
        with self._apart("progress"):
            self._progress()  # before a run that has ended already makes it over
        self._intake()
        for case in list(self._book.cases.values()):
            if not self._rests(case.view.id):
                with self._apart(case.view.id):
                    self._end_with_drill(case)
                    self._hear(case)
                    self._climb(case)
                    self._send(case)
                    self._close(case)

    @contextlib.contextmanager
    def _apart(self, name: str) -> Iterator[None]:
        """What goes wrong with one run or escalation stops no other one, whatever it is; it is tried again."""
        try:
            yield
        except Exception as error:
            self._resting[name] = self._now() + timedelta(seconds=REST)
            if isinstance(error, JournalError) and name in self._book.cases:
                self._lost.add(name)
            where = "" if isinstance(error, EngineError) else f"\n{traceback.format_exc(limit=-6)}"
            self._outside.log(f"{name}: {error}{where}")

    def _rests(self, name: str) -> bool:
        return name in self._resting and self._resting[name] > self._now()

    def _revive(self) -> None:
        """Escalations whose journal could not be written, as on a full disk, are read anew: what is there counts."""
        for name in [n for n in self._lost if not self._rests(n)]:
            with self._apart(name):
                self._book.read_again(name)
                self._lost.discard(name)

    def _idle(self) -> bool:
        return not self._watches.all() and not any(self._busy(c) for c in self._book.cases.values())

    def _busy(self, case: Case) -> bool:
        """Whether anything will happen without somebody's doing."""
        waiting = any(not s.done for s in self._wanted_sendings(case))
        return bool(case.flying) or waiting or ladder.due(case.policy, case.view) is not None

    def _wait(self) -> None:
        try:
            landed = self._landed.get(timeout=LOOK)
        except queue.Empty:
            return
        self._land(landed)
        while not self._landed.empty():
            self._land(self._landed.get())

    def _land(self, landed: Landed) -> None:
        case = self._book.cases.get(landed.escalation)
        if case is not None:
            case.flying.discard(landed.event.notification)
            with self._apart(case.view.id):
                case.add(landed.event)

    def _now(self) -> datetime:
        at = instant(self._clock.utc())
        assert at is not None
        return at

    # ------------------------------------------------------------------ what was going on before

    def _load(self) -> None:
        """The escalations that were not over when the process before this one ended."""
        self._known_runs = set(self._runs.runs())
        for name in self._store.runs():
            with self._apart(name):
                self._book.read(name)

    # ------------------------------------------------------------------ failures

    def _intake(self) -> None:
        for name, (watch, rung) in self._watches.all().items():
            live = self._live(name)
            if self._rests(name) or (live and self._rung.get(name) == rung):
                continue
            self._rung[name] = rung
            with self._apart(name):
                try:
                    self._take(watch, live)
                except (LoadError, NotFound, JournalError) as error:
                    if live:
                        raise
                    # Nothing more will ever be read from it: it is kept aside, and said.
                    self._outside.log(f"{name}: nobody hears of its failures: {error}")
                    self._watches.put_aside(name)
                else:
                    if not live:
                        self._watches.take(name)

    def _live(self, run: str) -> bool:
        """Whether a controller is writing it: asked without reading the journal."""
        try:
            return self._runs.locked(run)
        except OSError:
            return False  # its folder was removed

    def _take(self, watch: Watch, live: bool) -> None:
        """What a run's journal calls for; `live` was looked at before, so that one that has ended is read whole."""
        view = fold_run(watch.run, self._runs.read(watch.run).records)
        if view is None:
            return
        policy = from_text(watch.policy, watch.file)
        known = self._book.known()
        for failure in failures(view, live=live):
            if (view.run, failure.seq, failure.host) in known:
                continue
            if view.started.drill and not self._outside.drilling(view.started.drill):
                continue  # whoever held it has gone: nobody is woken for what it left
            count = self._outside.failures(view.run, view.started.runbook, failure.host)
            if not policy.wants(failure.trigger, severity(failure), count):
                continue
            key = key_of(policy, view, failure)
            case = next((c for c in self._book.cases.values() if c.view.opened.key == key and not c.view.over), None)
            if case is not None:
                exhausted = case.view.state is State.EXHAUSTED
                case.add(joining(view, failure))
                if exhausted:
                    case.add(EscalationReopened(why="it has failed again, and nobody had answered"))
            else:
                self._book.open(opening(policy, view, failure, key, self._outside.new_id(), watch.terminal), policy)
        self._recover(view, policy)

    def _recover(self, run: RunView, policy: Policy) -> None:
        """Hosts on which a later run of the same runbook has ended well, or the same one, resumed."""
        if run.started.check or run.started.kind not in ("run", "exec", "audit"):
            return
        well = [n for n, h in run.hosts.items() if h.finished and HostStatus(h.finished.status).good]
        for case in self._book.cases.values():
            opened = case.view.opened
            if opened.policy != policy.name or opened.runbook != run.started.runbook or case.view.over:
                continue
            if opened.drill != run.started.drill:
                continue
            for host in well:
                if host in case.view.unrecovered() and _later(run, host, case.view):
                    case.add(HostRecovered(host=host, run=run.run))
            if not case.view.unrecovered() and case.view.hosts:
                case.add(EscalationResolved(why=f"every host has recovered in {run.run}"))

    def _end_with_drill(self, case: Case) -> None:
        """An escalation of a drill is over when the drill is, however that has ended."""
        drill = case.view.opened.drill
        if drill and not case.view.over and not self._outside.drilling(drill):
            case.add(EscalationResolved(by="drill", why="the drill has ended"))

    # ------------------------------------------------------------------ people

    def _hear(self, case: Case) -> None:
        for path, answer in Answers(self._store.folder(case.view.id)).waiting():
            match answer.word:
                case Word.ACK:
                    case.add(EscalationAcknowledged(by=answer.by, via=answer.via, note=answer.note))
                case Word.RESOLVE:
                    case.add(EscalationResolved(by=answer.by, why=answer.note or "somebody says so"))
                case Word.NOTE:
                    case.add(EscalationProgressed(actor=answer.by, what=answer.note))
            path.unlink(missing_ok=True)

    def _progress(self) -> None:
        """Runs that were begun since on the hosts of something that somebody has taken: something is being done."""
        taken_on = [c for c in self._book.cases.values() if c.view.acks and not c.view.over]
        for name in [r for r in self._runs.runs() if r not in self._known_runs] if taken_on else ():
            try:
                run = fold_run(name, self._runs.read(name).records)
            except EngineError:
                continue  # not whole yet: looked at again in the next round
            if run is None:
                continue  # begun this instant: the same
            self._known_runs.add(name)
            if run.started.check:
                continue
            for case in taken_on:
                began, ack = instant(run.started_at), case.view.acks[-1][0]
                if run.run in case.view.runs or began is None or began < ack:
                    continue  # the failing run itself, or one from before anybody had taken it
                if set(case.view.hosts) & set(run.hosts) and case.view.opened.drill == run.started.drill:
                    what = f"{run.started.kind} {run.started.title or run.started.runbook}"
                    case.add(EscalationProgressed(run=name, actor=run.started.actor, what=what))

    # ------------------------------------------------------------------ the ladder

    def _climb(self, case: Case) -> None:
        while (coming := ladder.due(case.policy, case.view)) is not None and coming.at <= self._now():
            event = ladder.event_of(case.policy, coming.move, self._now())
            if isinstance(event, EscalationExhausted):
                self._exhausted(case)  # before it is written down: killed in between, it is done again
            case.add(event)
            if not isinstance(coming.move, ladder.Reopen):
                self._send(case)
                return  # the next level is due after this one was given its time

    def _exhausted(self, case: Case) -> None:
        try:
            self._outside.exhausted(case.view, case.policy)
        except EngineError as error:
            self._outside.log(f"{case.view.id}: {error}")

    def _wanted(self, case: Case) -> list[ladder.Message]:
        """Messages that still make sense: nobody is paged for what somebody has taken, or what is over."""
        view = case.view
        paging = view.state in (State.OPEN, State.EXHAUSTED)
        found = ladder.messages(case.policy, view)
        return [m for m in found if paging or m.purpose in ("recovered", "acknowledged", "update") or _out(view, m.id)]

    def _wanted_sendings(self, case: Case) -> list[_Progress]:
        return [_Progress.of(case.view, m.id) for m in self._wanted(case)]

    def _send(self, case: Case) -> None:
        now = self._now()
        for message in self._wanted(case):
            progress = _Progress.of(case.view, message.id)
            if progress.done or message.id in case.flying or (progress.not_before and progress.not_before > now):
                continue
            attempt = progress.tries + 1
            letter = self._letter(case, message)  # before it is intended: what cannot be written is tried again
            case.add(
                NotificationIntended(
                    notification=message.id, purpose=message.purpose, contact=message.contact.id,
                    channel=message.address.kind, number=message.number, round=message.round, attempt=attempt,
                    key=f"{case.view.id}-{message.id}",
                )
            )  # fmt: skip
            sender = case.policy.senders.get(message.address.kind, Sender())
            terminal = case.view.opened.terminal
            environ = {**self._outside.environ, **({STARTER: terminal} if terminal else {})}
            job = Flight(
                channel=self._outside.channel(message.address.kind), letter=letter, message=message, sender=sender,
                environ=environ, attempt=attempt, failures=progress.failures, escalation=case.view.id,
                slots=self._slots, landed=self._landed,
            )  # fmt: skip
            case.flying.add(message.id)
            threading.Thread(target=job.go, name=f"send {message.id}", daemon=True).start()

    def _letter(self, case: Case, message: ladder.Message) -> Letter:
        """With what is known now, not with what was known when it was first tried."""
        report: EscalationReport | None = None
        with self._apart(f"the report for {case.view.id}"):
            report = self._outside.report(case.view.runs[-1])
        url = ""
        if self._outside.base and message.purpose in ("page", "update", "exhausted"):
            key = keys.load(self._store.folder(case.view.id) / "key").chain
            url = link(self._outside.base, key, case.view.id, message.contact.id)
        return self._letters.letter(case.policy, case.view, message, report, url, self._now())

    def _close(self, case: Case) -> None:
        """Over, and everybody has heard of it: the journal gets its closing record."""
        if case.view.over and not case.flying and all(s.done for s in self._wanted_sendings(case)):
            self._book.close(case)


@frozen
class _Progress:
    """How far one message has come."""

    tries: int = 0
    failures: int = 0
    done: bool = False
    not_before: datetime | None = None

    @classmethod
    def of(cls, view: EscalationView, message: str) -> _Progress:
        sending = view.sendings.get(message)
        if sending is None:
            return cls()
        pause = sending.last_at + timedelta(seconds=sending.retry) if sending.retry and sending.retry > 0 else None
        return cls(tries=sending.tries, failures=sending.failures, done=sending.done, not_before=pause)


def _out(view: EscalationView, message: str) -> bool:
    """Whether a message has been sent: then it stays in the list, as done."""
    sending = view.sendings.get(message)
    return sending is not None and sending.done


def _later(run: RunView, host: str, view: EscalationView) -> bool:
    """Whether a host's good end came after the failure that it would make good; by the records of the runs."""
    ended = instant(run.hosts[host].finished_at)
    failed = [instant(f.raised) or at for at, f in view.failures if f.host == host]
    return ended is not None and bool(failed) and ended > failed[-1]
