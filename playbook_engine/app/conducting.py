"""Holding one live drill: a lab host is broken, the ordinary run repairs it in a process of its own, and it is scored.

The drill's journal says what was broken before it is, so that it can be put right whatever happens to the drill.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TextIO

from playbook_engine.app.escalations import every
from playbook_engine.app.measuring import measured
from playbook_engine.app.policies import policies, policy_for
from playbook_engine.app.runs import view_of
from playbook_engine.app.wiring import App
from playbook_engine.drill.breakage import Breakage, furnish, host_faults
from playbook_engine.drill.expectations import Finding, Found, judged
from playbook_engine.drill.gate import GateKeeper
from playbook_engine.drill.likeness import Likeness, likeness, moved
from playbook_engine.drill.milestones import milestones
from playbook_engine.drill.orders import Orders
from playbook_engine.drill.rehearsed import rehearsed
from playbook_engine.drill.scenario import Expected, FaultSpec, Own, Scenario
from playbook_engine.escalation.answers import Answer, Answers, Word
from playbook_engine.escalation.ladder import messages
from playbook_engine.escalation.policy import Policy
from playbook_engine.escalation.view import EscalationView
from playbook_engine.journal.files import JournalWriter
from playbook_engine.lab.errors import LabError
from playbook_engine.lab.lab import Lab
from playbook_engine.model.events import (
    DrillAborted,
    DrillScored,
    DrillStarted,
    FaultCleared,
    FaultInjected,
    RunPerformed,
)
from playbook_engine.model.frozen import frozen
from playbook_engine.model.runbook import Runbook
from playbook_engine.report.text import instant

LOOK = 0.1  # seconds
SETTLE = 8.0  # seconds that escalations may take beyond what the scenario says


@frozen
class Wishes:
    """How a drill is wanted. `real`: messages go to real people. `mutant`: what is broken in the runbook. `people` play
    a tabletop at the terminal, instead of its written moves. `unheard`: nobody asks who heard of it, and how
    fast. `stop`: once set, what is being held ends."""

    real: bool = False
    mutant: str = ""
    unheard: bool = False
    quiet: bool = False
    real_clock: bool = False
    people: bool = False
    stop: threading.Event = field(default_factory=threading.Event)
    seed: int = 0


class Aborted(Exception):
    """The drill has to end now."""


@dataclass(slots=True)
class Watcher:
    """What happens while the run runs: which runs there are, whether the controller is to be killed, and what could not
    be broken, and is whole."""

    runs: list[str] = field(default_factory=list)
    kill: bool = False
    whole: list[str] = field(default_factory=list)
    child: subprocess.Popen[str] | None = None


class Conductor:
    """One live drill."""

    def __init__(
        self, app: App, scenario: Scenario, runbook: Runbook, wishes: Wishes, command: str, out: TextIO
    ) -> None:
        self._app = app
        self._scenario = scenario
        self._runbook = runbook
        self._wishes = wishes
        self._command = command
        self._out = out
        self._lock = threading.Lock()
        self.drill = app.new_run("drill-")
        self._folder = app.drills.folder(self.drill)
        self._watcher = Watcher()

    def _say(self, text: str) -> None:
        if not self._wishes.quiet:
            with self._lock:
                for line in text.splitlines():
                    self._out.write(f"DRILL  {self._app.redactor.text(line)}\n")
                self._out.flush()

    def perform(self) -> str:
        """Holds it; returns its id. Raises LabError, JournalError."""
        journal = self._app.drills.create(self.drill)
        broken: Breakage | None = None
        try:
            journal.append(self._started())
            self._say(f"{self._scenario.title or self._scenario.name} · {self.drill}")
            broken = Breakage(Lab(self._folder), journal, self._say)
            try:
                self._hold(broken, journal)
            except (Aborted, LabError, KeyboardInterrupt) as error:
                journal.append(DrillAborted(why=str(error) or "interrupted by the operator"))
                journal.append(DrillScored(passed=False))
        finally:
            with _unhurried():
                self._end_child()
                try:
                    if broken is not None:
                        broken.clear()
                finally:
                    journal.close()
        return self.drill

    def _started(self) -> DrillStarted:
        scenario = self._scenario
        return DrillStarted(
            drill=self.drill, kind="mutation" if self._wishes.mutant else "live", scenario=scenario.name,
            title=scenario.title, scenario_sha256=hashlib.sha256(scenario.text.encode()).hexdigest(),
            runbook=scenario.runbook, runbook_sha256=hashlib.sha256(self._runbook.text.encode()).hexdigest(),
            hosts=tuple(h.name for h in scenario.hosts), actor=self._app.settings.actor, command=self._command,
            real=self._wishes.real, seed=self._wishes.seed,
        )  # fmt: skip

    # ------------------------------------------------------------------ the course of it

    def _hold(self, broken: Breakage, journal: JournalWriter) -> None:
        scenario = self._scenario
        furnish(broken.lab, scenario.hosts, self._say)
        self._orders().write(self._folder)
        keeper = GateKeeper(self.drill, lambda host, step: self._at_step(broken, journal, host, step), self._began)
        for fault in scenario.faults:
            if fault.fault == Own.FAIL_CHECK:
                name = fault.check or "all of them"
                journal.append(FaultInjected(fault=fault.fault, argument=name, at_step=fault.at_step))
                journal.append(FaultCleared(fault=fault.fault, how="it is in the run's own copy of the runbook"))
        try:
            for fault in host_faults(scenario.faults):
                if not fault.at_step:
                    broken.inject(fault, fault.host or scenario.hosts[0].name)
            before = {h.name: self._likeness(broken, h.name) for h in scenario.hosts}
            begin = datetime.now(UTC)
            code = self._run(broken, journal)
            took = (datetime.now(UTC) - begin).total_seconds()
        finally:
            keeper.close()
        moves = [f"{name}: {m}" for name, was in before.items() for m in moved(was, self._likeness(broken, name))]
        probes = measured(self._app, scenario, broken.lab, self.drill) if scenario.expect.probes else {}
        runs = [view_of(self._app, run) for run in dict.fromkeys(self._watcher.runs)]
        targets = scenario.targets
        if self._wishes.unheard:
            # What is broken shows in what the run has done. How fast it was, and who heard of it, may differ by chance.
            scenario, targets = dataclasses.replace(scenario, expect=unheard(scenario.expect)), {}
        escalations = self._answered() if scenario.expect.notified is not None else []
        found = Found(code=code, seconds=took, runs=runs, escalations=escalations, probes=probes, moved=moves)
        findings = judged(scenario, found)
        self._watcher.whole += self._never_reached()
        if self._watcher.whole:  # it has drilled nothing, whatever else came of it
            findings = (*findings, Finding(name="every fault is there", met=False, said="; ".join(self._watcher.whole)))
        times = milestones(self._since(journal, begin), runs, escalations, targets)
        passed = all(f.met for f in findings) and all(m.met is not False for m in times)
        journal.append(
            DrillScored(
                passed=passed, seconds=took, milestones=tuple(asdict(m) for m in times),
                expectations=tuple(asdict(f) for f in findings),
            )
        )  # fmt: skip

    def _since(self, journal: JournalWriter, begin: datetime) -> datetime:
        """When the first fault was there; when the run began, where nothing was broken."""
        records = self._app.drills.read(self.drill).records
        faults = [at for r in records if isinstance(r.event, FaultInjected) and (at := instant(r.at))]
        return min([*faults, begin])

    def _likeness(self, broken: Breakage, name: str) -> Likeness:
        if not self._scenario.expect.same:
            return {}
        return likeness(broken.lab.host(name), self._scenario.expect.same)

    def _orders(self) -> Orders:
        scenario = self._scenario
        stops = tuple((f.host, f.at_step) for f in scenario.faults if f.at_step and f.fault != Own.FAIL_CHECK)
        fails = tuple((f.at_step, f.check) for f in scenario.faults if f.fault == Own.FAIL_CHECK)
        named = policies(self._app).load(scenario.escalation) if scenario.escalation else None
        policy = named or policy_for(self._app, self._runbook)
        text = ""
        if policy is not None and not self._wishes.unheard:
            text = rehearsed(policy, self._folder / "outbox", scenario.speed, real=self._wishes.real)
        return Orders(
            drill=self.drill, stops=stops, fail_checks=fails, mutant=self._wishes.mutant, policy=text,
            policy_file=policy.file if text and policy else "",
        )  # fmt: skip

    # ------------------------------------------------------------------ the run

    def _run(self, broken: Breakage, journal: JournalWriter) -> int:
        """The run, and its resumption where the controller was killed. Returns the last exit code."""
        names = ",".join(h.name for h in self._scenario.hosts)
        words = ["run", self._runbook.file, names, "-i", str(broken.lab.inventory), "--drill", self.drill, "--yes"]
        words += ["--yes-i-mean", str(len(self._scenario.hosts))]
        if self._scenario.params:
            words += ["-e", json.dumps(self._scenario.params)]
        code = self._child(words, journal)
        while self._watcher.kill and self._watcher.runs:
            self._watcher.kill = False
            self._say("the controller was killed; somebody resumes the run")
            code = self._child(["resume", self._watcher.runs[-1], "--drill", self.drill], journal)
        return code

    def _child(self, words: Sequence[str], journal: JournalWriter) -> int:
        began = self._app.clock.monotonic()
        argv = [sys.executable, "-m", "playbook_engine.cli.main", *words]
        environ = {**os.environ, "RUNBOOK_STATE": str(self._app.settings.state), "PYTHONUNBUFFERED": "1"}
        child = subprocess.Popen(
            argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True,
            errors="backslashreplace", env=environ, start_new_session=True,
        )  # fmt: skip
        self._watcher.child = child
        pump = threading.Thread(target=self._pump, args=(child,), daemon=True)
        pump.start()
        until = began + self._scenario.abort_when.after
        while child.poll() is None:
            if self._app.clock.monotonic() > until:
                raise Aborted(f"the run took longer than {self._scenario.abort_when.after:g} s")
            self._look_out()
            self._app.clock.sleep(LOOK)
        pump.join(10)
        assert child.stdout is not None
        child.stdout.close()
        if self._watcher.runs:
            journal.append(
                RunPerformed(
                    run=self._watcher.runs[-1], exit_code=child.returncode,
                    seconds=self._app.clock.monotonic() - began,
                )
            )  # fmt: skip
        return child.returncode

    def _look_out(self) -> None:
        """Raises Aborted where the drill's own condition for it has come true."""
        if self._wishes.stop.is_set():
            raise Aborted("interrupted by the operator")
        wanted = self._scenario.abort_when
        if wanted.command:
            host = Lab(self._folder).host(wanted.host or self._scenario.hosts[0].name)
            try:
                ended = host.exec(["sh", "-c", wanted.command], timeout=10)
            except subprocess.TimeoutExpired:
                return  # what does not answer has not come true
            if ended.returncode == 0:
                raise Aborted(f"on {host.name}: {wanted.command}")

    def _pump(self, child: subprocess.Popen[str]) -> None:
        assert child.stdout is not None
        for line in child.stdout:
            self._say(line.rstrip("\n"))

    def _end_child(self) -> None:
        child = self._watcher.child
        if child is not None and child.poll() is None:
            for number in (signal.SIGINT, signal.SIGKILL):
                child.send_signal(number)
                try:
                    child.wait(15)
                except subprocess.TimeoutExpired:
                    continue
                return

    def _began(self, run: str) -> None:
        self._watcher.runs.append(run)

    def _at_step(self, broken: Breakage, journal: JournalWriter, host: str, step: str) -> None:
        """The run waits before this step, on this host: whatever is to be broken then is broken now, once."""
        for fault in self._scenario.faults:
            if fault.at_step != step or (fault.host and fault.host != host) or self._done(fault, host):
                continue
            if fault.fault == Own.KILL_CONTROLLER:
                self._kill(journal, fault)
            elif fault.fault not in list(Own):
                try:
                    broken.inject(fault, fault.host or host)
                except LabError as error:
                    self._say(f"could not be broken: {error}")
                    self._watcher.whole.append(str(error))

    def _never_reached(self) -> list[str]:
        """Faults of steps that the run did not come to."""
        records = self._app.drills.read(self.drill).records
        there = {(r.event.fault, r.event.at_step) for r in records if isinstance(r.event, FaultInjected)}
        return [
            f"the run never came to “{f.at_step}”, where {f.fault} was to be"
            for f in self._scenario.faults
            if f.at_step and f.fault != Own.FAIL_CHECK and (f.fault, f.at_step) not in there
        ]

    def _done(self, fault: FaultSpec, host: str) -> bool:
        """A step that is done again by a resumed run is not broken again."""
        records = self._app.drills.read(self.drill).records
        return any(
            isinstance(r.event, FaultInjected) and r.event.fault == fault.fault and r.event.at_step == fault.at_step
            and r.event.argument == fault.argument and r.event.host in ("", fault.host or host)
            for r in records
        )  # fmt: skip

    def _kill(self, journal: JournalWriter, fault: FaultSpec) -> None:
        child = self._watcher.child
        if child is not None:
            journal.append(FaultInjected(fault=fault.fault, at_step=fault.at_step))
            self._watcher.kill = True
            child.kill()
            journal.append(FaultCleared(fault=fault.fault, how="it is resumed"))

    # ------------------------------------------------------------------ the people

    def _cases(self) -> list[tuple[EscalationView, Policy]]:
        return [(view, policy) for view, policy in every(self._app) if view.opened.drill == self.drill]

    def _escalations(self) -> list[EscalationView]:
        return [view for view, _ in self._cases()]

    def _sent(self, view: EscalationView, policy: Policy) -> bool:
        """Whether each message that was called for has come to its end; one that was not even intended has not."""
        pages = [m.id for m in messages(policy, view) if m.purpose == "page"]
        return bool(pages) and all(name in view.sendings and view.sendings[name].done for name in pages)

    def _answered(self) -> list[EscalationView]:
        """Waits for those who have to hear of it, and answers in the name of those who are to."""
        wanted = self._scenario.expect.notified
        if not wanted:
            # What should not be told must be given the time to be told all the same.
            if wanted is not None:
                self._app.clock.sleep(2.0)
            return self._escalations()
        slowest = sum(n.within for n in wanted) / self._scenario.speed
        respond = list(self._scenario.respond)
        until = self._app.clock.monotonic() + slowest + SETTLE + sum(r.after for r in respond) / self._scenario.speed
        while self._app.clock.monotonic() < until:
            views = self._escalations()
            for response in list(respond):
                for view in views:
                    told = [r.at for r in view.levels if r.level == response.level]
                    late = response.after / self._scenario.speed
                    if told and (datetime.now(UTC) - told[0]).total_seconds() >= late:
                        note = Answer(word=Word.ACK, by=response.by, note=response.note, via="drill")
                        Answers(self._app.escalations.folder(view.id)).give(note)
                        respond.remove(response)
                        break
            told_all = {r.level for v in views for r in v.levels} >= {n.level for n in wanted}
            sent = all(self._sent(view, policy) for view, policy in self._cases())
            acked = not self._scenario.respond or (not respond and all(v.acks for v in views))
            if views and told_all and sent and acked:
                break
            self._app.clock.sleep(LOOK)
        return self._escalations()


@contextlib.contextmanager
def _unhurried() -> Iterator[None]:
    """Putting right is not interrupted: half of it would be left behind."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def unheard(expect: Expected) -> Expected:
    """What is expected of the hosts alone."""
    return dataclasses.replace(expect, notified=None, within=0.0)
