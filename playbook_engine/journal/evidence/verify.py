"""Verifying a bundle with nothing but the bundle and a key: no state folder, no network, one pass over the file.

Everything that is wrong is collected. A bundle holds when nothing is, and that is the only green there is: one of a
damaged journal, of one whose end is missing, or one that only some other key could speak for, does not.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import BinaryIO

from playbook_engine.journal.evidence import manifest as manifests
from playbook_engine.journal.evidence.archive import Member, members
from playbook_engine.journal.evidence.keys import ChainKey, KeyRing
from playbook_engine.journal.evidence.links import Followed, follow
from playbook_engine.journal.evidence.manifest import FileEntry, JournalEntry, Manifest
from playbook_engine.model.errors import JournalError
from playbook_engine.model.frozen import frozen

HEAD = (manifests.MANIFEST, manifests.ATTESTATION, manifests.SIGNATURE)


@frozen
class Seen:
    """One journal of a bundle as it was found. `first` and `last` are the times of its records, `state` a word."""

    journal: str
    state: str
    records: int
    first: str
    last: str
    reports: int
    blobs: int
    sealed: Mapping[str, object]
    head: str


@dataclass(slots=True, kw_only=True)
class Verdict:
    """`faults`: all that is wrong; none means that the bundle holds. `keys`: the ids of those that spoke for it.

    `manifest` is None when there is none to be read.
    """

    faults: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    manifest: Manifest | None = None
    journals: list[Seen] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return not self.faults and bool(self.keys) and bool(self.journals)

    @property
    def open(self) -> bool:
        """Whether a journal of it was still being written: what came later is not in it."""
        return any(each.state == "open" for each in self.journals)


def verify(source: BinaryIO, ring: KeyRing, head: str = "") -> Verdict:
    """`head`: what the bundle's head was noted as, when it was made; empty where nobody did. Raises OSError."""
    verdict = Verdict()
    try:
        _Verifier(source, ring, verdict).all(head)
    except JournalError as error:
        verdict.faults.append(error.message)
    return verdict


class _Verifier:
    """One verification."""

    def __init__(self, source: BinaryIO, ring: KeyRing, verdict: Verdict) -> None:
        self._members = members(source)
        self._ring = ring
        self._verdict = verdict
        self._chains: dict[str, Followed] = {}
        self._blobs: dict[str, set[str]] = {}
        self._keys: dict[str, ChainKey] = {}
        self._names: dict[str, None] = {}

    def _fault(self, text: str) -> None:
        self._verdict.faults.append(text)

    def all(self, head: str) -> None:
        text, attestation, signature = (self._part(name) for name in HEAD)
        manifest = manifests.read(text)
        listed = manifests.listed(manifest.files)
        self._verdict.manifest = manifest
        self._attested(manifest, attestation, signature)
        if head and not hmac.compare_digest(head.strip().lower().encode(), manifest.head.encode()):
            self._fault(f"the head is {manifest.head}, and not the one that was noted: this is another bundle")
        for member in self._members:
            self._member(member, manifest, listed)
        for name in listed:
            if name not in self._names:
                self._fault(f"{name} is missing: the manifest lists it")
        if list(self._names) != [name for name in listed if name in self._names]:
            self._fault("the files do not stand in the order of the manifest")
        for entry in manifest.journals:
            self._journal(entry, manifest)

    def _part(self, name: str) -> bytes:
        """One of the parts that a bundle begins with."""
        member = next(self._members, None)
        if member is None or member.name != name:
            raise JournalError(f"{name} is not where it belongs: this is no evidence bundle, or it was changed")
        return member.whole()

    # ------------------------------------------------------------- keys

    def _attested(self, manifest: Manifest, attestation: bytes, signature: bytes) -> None:
        """Whether the keys speak for the manifest, and the attestation and the signature are those of it."""
        given = manifests.macs_of(attestation)
        mine = self._ring.chains
        if f"manifest {manifest.head}\n".encode() not in attestation:
            self._fault("the manifest was changed: its digest is not the one in the attestation")
        elif manifests.attestation(manifest, given) != attestation:
            self._fault("the attestation was changed: it is not the one of this manifest")
        signed = manifest.signer.signed(attestation, signature)
        if not signed:
            self._fault(
                f"the signature is not that of {manifest.signer.id}: the attestation was changed, or another signed it"
            )
        for entry in manifest.journals:
            key = mine.get(entry.journal)
            if key is None:
                continue
            if key.id != entry.key:
                self._fault(
                    f"{entry.journal} was exported with the key {entry.key}, and yours is {key.id}: another key"
                )
                continue
            self._keys[entry.journal] = key
            if hmac.compare_digest(given.get(entry.journal, ""), manifests.attested(manifest, key)):
                self._verdict.keys.append(key.id)
            else:
                self._fault(
                    f"the attestation was not made with the key of {entry.journal}: somebody else has made it again"
                )
        for public in self._ring.public:
            if public == manifest.signer:
                self._verdict.keys += [public.id] * signed
            else:
                self._fault(f"it was signed by {manifest.signer.id}, and your key is {public.id}: another installation")
        lacking = [e.journal for e in manifest.journals if e.journal not in mine]
        if lacking and not self._ring.public:
            self._fault(f"there is no key for {', '.join(lacking)}: nothing speaks for it")

    # ------------------------------------------------------------ files

    def _member(self, member: Member, manifest: Manifest, listed: Mapping[str, FileEntry]) -> None:
        entry = listed.get(member.name)
        if member.name in self._names:
            self._fault(f"{member.name} stands twice in the bundle")
            return
        if entry is None:
            self._fault(f"{member.name!r} was added: the manifest does not list it")
            return
        self._names[member.name] = None
        room, name, kind, *_ = member.name.split("/")
        journal = f"{room}/{name}"
        if kind == "records.jsonl":
            self._chains[journal] = follow(journal, member.lines(), self._keys.get(journal))
            if fault := self._chains[journal].fault:
                self._fault(f"{journal}: {fault}")
        if (member.size, member.sha256()) != (entry.bytes, entry.sha256):
            self._fault(f"{member.name} was changed or replaced: its SHA-256 is not the one in the manifest")
        if kind == "blobs":
            digest = member.name.rpartition("/")[2]
            if member.sha256() != digest:
                self._fault(f"{member.name} is not the value that its name says: blobs were swapped or replaced")
            self._blobs.setdefault(journal, set()).add(digest)

    # --------------------------------------------------------- journals

    def _journal(self, entry: JournalEntry, manifest: Manifest) -> None:
        name, chain = entry.journal, self._chains.get(entry.journal)
        if chain is None:
            self._fault(f"{name}: its records are missing")
            return
        blobs = self._blobs.get(name, set())
        if not chain.fault:
            self._whole(entry, chain, blobs if manifest.carried else None)
        closing = chain.closing or {}
        sealed = closing.get("sealed")
        self._verdict.journals.append(
            Seen(
                journal=name, state=self._state(chain), records=chain.records, first=chain.first, last=chain.last,
                reports=sum(n.startswith(f"{name}/reports/") for n in self._names), blobs=len(blobs),
                sealed=sealed if isinstance(sealed, dict) else {}, head=chain.head,
            )
        )  # fmt: skip

    def _whole(self, entry: JournalEntry, chain: Followed, blobs: set[str] | None) -> None:
        """What is wrong with a journal whose links are good."""
        name, closing = entry.journal, chain.closing or {}
        if chain.head != entry.head or closing != entry.closing:
            self._fault(f"{name}: its closing record is not the one in the manifest: another state of the journal")
        damage = closing.get("damage")
        for each in damage if isinstance(damage, list) else ["its closing record does not say whether it was whole"]:
            self._fault(f"{name} was damaged before it was exported: {each}")
        if damage == [] and not closing.get("closed") and not closing.get("live"):
            self._fault(
                f"{name} has no end: it was not closed, and nobody was writing it when it was exported. "
                "Its end was cut off, or what wrote it died"
            )
        for digest in sorted(chain.sealed - blobs) if blobs is not None else ():
            self._fault(f"{name}: the blob {digest[:12]} is missing, and a record refers to it")
        for digest in sorted((blobs or set()) - chain.sealed):
            self._fault(f"{name}: no record refers to the blob {digest[:12]}")

    def _state(self, chain: Followed) -> str:
        if chain.fault or chain.closing is None or chain.closing.get("damage") != []:
            return "damaged"
        if chain.closing.get("closed"):
            return "closed"
        return "open" if chain.closing.get("live") else "without an end"
