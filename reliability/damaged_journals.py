"""Promise: damage to a journal is seen, what is good is kept, and nothing is invented, nor acted on.

The journals are those of real runs on hosts in memory. A small one is cut at every byte; a larger one has single bits
flipped. Each is read, viewed, resumed and rolled back. The index over the runs is lost, or cut, and made again.
"""

from __future__ import annotations

import random
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from playbook_engine.app.runs import take_back, view_of
from playbook_engine.journal.files import Journal
from playbook_engine.journal.fold import fold
from playbook_engine.journal.index import RunIndex
from playbook_engine.model.errors import EngineError
from playbook_engine.model.events import ChangeIntended, StepUndone
from playbook_engine.model.plan import Options
from reliability.figure import Figure

if TYPE_CHECKING:
    from journal_damage import Damage
    from memory_bench import Bench, MemoryApp

SMALL = "name: small\nsteps:\n  - {name: a, copy: {content: new, dest: /a}}\n"
LARGE = "name: large\nsteps:\n" + "".join(
    f"  - {{name: step {n}, copy: {{content: 'new {n}', dest: /f{n}}}}}\n" for n in range(40)
)
FLIPS, SHORT_FLIPS = 1000, 200
STRIDE = 5  # of the bytes to cut at, when short


class Victim:
    """A run that has ended, whose journal is damaged again and again."""

    def __init__(self, folder: Path, text: str, hosts: int) -> None:
        from memory_bench import Bench

        folder.mkdir()
        self._bench: Bench = Bench(folder)
        for n in range(hosts):
            self._bench.host(f"h{n}", files={"/a": b"old", "/f1": b"old 1"})
        self.run = self._bench.run(text).end.run
        self.app: MemoryApp = self._app()
        self._file = self.app.store.folder(self.run) / "journal"
        self.whole: Journal = self.app.store.read(self.run)
        self.data = self._file.read_bytes()
        self._after = {name: dict(host.files) for name, host in self._bench.hosts.items()}

    def _app(self) -> MemoryApp:
        from memory_bench import MemoryApp

        return MemoryApp(self._bench.folder / "state", list(self._bench.hosts.values()))

    def read(self, damage: Damage) -> list[str]:
        """What is wrong with how the damaged journal is read and viewed."""
        from journal_damage import complaints

        self._file.write_bytes(damage.data)
        journal = self.app.store.read(self.run)
        found = complaints(damage, journal, self.whole)
        view = fold(self.run, journal.records)
        if (view is None) != (damage.good == 0):
            found.append("the view is not that of the good records")
        return found

    def use(self, damage: Damage) -> list[str]:
        """What is wrong with what is done on the word of the damaged journal: resuming it, rolling it back."""
        return self._rolled_back(damage) + self._resumed(damage)

    def _rolled_back(self, damage: Damage) -> list[str]:
        self._file.write_bytes(damage.data)
        for name, files in self._after.items():
            self._bench.hosts[name].files = dict(files)
            self._bench.hosts[name].calls.clear()
        app = self._app()
        try:
            end = take_back(app, self.run, Options(), (), (), "reliability")
        except EngineError:
            asked = sum(len(host.calls) for host in self._bench.hosts.values())
            refused = damage.good == 0 or not damage.torn
            return ["a host was asked before it was refused"] * bool(asked) + (
                [] if refused else ["a rollback was refused that only a crash stands in the way of"]
            )
        believed = {
            (r.event.host, r.event.step) for r in self.whole.records[: damage.good]
            if isinstance(r.event, ChangeIntended)
        }  # fmt: skip
        undone = {
            (r.event.host, r.event.step) for r in view_of(app, end.run).records if isinstance(r.event, StepUndone)
        }
        shutil.rmtree(app.store.folder(end.run))
        found = [f"{host} {step} was taken back unseen" for host, step in sorted(undone - believed)]
        return found + (["a rollback believed a damaged journal"] if not damage.torn else [])

    def _resumed(self, damage: Damage) -> list[str]:
        self._file.write_bytes(damage.data)
        try:
            self.app.store.resume(self.run).close()
        except EngineError as error:
            touched = self._file.read_bytes() != damage.data
            return ["a refused journal was written to"] * touched + (
                [f"a torn journal cannot be gone on with: {error.message}"] if damage.torn else []
            )
        if not damage.torn:
            return ["a damaged journal was gone on with"]
        journal = self.app.store.read(self.run)
        good = journal.records[:-1] == self.whole.records[: damage.good] and journal.closed and not journal.damage
        return [] if good else ["what was gone on with is not the good part and a new end"]


def measure(short: bool) -> list[Figure]:
    from journal_damage import cuts, flips

    with tempfile.TemporaryDirectory() as work:
        small = Victim(Path(work) / "small", SMALL, 1)
        every = [damage for n, damage in enumerate(cuts(small.data)) if not short or damage.clean or n % STRIDE == 0]
        ends = {n + shift for n, byte in enumerate(small.data) if byte == 10 for shift in (0, 1, 2)}
        used = [damage for damage in every if len(damage.data) in ends]
        cut = tried(small, every, used)
        large = Victim(Path(work) / "large", LARGE, 3)
        bad = list(flips(large.data, SHORT_FLIPS if short else FLIPS, random.Random()))
        flipped = tried(large, bad, bad[:: 5 if short else 10])
        lost, rows, wrong = index(Path(work) / "index")
    promise = "a damaged journal is seen, its good part kept, nothing invented"
    what = f"of {len(small.data):,} bytes, cut at {'every fifth byte' if short else 'every byte'}; used at each record"
    return [
        figure(promise, what, f"{len(every):,} cuts, {len(used)} of them resumed and rolled back", cut),
        figure(promise, f"of {len(large.data):,} bytes, one bit flipped", f"{len(bad):,} flips, some used", flipped),
        figure("the index is only an index", f"of {rows} runs, deleted and cut", f"{lost} losses", wrong),
    ]


def tried(victim: Victim, read: Iterable[Damage], used: Iterable[Damage]) -> list[str]:
    """What is wrong, each with the damage at which it was seen."""
    found = [f"{damage.what}: {each}" for damage in read for each in victim.read(damage)]
    return found + [f"{damage.what}: {each}" for damage in used for each in victim.use(damage)]


def figure(promise: str, what: str, seen: str, wrong: list[str]) -> Figure:
    for each in wrong[:10]:
        print(each)
    return Figure(promise=promise, what=what, seen=f"{seen}: {len(wrong)} differences", bar="0", holds=not wrong)


def index(folder: Path) -> tuple[int, int, list[str]]:
    """How often the index was lost, over how many runs, and where it then was another one.

    Among the runs are some that died, some that were tampered with, one whose key is gone.
    """
    from memory_bench import Bench, MemoryApp

    folder.mkdir()
    bench = Bench(folder)
    bench.host("h1")
    runs = [bench.run(SMALL, kind=kind).end.run for kind in ("run", "audit", "run", "exec") * 4]
    app = MemoryApp(folder / "state", list(bench.hosts.values()))
    state, wrong = folder / "state", []
    for run in runs[::4]:
        take_back(app, run, Options(), (), (), "reliability")
        grown = RunIndex(state, app.store).runs()  # brought up to date run by run, as commands do it
    (state / "index.sqlite").unlink()
    if RunIndex(state, app.store).runs() != grown:
        wrong.append("the index that grew with the runs is not the one that is made of them")
    for number, run in enumerate(runs[2::3]):
        path = app.store.folder(run) / "journal"
        data = path.read_bytes()
        path.write_bytes(data[: len(data) * (number + 1) // 7] if number % 2 else data.replace(b"h1", b"h2", 1))
    (app.store.folder(runs[1]) / "key").unlink()
    (state / "index.sqlite").unlink()
    before = RunIndex(state, app.store).runs()
    whole = (state / "index.sqlite").read_bytes()
    lost = 1
    for cut in (None, *range(0, len(whole), max(1, len(whole) // 60))):
        (state / "index.sqlite").unlink()
        if cut is not None:
            (state / "index.sqlite").write_bytes(whole[:cut])
        lost += 1
        if RunIndex(state, app.store).runs() != before:
            wrong.append(f"the index {'deleted' if cut is None else f'cut at byte {cut}'}: other rows than before")
    return lost, len(before), wrong
