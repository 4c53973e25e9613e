"""What went wrong in the runs of an incident, and the record after which it did not any more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from playbook_engine.journal.codec import Record
from playbook_engine.model.events import (
    CheckEvaluated,
    HostConnected,
    HostFinished,
    HostUnreachable,
    PreconditionEvaluated,
    ProbeVerified,
    RollbackVerified,
    StepFinished,
    StepUndone,
)
from playbook_engine.model.frozen import frozen
from playbook_engine.model.outcome import HostStatus, Outcome
from playbook_engine.report.dossier import Dossier, Part
from playbook_engine.report.status import Status, judge_then, threshold_of, value_of
from playbook_engine.report.text import one_line, plain_name

Key = tuple[str, str, str, str]
"""Kind, host, runbook or service, name: the same failing in every run of the incident."""


@frozen
class Ref:
    """A record, by its time and its id in the document."""

    at: str
    evidence: str


@dataclass(slots=True, kw_only=True)
class Failing:
    """One thing that was wrong on one host, from its first bad record on. `kind`: step | criterion | precondition |
    connection | undone. `id` is that of the step or probe in the plan of `run`, `status` the last bad word about it;
    `origin` is the (run, scope, id) of its first record.

    `over` is the record after which it was well; `eased` that, or the proof that what was done was taken back.
    """

    kind: str
    host: str
    runbook: str
    run: str
    scope: str
    id: str
    origin: tuple[str, str, str]
    name: str
    service: str
    status: str
    detail: str
    first: Ref
    last: Ref
    bad: list[Ref] = field(default_factory=list)
    over: Ref | None = None
    eased: Ref | None = None


@frozen
class Course:
    """All failings in the order of their first record, and the records at which none was left.

    `eased`: since the first time when none was open, or what was changed had been taken back. `over`: none was open
    since, up to the last record.
    """

    failings: tuple[Failing, ...]
    eased: Ref | None
    over: Ref | None

    @property
    def open(self) -> tuple[Failing, ...]:
        return tuple(f for f in self.failings if f.over is None)


def merged(parts: Iterable[Part]) -> list[tuple[Part, Record]]:
    """The records of several runs by their times."""
    return sorted(
        ((p, r) for p in parts for r in p.subject.view.records), key=lambda e: (e[1].at, e[0].label, e[1].seq)
    )


def course(dossier: Dossier) -> Course:
    """Folds the records of all runs, by time. Previews say nothing: they did nothing."""
    known: dict[Key, Failing] = {}
    # A closing probe says whether something is well again; what it is about failed before, and has its own item.
    verifying = {e.run for records in dossier.incident.verified.values() for r in records
                 if isinstance(e := r.event, ProbeVerified)}  # fmt: skip
    eased: Ref | None = None
    over: Ref | None = None
    for part, record in merged(p for p in dossier.parts if not p.subject.view.started.check):
        ref = Ref(at=record.at, evidence=f"{part.prefix}{record.seq}")
        for failing in _bad(part, record, ref):
            key = _key(failing)
            before = known.get(key)
            if part.subject.run in verifying and before is None:
                continue
            if before is None:
                known[key] = failing
            else:
                before.status, before.detail, before.last = failing.status, failing.detail, ref
                before.over, before.eased = None, None
                before.bad.append(ref)
                if part.subject.run not in verifying:
                    before.run, before.id, before.scope = failing.run, failing.id, failing.scope
            over = None
        _mend(part, record, ref, known)
        counting = [f for f in known.values() if f.kind != "undone"]
        if counting:
            if eased is None and all(f.eased for f in counting):
                eased = ref
            if over is None and all(f.over for f in counting):
                over = ref
    return Course(failings=tuple(known.values()), eased=eased, over=over)


def _key(failing: Failing) -> Key:
    where = failing.service if failing.kind == "criterion" else failing.runbook
    return (failing.kind, failing.host, where, failing.name)


def _bad(part: Part, record: Record, ref: Ref) -> Iterator[Failing]:
    def failing(kind: str, name: str, status: str, detail: str, *, scope: str = "", plan_id: str = "") -> Failing:
        service = event.service if isinstance(event, CheckEvaluated) else ""
        run = part.subject.run
        return Failing(
            kind=kind, host=one_line(event.host), runbook=part.subject.view.started.runbook, run=run, scope=scope,
            id=plan_id, origin=(run, scope, plan_id), name=plain_name(name), service=one_line(service),
            status=status.replace("_", " "), detail=one_line(detail), first=ref, last=ref, bad=[ref],
        )  # fmt: skip

    match event := record.event:
        case CheckEvaluated() if event.purpose == "criterion":
            said = judge_then(record.seq, record.at, event)
            if said.status.open:
                value = value_of(event)
                told = f"{value}, wanted {threshold_of(event)}" if value and said.status is Status.NOT_MET else said.why
                yield failing("criterion", event.name, said.status, told, scope=event.scope, plan_id=event.probe)
        case PreconditionEvaluated() if event.otherwise != "skip":
            said = judge_then(record.seq, record.at, event)
            if said.status.open:
                yield failing("precondition", event.name, said.status, said.why, scope=event.scope, plan_id=event.probe)
        case StepFinished() if not event.ignored and not event.rescued and not Outcome(event.outcome).good:
            yield failing("step", event.name, event.outcome, event.message, scope=event.scope, plan_id=event.step)
        case StepUndone() if event.outcome in ("undone", "failed"):
            status = "taken back" if event.outcome == "undone" else "taking back failed"
            yield failing("undone", event.name, status, event.message, plan_id=event.step)
        case HostUnreachable():
            yield failing("connection", "the connection", "unreachable", event.message)
        case _:
            pass


def _mend(part: Part, record: Record, ref: Ref, known: dict[Key, Failing]) -> None:
    """What a good record says of failings that were open until then."""
    event, runbook = record.event, part.subject.view.started.runbook
    here = [f for f in known.values() if f.host == one_line(event.host) and f.over is None and f.last != ref]
    match event:
        case CheckEvaluated() if event.purpose == "criterion":
            well = judge_then(record.seq, record.at, event).status is Status.MET
            mended = [f for f in here if well and f.kind == "criterion" and _same(f, event.service, event.name)]
        case PreconditionEvaluated():
            well = judge_then(record.seq, record.at, event).status is Status.MET
            mended = [f for f in here if well and f.kind == "precondition" and _is(f, runbook, event.name)]
        case StepFinished():
            well = Outcome(event.outcome) in (Outcome.OK, Outcome.CHANGED)
            mended = [f for f in here if well and f.kind in ("step", "undone") and _is(f, runbook, event.name)]
        case HostConnected():
            mended = [f for f in here if f.kind == "connection"]
        case HostFinished() if HostStatus(event.status).good and part.subject.view.started.kind in ("run", "exec"):
            mended = [f for f in here if f.kind in ("step", "precondition") and f.runbook == runbook]
        case RollbackVerified() if event.proved:
            for failing in here:
                failing.eased = failing.eased or ref
            return
        case _:
            return
    for failing in mended:
        failing.over, failing.eased = ref, failing.eased or ref


def _same(failing: Failing, service: str, name: str) -> bool:
    return (failing.service, failing.name) == (one_line(service), plain_name(name))


def _is(failing: Failing, runbook: str, name: str) -> bool:
    return (failing.runbook, failing.name) == (runbook, plain_name(name))


def hosts_of(failings: Sequence[Failing]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(f.host for f in failings))
