"""Candidate causes: what was different on these hosts before it failed, from the journals of earlier runs.

Candidates, and no more: that something came before says nothing of whether it was the reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from playbook_engine.journal.fold import ChangeView
from playbook_engine.model.events import ChangeApplied, HostConnected, StateObserved
from playbook_engine.model.frozen import frozen
from playbook_engine.report.dossier import Dossier, Part
from playbook_engine.report.failings import Course
from playbook_engine.report.text import instant, listed, moment, one_line, plain_name, seconds

SKEW = 1.0  # seconds between a host's clock and ours that are worth a line
MOST = 12  # candidates of a kind


@frozen
class Cause:
    """`close` when it touched what failed afterwards. `kind`: earlier change, drift, clock, restart, other version."""

    kind: str
    what: str
    host: str
    at: str
    detail: str
    close: bool
    evidence: tuple[str, ...]


def causes(dossier: Dossier, fate: Course) -> tuple[Cause, ...]:
    """What touched what failed comes first, then the newest."""
    began = min((f.first.at for f in fate.failings), default=dossier.incident.opened_at)
    failed = _subjects_that_failed(dossier, fate)
    found = [*_changes(dossier, began, failed), *_drift(dossier), *_clocks(dossier), *_restarts(dossier)]
    kept: dict[str, int] = {}
    ordered = []
    for cause in sorted(sorted(found, key=lambda c: c.at, reverse=True), key=lambda c: not c.close):
        kept[cause.kind] = kept.get(cause.kind, 0) + 1
        if kept[cause.kind] <= MOST:
            ordered.append(cause)
    return tuple(ordered)


def _subjects_that_failed(dossier: Dossier, fate: Course) -> dict[str, set[str]]:
    """Host → the paths and services of the steps that failed there, and the services of criteria that were not met."""
    found: dict[str, set[str]] = {}
    for failing in fate.failings:
        mine = found.setdefault(failing.host, set())
        if failing.service:
            mine.add(failing.service)
        part = next((p for p in dossier.parts if p.subject.run == failing.run), None)
        host = part.subject.view.hosts.get(failing.host) if part else None
        for change in host.changes if host and failing.kind in ("step", "undone") else ():
            if change.intended.step == failing.id:
                mine |= set(_subjects(change))
    return found


def _subjects(change: ChangeView) -> Iterator[str]:
    for each in change.intended.changes:
        name = each.get("path") or each.get("subject")
        if isinstance(name, str) and name:
            yield name


def _touches(names: Sequence[str], failed: set[str]) -> bool:
    """The same path or service, one above or below it, or the service's name in the path."""
    return any(
        a == b or a.startswith(b.rstrip("/") + "/") or b.startswith(a.rstrip("/") + "/") or b in a.split("/")
        for a in names for b in failed
    )  # fmt: skip


def _changes(dossier: Dossier, began: str, failed: dict[str, set[str]]) -> Iterator[Cause]:
    for part in dossier.earlier:
        for name, host in part.subject.view.hosts.items():
            for change in host.changes:
                if change.applied is not True or change.at >= began or change.intended.handler:
                    continue
                subjects = list(dict.fromkeys(_subjects(change)))
                undone = change.undone is not None and change.undone.outcome == "undone"
                back = "; taken back since" if undone else ""
                yield Cause(
                    kind="earlier change", what=plain_name(change.intended.name), host=one_line(name), at=change.at,
                    detail=one_line(
                        f"{change.intended.action} {listed(subjects, 3)} by {part.subject.view.started.actor} "
                        f"in {part.subject.run}{_before(change.at, began)}{back}"
                    ),
                    close=_touches(subjects, failed.get(one_line(name), set())),
                    evidence=(f"{part.prefix}{change.seq}",),
                )  # fmt: skip


def _before(at: str, began: str) -> str:
    then, now = instant(at), instant(began)
    return f", {seconds((now - then).total_seconds())} before the first bad record" if then and now else ""


def _drift(dossier: Dossier) -> Iterator[Cause]:
    """A path that a run had left in one state, and that a later run found in another."""
    left: dict[tuple[str, str], tuple[Part, int]] = {}
    for part in (*dossier.earlier, *dossier.parts):
        for record in part.subject.view.records:
            event = record.event
            if isinstance(event, ChangeApplied):
                host = part.subject.view.hosts.get(event.host)
                change = host.change((event.step, event.item), event.attempt) if host else None
                for name in _subjects(change) if change and not change.undone else ():
                    left[event.host, name] = (part, record.seq)
            elif isinstance(event, StateObserved):
                for each in event.changes:
                    name = str(each.get("path") or each.get("subject") or "")
                    earlier = left.get((event.host, name))
                    if earlier is None or earlier[0].subject.run == part.subject.run:
                        continue
                    yield Cause(
                        kind="drift", what=name, host=one_line(event.host), at=record.at,
                        detail=f"{earlier[0].subject.run} had set it, and it was not so any more",
                        close=True, evidence=(f"{earlier[0].prefix}{earlier[1]}", f"{part.prefix}{record.seq}"),
                    )  # fmt: skip


def _clocks(dossier: Dossier) -> Iterator[Cause]:
    for part in dossier.parts:
        for record in part.subject.view.records:
            event = record.event
            if isinstance(event, HostConnected) and event.clock_skew is not None and abs(event.clock_skew) >= SKEW:
                ahead = "ahead of" if event.clock_skew > 0 else "behind"
                yield Cause(
                    kind="clock", what="its clock is wrong", host=one_line(event.host), at=record.at,
                    detail=f"{seconds(abs(event.clock_skew))} {ahead} the controller's", close=False,
                    evidence=(f"{part.prefix}{record.seq}",),
                )  # fmt: skip


def _restarts(dossier: Dossier) -> Iterator[Cause]:
    """The host was another boot, or had another Python, than when that was last recorded."""
    last: dict[tuple[str, str], tuple[str, str, str]] = {}
    for part in (*dossier.earlier, *dossier.parts):
        for record in part.subject.view.records:
            event = record.event
            if not isinstance(event, HostConnected):
                continue
            here = f"{part.prefix}{record.seq}"
            for kind, value in (("restart", event.boot_id), ("other version", event.python)):
                was, at, evidence = last.get((event.host, kind), ("", "", ""))
                if value and was and was != value:
                    changed = "another boot id" if kind == "restart" else f"{one_line(was)} became {one_line(value)}"
                    yield Cause(
                        kind=kind, what="it was restarted" if kind == "restart" else "its Python is another",
                        host=one_line(event.host), at=record.at, detail=f"{changed} since {moment(at)}", close=False,
                        evidence=(evidence, here),
                    )  # fmt: skip
                if value:
                    last[event.host, kind] = (value, record.at, here)


@frozen
class Recurrence:
    """The same thing failed before: `times` in earlier runs, `evidence` the newest records of it."""

    what: str
    times: int
    last: str
    runs: tuple[str, ...]
    evidence: tuple[str, ...]


def recurrences(dossier: Dossier, before: Course, fate: Course) -> tuple[Recurrence, ...]:
    """Failings of earlier runs (`before`) that are failings of this incident too."""
    found: dict[tuple[str, str, str], list[tuple[str, str, str]]] = {}
    mine = {(f.kind, f.service or f.runbook, f.name) for f in fate.failings if f.kind not in ("undone", "connection")}
    for each in before.failings:
        key = (each.kind, each.service or each.runbook, each.name)
        if key in mine:
            found.setdefault(key, []).extend((ref.at, ref.evidence, each.host) for ref in each.bad)
    labels = {p.label: p.subject.run for p in dossier.earlier}
    made = []
    for (kind, where, name), records in found.items():
        records.sort(reverse=True)
        runs = tuple(dict.fromkeys(labels[e.partition("-")[0]] for _, e, _ in records))
        made.append(
            Recurrence(
                what=f"{kind} {name} of {where}", times=len(records), last=records[0][0], runs=runs,
                evidence=tuple(e for _, e, _ in records[:3]),
            )
        )  # fmt: skip
    return tuple(sorted(made, key=lambda r: -r.times))
