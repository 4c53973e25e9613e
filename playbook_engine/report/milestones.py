"""The times of an incident, each with its definition and the record that it comes from; without one it is not known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from playbook_engine.model.events import EscalationResolved
from playbook_engine.model.frozen import frozen
from playbook_engine.model.incident import Milestone
from playbook_engine.report.accounts import Account, of_milestone
from playbook_engine.report.dossier import OWN, Dossier
from playbook_engine.report.failings import Course
from playbook_engine.report.text import count, instant, seconds

DEFINITIONS: Mapping[Milestone, str] = {
    Milestone.STARTED: "the earliest evidence of the fault: a bad record, an alert, or what somebody says of it",
    Milestone.DETECTED: "the first bad record of a run, or the first alert, whichever came first",
    Milestone.ACKNOWLEDGED: "the first time that somebody is recorded to have taken it",
    Milestone.MITIGATED: "the first record at which nothing was wrong any more, or what was done had been taken back",
    Milestone.RESOLVED: "the record since which nothing is wrong; else the end of the escalation, or of the incident",
}


@frozen
class Time:
    """One of them. `evidence` is empty where nothing was recorded; then `why` says what is missing.

    `measured`: a record of a run. `said`: somebody's word.
    """

    milestone: Milestone
    at: str
    definition: str
    source: str
    evidence: str
    measured: bool = False
    said: bool = False
    why: str = ""


@frozen
class Lapse:
    """How long from one time to another, in seconds; None where it cannot be told, and `why` not."""

    name: str
    definition: str
    seconds: float | None
    why: str = ""

    @property
    def text(self) -> str:
        return seconds(self.seconds) if self.seconds is not None else "not recorded"


@frozen
class _Candidate:
    at: str
    evidence: str
    source: str
    measured: bool
    said: bool = False


def times(dossier: Dossier, fate: Course, said: Sequence[Account]) -> tuple[Time, ...]:
    """All five, in their order."""
    bad = [
        _Candidate(at=f.first.at, evidence=f.first.evidence, source="a record", measured=True) for f in fate.failings
    ]
    alerts = [_of(a) for a in said if (a.kind == "alert" and a.text.startswith("firing")) or a.milestone == "detected"]
    alerts += [_of(a) for a in said if a.kind == "alert" and not a.text.startswith(("firing", "resolved"))]
    told = {m: [_of(a) for a in of_milestone(said, m)] for m in Milestone}
    eased = _measured(fate.eased.at, fate.eased.evidence) if fate.eased else []
    over = _measured(fate.over.at, fate.over.evidence) if fate.over else []
    open_ = f"{count(len(fate.open), 'failing')} still open"
    nothing = "no record says that anything was wrong"
    return (
        _earliest(Milestone.STARTED, [*bad, *alerts, *told[Milestone.STARTED]], nothing),
        _earliest(Milestone.DETECTED, [*bad, *alerts], nothing),
        _earliest(Milestone.ACKNOWLEDGED, told[Milestone.ACKNOWLEDGED], "no acknowledgement was recorded"),
        _earliest(Milestone.MITIGATED, eased or told[Milestone.MITIGATED], open_ if fate.failings else nothing),
        _earliest(
            Milestone.RESOLVED, over or told[Milestone.RESOLVED] or _ended(dossier),
            open_ if fate.failings else nothing,
        ),
    )  # fmt: skip


def lapses(found: Sequence[Time]) -> tuple[Lapse, ...]:
    """The four that are asked for, each with what it counts."""
    at = {t.milestone: t for t in found}
    first = at[Milestone.STARTED]
    return (
        _lapse("time to detect", first, at[Milestone.DETECTED], same="the first evidence of it is its detection"),
        _lapse("time to acknowledge", at[Milestone.DETECTED], at[Milestone.ACKNOWLEDGED]),
        _lapse("time to mitigate", first, at[Milestone.MITIGATED]),
        _lapse("time to resolve", first, at[Milestone.RESOLVED]),
    )


def _lapse(name: str, start: Time, end: Time, same: str = "") -> Lapse:
    definition = f"from {start.milestone} to {end.milestone}"
    missing = next((t for t in (start, end) if not t.evidence), None)
    if missing is not None:
        return Lapse(name=name, definition=definition, seconds=None, why=missing.why)
    if same and start.evidence == end.evidence:
        return Lapse(name=name, definition=definition, seconds=None, why=same)
    began, ended = instant(start.at), instant(end.at)
    if began is None or ended is None:
        return Lapse(name=name, definition=definition, seconds=None, why="a time is none")
    if ended < began:
        return Lapse(
            name=name, definition=definition, seconds=None, why=f"{end.milestone} lies before {start.milestone}"
        )
    return Lapse(name=name, definition=definition, seconds=(ended - began).total_seconds())


def _earliest(milestone: Milestone, found: Sequence[_Candidate], why: str) -> Time:
    definition = DEFINITIONS[milestone]
    if not found:
        return Time(milestone=milestone, at="", definition=definition, source="", evidence="", why=why)
    first = min(found, key=lambda c: c.at)
    return Time(
        milestone=milestone, at=first.at, definition=definition, source=first.source, evidence=first.evidence,
        measured=first.measured, said=first.said,
    )  # fmt: skip


def _of(account: Account) -> _Candidate:
    who = f"{account.kind} by {account.who}" if account.who else f"{account.kind} from {account.source}"
    return _Candidate(at=account.at, evidence=account.id, source=who, measured=False, said=account.said)


def _measured(at: str, evidence: str) -> list[_Candidate]:
    return [_Candidate(at=at, evidence=evidence, source="a record", measured=True)]


def _ended(dossier: Dossier) -> list[_Candidate]:
    """The ends that people gave it."""
    found = [
        _Candidate(at=r.at, evidence=f"{log.prefix}{r.seq}", source="the end of the escalation", measured=False)
        for log in dossier.logs_of("escalation") for r in log.records if isinstance(r.event, EscalationResolved)
    ]  # fmt: skip
    found = found[-1:]  # the one that ended last
    view = dossier.incident
    if not found and view.closed is not None:
        found.append(
            _Candidate(
                at=view.closed_at, evidence=f"{OWN}{view.closed_seq}", source="the incident was closed", measured=False
            )
        )
    return found
