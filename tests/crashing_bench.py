"""Runs on hosts in memory whose controller dies at a chosen event, and their resumption: every point there is.

A controller dies before an event is written, with what the hosts did before it, or right after. In the harsh form
everything that was written since the last durable event is lost with it, as when the writer had not come to it yet.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent

from memory_bench import MemoryApp

from playbook_engine.app.resume import resume
from playbook_engine.app.runs import RunEnd, execute, take_back, view_of
from playbook_engine.engine.compile import compile_plan
from playbook_engine.journal.files import FileStore, JournalWriter
from playbook_engine.journal.fold import RunView
from playbook_engine.loading.runbooks import Loader
from playbook_engine.model.errors import JournalError
from playbook_engine.model.events import DURABLE, Event
from playbook_engine.model.host import ConnectionSpec, Host
from playbook_engine.model.outcome import ExitCode
from playbook_engine.model.plan import Options
from playbook_engine.transport.base import Call, Reply
from playbook_engine.transport.scripted import MemoryHost

READS = "version"
"""The command of the stories that changes nothing: it may be run again."""


class Dead(JournalError):
    """The controller is no more: nothing is written and nothing is sent."""


@dataclass(slots=True)
class Fuse:
    """Burns down by one at each event. `at`: the event, counted from 1, at which the controller dies (0: never).
    `before`: it dies before writing it. `harsh`: what is not durable by then is lost."""

    at: int = 0
    before: bool = False
    harsh: bool = False
    seen: int = 0
    burnt: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def reached(self) -> bool:
        """Counts an event; whether it is the one."""
        with self.lock:
            self.seen += 1
            return self.seen == self.at

    def check(self) -> None:
        if self.burnt:
            raise Dead("the controller died")


class CrashingWriter(JournalWriter):
    """A journal whose process dies."""

    fuse: Fuse
    waiting: list[Event]

    def append(self, event: Event) -> str:
        self.fuse.check()
        reached = self.fuse.reached()
        at = "" if reached and self.fuse.before else self._kept(event)
        self.fuse.burnt = self.fuse.burnt or reached
        self.fuse.check()
        return at

    def _kept(self, event: Event) -> str:
        if not self.fuse.harsh:
            return super().append(event)
        # As one: what another thread has taken out to write is not durable before it is written.
        with self.fuse.lock:
            self.waiting.append(event)
            if type(event).__name__ in DURABLE:
                waiting, self.waiting = self.waiting, []
                for each in waiting:
                    super().append(each)
            return ""

    def close(self) -> None:
        self.fuse.check()
        super().close()


class CrashingStore(FileStore):
    fuse = Fuse()

    def create(self, run: str) -> JournalWriter:
        return self._fused(CrashingWriter(self.folder(run), self._clock, self._redactor))

    def resume(self, run: str) -> JournalWriter:
        return self._fused(CrashingWriter(self.folder(run), self._clock, self._redactor, resume=True))

    def _fused(self, writer: CrashingWriter) -> JournalWriter:
        writer.fuse, writer.waiting = self.fuse, []
        return writer


class CrashingApp(MemoryApp):
    """An application that dies when its fuse has burnt down; its hosts live on."""

    def __init__(self, state: Path, hosts: list[MemoryHost], fuse: Fuse) -> None:
        super().__init__(state, hosts)
        self.store = CrashingStore(state, self.clock, self.redactor)
        self.store.fuse = fuse
        self.index._store = self.store

    def claim(self, *_: object) -> None:  # type: ignore[override]
        """What dies here does not free its locks as a process does; locks have tests of their own."""


@dataclass(slots=True)
class World:
    """Hosts, and what was done to them: every change that came, in order."""

    hosts: list[MemoryHost]
    done: list[tuple[str, str, str]]

    def state(self) -> dict[str, dict[str, bytes]]:
        return {host.name: dict(host.files) for host in self.hosts}

    def changes(self) -> list[tuple[str, str, str]]:
        """What was done, without the commands that only read."""
        return sorted(each for each in self.done if each[2] != READS)


def world(names: Sequence[str], prepare: Callable[[MemoryHost], None], fuse: Fuse) -> World:
    """Fresh hosts. A dead controller reaches none of them."""
    made = World(hosts=[MemoryHost(name) for name in names], done=[])
    for host in made.hosts:
        prepare(host)
        host.rules.insert(0, _watching(made, host.name, fuse))
    return made


def _watching(made: World, name: str, fuse: Fuse) -> Callable[[Call], Reply | None]:
    def rule(call: Call) -> Reply | None:
        fuse.check()
        if call.op in ("apply", "run", "undo"):
            made.done.append((name, call.op, str(call.args.get("cmd") or call.args.get("dest"))))
        return None

    return rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """A runbook, its hosts, and how they are before. `back`: the run is taken back, and that is what dies. `files` lie
    beside the runbook."""

    text: str
    names: Sequence[str]
    prepare: Callable[[MemoryHost], None] = lambda host: None
    back: bool = False
    files: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a story ended. `events`: how many there were; `resumes`: how often a controller took over."""

    world: World
    end: RunEnd
    view: RunView
    events: int
    resumes: int = 0


class CrashingBench:
    """Plays one story, whole or with a controller that dies."""

    def __init__(self, folder: Path, story: Story) -> None:
        self._folder = folder
        self._story = story
        self._plays = 0
        self._file = folder / "runbook.yml"
        self._file.write_text(dedent(story.text))
        for name, text in story.files.items():
            (folder / name).write_text(text)

    def play(self, fuse: Fuse, options: Options | None = None) -> Ended:
        """To the end: while it dies, another controller goes on."""
        self._plays += 1
        state = self._folder / f"state{self._plays}"
        quiet = Fuse()
        told = fuse if not self._story.back else quiet
        made = world(self._story.names, self._story.prepare, fuse)
        app = CrashingApp(state, made.hosts, told)
        end, resumes = self._survive(state, made, told, lambda: self._run(app), None)
        if self._story.back:
            first = end.run
            app = CrashingApp(state, made.hosts, fuse)
            end, resumes = self._survive(
                state, made, fuse, lambda: take_back(app, first, Options(), (), (), "runbook rollback"), first
            )
        return Ended(world=made, end=end, view=view_of(app, end.run), events=fuse.seen, resumes=resumes)

    def differences(self, *, harsh: bool) -> list[str]:
        """Dies at every event, before it and after it: where the end is not that of the whole story, and how."""
        whole = self.play(Fuse())
        return [
            f"died {'before' if before else 'after'} event {at} of {whole.events}: {said}"
            for at in range(1, whole.events + 1)
            for before in (True, False)
            if (said := _unlike(whole, self.play(Fuse(at=at, before=before, harsh=harsh))))
        ]

    def _run(self, app: CrashingApp) -> RunEnd:
        runbook = Loader([self._folder], app.templar).load(str(self._file))
        hosts = [Host(name=n, connection=ConnectionSpec(connection="memory")) for n in self._story.names]
        plan = compile_plan(runbook, hosts, {}, kind="run", options=Options())
        return execute(app, plan, [])

    def _survive(
        self, state: Path, made: World, fuse: Fuse, begin: Callable[[], RunEnd], before: str | None
    ) -> tuple[RunEnd, int]:
        try:
            return begin(), 0
        except JournalError:
            if not fuse.burnt:
                raise
        fuse.burnt, fuse.at = False, 0
        app = CrashingApp(state, made.hosts, fuse)
        runs = [r for r in app.store.runs() if r != before]
        if not runs or not app.store.read(runs[-1]).records:
            return begin(), 1  # it died before its first record: nothing was done, nothing is known
        view = view_of(app, runs[-1])
        if view.finished is not None:  # it had said its last word
            statuses = {name: host.status for name, host in view.hosts.items() if host.status}
            return RunEnd(run=view.run, code=ExitCode(view.finished.exit_code), statuses=statuses), 1
        return resume(app, runs[-1], Options(), [], "runbook resume"), 1


def _unlike(whole: Ended, again: Ended) -> str:
    """In what the end of a story whose controller died differs from that of the whole one."""
    if again.resumes != 1:
        return "it did not die"
    if again.world.state() != whole.world.state():
        return f"files are {again.world.state()}, not {whole.world.state()}"
    if again.end.statuses != whole.end.statuses or again.end.code != whole.end.code:
        return f"hosts end {again.end.statuses}, not {whole.end.statuses}"
    if again.world.changes() != whole.world.changes():
        return f"done was {again.world.changes()}, not {whole.world.changes()}"
    return ""
