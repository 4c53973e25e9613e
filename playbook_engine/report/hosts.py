"""How each host of a run ended, in words that say what state it is in now."""

from __future__ import annotations

from playbook_engine.journal.fold import HostView
from playbook_engine.model.events import HostFinished, HostUnreachable, RollbackVerified, StepUndone
from playbook_engine.model.frozen import frozen
from playbook_engine.model.outcome import HostStatus
from playbook_engine.report.subject import Subject
from playbook_engine.report.text import count, listed, one_line


@frozen
class HostEnd:
    """A host of the run. `now` is what is known of its state; `evidence` the id of the record behind it, or empty.

    `settled` is false where a person must look before anything else is done to the host.
    """

    name: str
    status: str
    good: bool
    message: str
    advice: str
    seconds: float
    now: str
    settled: bool
    evidence: str
    seq: int
    address: str = ""
    python: str = ""
    connected: bool = False


def ends(subject: Subject) -> tuple[HostEnd, ...]:
    """All hosts, in the run's order."""
    finished = {r.event.host: r.seq for r in subject.view.records if isinstance(r.event, HostFinished)}
    lost = {r.event.host: r.seq for r in subject.view.records if isinstance(r.event, HostUnreachable)}
    doubt = {h.name: c.seq for h in subject.view.hosts.values() for c in h.changes if c.in_doubt and c.undone is None}
    found = {**doubt, **lost, **finished}
    return tuple(_end(h, subject, found.get(h.name, 0)) for h in subject.view.hosts.values())


def _end(host: HostView, subject: Subject, seq: int) -> HostEnd:
    status = host.status
    now, settled = _now(host, subject)
    return HostEnd(
        name=one_line(host.name), status=status.value.replace("_", " ") if status else str(subject.state),
        good=bool(status and status.good), message=one_line(host.finished.message) if host.finished else "",
        advice=one_line(host.finished.advice) if host.finished else "",
        seconds=host.finished.seconds if host.finished else 0.0, now=now, settled=settled,
        evidence=f"E{seq}" if seq else "", seq=seq,
        address=one_line(host.connected.address) if host.connected else "",
        python=one_line(host.connected.python) if host.connected else "", connected=host.connected is not None,
    )  # fmt: skip


def _now(host: HostView, subject: Subject) -> tuple[str, bool]:
    """What is known of the host's state, and whether nobody needs to look first."""
    doubt = [c.intended.name for c in host.changes if c.in_doubt and c.undone is None]
    if doubt:
        return f"unknown: {listed(doubt)} was sent, and nobody heard how it ended", False
    taken_back = _taken_back(host.name, subject)
    if taken_back:
        return taken_back, True
    changes = len(host.to_undo())
    made = count(changes, "change")
    if host.finished is None:
        began = f"{made} made so far" if changes else "nothing changed so far"
        return (f"the run goes on: {began}", True) if subject.live else (f"the run died: {began}", changes == 0)
    match HostStatus(host.finished.status):
        case HostStatus.ROLLED_BACK:
            return f"restored: {_proof(host)}", True
        case HostStatus.PARTLY_ROLLED_BACK:
            kept = [name for proof in host.proofs for name in proof.kept]
            return f"restored but for what cannot be taken back ({listed(kept)}): {_proof(host)}", True
        case HostStatus.ROLLBACK_FAILED:
            return "unknown: the rollback failed or could not be proved", False
        case HostStatus.UNREACHABLE | HostStatus.UNKNOWN | HostStatus.IN_DOUBT if changes:
            return f"unknown: {made} made before it could not be observed any more", False
        case HostStatus.UNREACHABLE | HostStatus.UNKNOWN | HostStatus.IN_DOUBT:
            return "unknown: nothing was changed by this run", True
        case _:
            return (f"changed: {made} in force" if changes else "as before: nothing was changed"), True


def _proof(host: HostView) -> str:
    compared = sum(p.compared for p in host.proofs if p.proved)
    return f"{count(compared, 'state')} proved equal to those before" if compared else "nothing had to be compared"


def _taken_back(host: str, subject: Subject) -> str:
    """What a later `runbook rollback` of this run proved."""
    for later in reversed(subject.later):
        proofs = [r.event for r in later.view.records if isinstance(r.event, RollbackVerified) and r.event.host == host]
        if proofs and all(p.proved for p in proofs):
            undone = sum(
                isinstance(r.event, StepUndone) and r.event.host == host and r.event.outcome == "undone"
                for r in later.view.records
            )
            kept = listed(list(dict.fromkeys(name for p in proofs for name in p.kept)))
            but = f" but for what cannot be taken back ({kept})" if kept else ""
            return f"restored by {later.run}{but}: {count(undone, 'change')} taken back, and proved"
    return ""
