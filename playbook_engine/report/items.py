"""Action items: one for all that failed, is unknown, or was taken back, each with the probe that closes it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from playbook_engine.journal.codec import Record
from playbook_engine.model.events import CheckEvaluated, ItemDecided, ProbeVerified
from playbook_engine.model.frozen import frozen
from playbook_engine.model.incident import ItemStatus, ItemType
from playbook_engine.report.closing import ClosingProbe, closing_probe
from playbook_engine.report.dossier import OWN, Dossier
from playbook_engine.report.failings import Course, Failing, Ref, hosts_of
from playbook_engine.report.status import Status, judge_then, worst
from playbook_engine.report.text import count, listed, one_line

VERBS: Mapping[str, str] = {
    "step": "repair", "criterion": "repair", "precondition": "see to", "connection": "reach",
    "undone": "do again, or drop",
}  # fmt: skip


@frozen
class Verification:
    """What the records of the newest run of a closing probe say."""

    status: Status
    at: str
    why: str
    evidence: tuple[str, ...]


@frozen
class Item:
    """`evidence`: the records that made it an item. `settled`: the record after which it was well, where it is.
    `word` is who says that it is done or dropped, and in which record: no measurement."""

    id: str
    kind: str
    title: str
    why: str
    hosts: tuple[str, ...]
    type: str
    owner: str
    due: str
    ticket: str
    status: ItemStatus
    status_why: str
    probe: ClosingProbe | None
    proof: str
    verification: Verification | None
    evidence: tuple[str, ...]
    settled: Settled | None = None
    word: Word | None = None

    @property
    def open(self) -> bool:
        return self.status is ItemStatus.OPEN


@frozen
class Settled:
    """The records after which nothing of it was wrong any more."""

    at: str
    evidence: tuple[str, ...]


@frozen
class Word:
    """Somebody's decision about the status of an item."""

    who: str
    at: str
    evidence: str


def items(dossier: Dossier, fate: Course) -> tuple[Item, ...]:
    """Open ones first, then in the order of their first record. The same step or probe on many hosts is one item."""
    groups: dict[str, list[Failing]] = {}
    for each in fate.failings:
        run, scope, step = each.origin
        groups.setdefault(item_id(each.kind, dossier.names.get(run, each.runbook), scope, step), []).append(each)
    found = [_item(dossier, identity, members) for identity, members in groups.items()]
    return tuple(sorted(found, key=lambda i: not i.open))


def item_id(kind: str, runbook: str, scope: str, step: str) -> str:
    """Stays the same while the incident goes on: it names what failed, and not when."""
    return hashlib.sha256("\n".join((kind, runbook, scope, step)).encode()).hexdigest()[:6]


def _item(dossier: Dossier, identity: str, members: Sequence[Failing]) -> Item:
    first = members[0]
    said = dossier.incident.decided.get(identity, [])
    decided = _decided(said)
    verification = _verification(dossier, identity)
    over = [m.over for m in members]
    settled = _settled([o for o in over if o is not None]) if all(over) else None
    newest = max([*(m.last.at for m in members), *([settled.at] if settled else [])])
    if verification is not None and verification.at < newest:
        verification = None  # it has failed, or was well, again since
    status, why = _status(decided, settled, verification)
    part = next(p for p in dossier.parts if p.subject.run == first.run)
    title = f"{first.service}: {first.name}" if first.service else first.name
    detail = next((m.detail for m in members if m.detail), "")
    return Item(
        id=identity, kind=first.kind, title=one_line(decided.title) or f"{VERBS[first.kind]}: {title}",
        why=f"{first.status} on {listed(list(hosts_of(members)), 3)}{': ' + detail if detail else ''}",
        hosts=hosts_of(members), type=decided.type or ItemType.MITIGATE, owner=one_line(decided.owner),
        due=one_line(decided.due), ticket=one_line(decided.ticket), status=status, status_why=why,
        probe=closing_probe(part.subject, first), proof=one_line(decided.proof), verification=verification,
        evidence=tuple(dict.fromkeys(m.last.evidence for m in members))[:4], settled=settled,
        word=_word(said) if status in (ItemStatus.DONE, ItemStatus.DROPPED) else None,
    )  # fmt: skip


def _word(records: Sequence[Record]) -> Word | None:
    """The newest decision about the status."""
    for record in reversed(records):
        if isinstance(record.event, ItemDecided) and record.event.status:
            return Word(who=one_line(record.event.actor), at=record.at, evidence=f"{OWN}{record.seq}")
    return None


def _decided(records: Sequence[Record]) -> ItemDecided:
    """All decisions as one: each field is that of the newest that says something."""
    found: dict[str, str] = {}
    for record in records:
        event = record.event
        assert isinstance(event, ItemDecided)
        for name in ("title", "type", "owner", "due", "ticket", "proof", "status", "reason"):
            found[name] = getattr(event, name) or found.get(name, "")
    return ItemDecided(item="", **found)


def _status(decided: ItemDecided, settled: Settled | None, verification: Verification | None) -> tuple[ItemStatus, str]:
    """Records come first: people may say that it is dropped, and where no record speaks, that it is done."""
    if decided.status == ItemStatus.DROPPED:
        return ItemStatus.DROPPED, one_line(decided.reason)
    if verification is not None and verification.status is Status.MET:
        return ItemStatus.VERIFIED, "its closing probe holds"
    if verification is not None:
        return ItemStatus.OPEN, f"its closing probe: {verification.status}"
    if settled is not None:
        return ItemStatus.VERIFIED, "a later record of the incident says so"
    if decided.status == ItemStatus.DONE:
        return ItemStatus.DONE, one_line(decided.reason)
    return ItemStatus.OPEN, ""


def _settled(over: Sequence[Ref]) -> Settled:
    last = max(over, key=lambda ref: ref.at)
    return Settled(at=last.at, evidence=tuple(dict.fromkeys(r.evidence for r in over))[:4])


def _verification(dossier: Dossier, identity: str) -> Verification | None:
    """From the records of the run that verified it, and from nothing that its event says of them."""
    newest = next(reversed(dossier.incident.verified.get(identity, [])), None)
    if newest is None or not isinstance(newest.event, ProbeVerified):
        return None
    event = newest.event
    part = next((p for p in dossier.parts if p.subject.run == event.run), None)
    if part is None:
        why = "the journal of the run that verified it is not there"
        return Verification(status=Status.UNKNOWN, at=newest.at, why=why, evidence=(f"{OWN}{newest.seq}",))
    probes = frozenset(event.probes)
    found = [r for r in part.subject.view.records if _of_probe(r, probes, event.hosts)]
    said = [judge_then(r.seq, r.at, r.event) for r in found if isinstance(r.event, CheckEvaluated)]
    missing = {(h, p) for h in event.hosts for p in probes} - {
        (r.event.host, r.event.probe) for r in found if isinstance(r.event, CheckEvaluated)
    }
    statuses = [s.status for s in said] + ([Status.UNKNOWN] if missing else [])
    why = next((s.why for s in said if s.status.open and s.why), f"{count(len(missing), 'record')} missing")
    status = worst(statuses)
    return Verification(
        status=status, at=found[-1].at if found else newest.at, why=one_line(why) if status.open else "",
        evidence=tuple(f"{part.prefix}{r.seq}" for r in found)[:4] or (f"{OWN}{newest.seq}",),
    )  # fmt: skip


def _of_probe(record: Record, probes: frozenset[str], hosts: Sequence[str]) -> bool:
    event = record.event
    return (
        isinstance(event, CheckEvaluated)
        and event.purpose == "criterion"
        and event.probe in probes
        and event.host in hosts
    )


def named(items_: Sequence[Item], wanted: str) -> Item | None:
    """The item of an id, or of a unique beginning of one."""
    found = [i for i in items_ if i.id == wanted] or [i for i in items_ if i.id.startswith(wanted)]
    return found[0] if len(found) == 1 else None
