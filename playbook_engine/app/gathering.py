"""What belongs to an incident, found from its runs: rollbacks, later runs, audits, escalations, drills."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from playbook_engine.app.wiring import App
from playbook_engine.journal.fold import RunView, fold
from playbook_engine.journal.index import PREVIEWS, RunRow
from playbook_engine.model.errors import EngineError
from playbook_engine.model.events import EscalationJoined, EscalationOpened, RunPerformed
from playbook_engine.model.frozen import frozen
from playbook_engine.report.text import instant

NAMED = "named"  # why a run belongs to it that somebody says does
AROUND = timedelta(hours=6)  # how far from its runs another run of the same runbook still belongs to it
AUDITS = timedelta(hours=24)  # the same for audits: before, and after


@frozen
class Found:
    """`kind`: run | escalation | drill. `why` it belongs to it, for the journal."""

    kind: str
    id: str
    why: str


def gather(app: App, named: Sequence[str]) -> list[Found]:
    """Runs oldest first, then escalations and drills. `named` are runs that somebody says belong to it."""
    rows = {row.run: row for row in app.index.runs()}
    chosen = {run: NAMED for run in named if run in rows}
    for find in (_rollbacks, _alike, _rollbacks, _meanwhile, _rollbacks):
        find(rows, chosen)
    for run, why in _audits(rows, [rows[run] for run in chosen]):
        chosen.setdefault(run, why)
    views = {run: view for run in sorted(chosen) if (view := _view(app, run)) is not None}
    runs = [
        Found(kind="run", id=run, why=chosen[run])
        for run in sorted(chosen) if run in named or (run in views and not views[run].started.check)
    ]  # fmt: skip
    kept = {found.id for found in runs}
    drills = {v.started.drill for run, v in views.items() if run in kept and v.started.drill}
    return [*runs, *_escalations(app, kept), *_drills(app, kept, drills)]


def _rollbacks(rows: dict[str, RunRow], chosen: dict[str, str]) -> None:
    """What took a chosen run back, and what a chosen rollback took back."""
    for row in rows.values():
        if row.kind == "rollback" and row.of in chosen:
            chosen.setdefault(row.run, f"took {row.of} back")
    for run in list(chosen):
        of = rows[run].of
        if of in rows:
            chosen.setdefault(of, f"taken back by {run}")


def _alike(rows: dict[str, RunRow], chosen: dict[str, str]) -> None:
    """Runs of the same runbook on any of the same hosts, around that time."""
    named = [rows[run] for run in chosen]
    for row in rows.values():
        for other in named:
            alike = row.kind == other.kind == "run" and row.runbook == other.runbook
            if alike and set(row.hosts) & set(other.hosts) and _within(row, other, AROUND):
                chosen.setdefault(row.run, f"the same runbook on hosts of {other.run}")


def _meanwhile(rows: dict[str, RunRow], chosen: dict[str, str]) -> None:
    """Whatever else began on its hosts between its first run and the end of its last."""
    near = [rows[run] for run in chosen]
    hosts = {host for row in near for host in row.hosts}
    first, last = min((r.started for r in near), default=""), max((r.finished or r.started for r in near), default="")
    for row in rows.values():
        if row.kind not in (*PREVIEWS, "audit") and hosts & set(row.hosts) and first <= row.started <= last:
            chosen.setdefault(row.run, "on its hosts while it went on")


def _audits(rows: dict[str, RunRow], near: Sequence[RunRow]) -> Iterator[tuple[str, str]]:
    """The newest audit before, and those after, of any of its hosts."""
    repairs = [r for r in near if r.kind != "audit"] or list(near)
    if not repairs:
        return
    first, last = min(repairs, key=lambda r: r.started), max(repairs, key=lambda r: r.finished or r.started)
    hosts = {h for r in near for h in r.hosts}
    audits = [r for r in rows.values() if r.kind == "audit" and hosts & set(r.hosts)]
    before = [r for r in audits if r.started < first.started and _within(r, first, AUDITS)]
    if before:
        yield before[-1].run, "the audit before"
    for row in audits:
        if row.started >= first.started and _within(row, last, AUDITS):
            yield row.run, "an audit since"


def _within(row: RunRow, other: RunRow, span: timedelta) -> bool:
    """Whether a run began at most so long before or after another."""
    begins, there, ends = (instant(t) for t in (row.started, other.started, other.finished or other.started))
    return begins is not None and there is not None and ends is not None and there - span <= begins <= ends + span


def _view(app: App, run: str) -> RunView | None:
    try:
        return fold(run, app.store.read(run).records)
    except EngineError:
        return None


def _escalations(app: App, runs: set[str]) -> Iterator[Found]:
    store = app.escalations
    for name in store.runs():
        try:
            events = [r.event for r in store.read(name).records]
        except EngineError:
            continue
        mine = [e.run for e in events if isinstance(e, (EscalationOpened, EscalationJoined)) and e.run in runs]
        if mine:
            yield Found(kind="escalation", id=name, why=f"of {mine[0]}")


def _drills(app: App, runs: set[str], named: set[str]) -> Iterator[Found]:
    store = app.drills
    for name in store.runs():
        try:
            performed = {e.run for r in store.read(name).records if isinstance(e := r.event, RunPerformed)}
        except EngineError:
            performed = set()
        if name in named or performed & runs:
            yield Found(kind="drill", id=name, why="its runs were practice")


def earlier(app: App, hosts: Sequence[str], before: str, but: Sequence[str], most: int) -> list[str]:
    """The newest runs on these hosts that began before a time, oldest first: where candidate causes are looked for."""
    rows = [
        r for r in app.index.runs()
        if r.kind not in PREVIEWS and r.started < before and r.run not in but and set(r.hosts) & set(hosts)
    ]  # fmt: skip
    return [r.run for r in rows[-most:]]
