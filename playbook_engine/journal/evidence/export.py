"""Journals as parts of a bundle. What is sealed in them is left out, counted, named, and kept as a digest.

The chain of a journal is verified while it is read, with the journal's own key, and what is wrong with it goes into the
closing record: a bundle of a damaged journal is one, and says so.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from playbook_engine.journal.blobs import Blobs
from playbook_engine.journal.chain import scan
from playbook_engine.journal.codec import SHELTERS, visible
from playbook_engine.journal.evidence import manifest as manifests
from playbook_engine.journal.evidence.archive import Part
from playbook_engine.journal.evidence.keys import ChainKey, SigningKey
from playbook_engine.journal.evidence.links import CLOSING, Chain, misnamed
from playbook_engine.journal.evidence.manifest import FileEntry, JournalEntry, Manifest
from playbook_engine.journal.files import Raw
from playbook_engine.journal.plain import from_json, to_json
from playbook_engine.journal.redaction import Redactor
from playbook_engine.model.errors import JournalError
from playbook_engine.model.frozen import frozen

ENVELOPE = ("e", "v", "at")


@frozen
class Exported:
    """One journal, ready for a bundle. `reports` by file name."""

    entry: JournalEntry
    key: ChainKey
    parts: tuple[Part, ...]

    @property
    def damage(self) -> list[str]:
        return [str(each) for each in self.entry.closing["damage"]]  # type: ignore[attr-defined]

    @property
    def sealed(self) -> Mapping[str, object]:
        """How many values are sealed in it, their bytes, and how often each field is one of them."""
        return self.entry.closing["sealed"]  # type: ignore[return-value]


@frozen
class _Sealed:
    """What a record sealed: encrypted, the blob that it lies in if it does, and the names of the fields that stay so.

    `why`: it cannot be opened.
    """

    data: bytes = b""
    blob: str = ""
    fields: tuple[str, ...] = ()
    why: str = ""


def chain_key(journal: str, raw: Raw) -> ChainKey:
    return ChainKey(journal, raw.key.evidence)


def exported(
    journal: str, raw: Raw, blobs: Blobs, redactor: Redactor, reports: Mapping[str, bytes], no_reports: str = "", *,
    carried: bool = False,
) -> Exported:  # fmt: skip
    """`carried`: with the sealed values, each a file of its own, named by its digest."""
    key = chain_key(journal, raw)
    chain, lines, held, counted = Chain(key), list[bytes](), dict[str, Part](), Counter[str]()
    contents = scan(raw.data, raw.key)
    damage = [contents.damage] if contents.damage and not (raw.live and contents.torn) else []
    event, size = "", 0
    for seq, text in contents.lines:
        record, sealed = _record(text, raw, blobs, redactor)
        event = str(record.get("e"))
        if seq == 1 and (why := misnamed(journal, record)):
            damage.append(why)
        if sealed.why:
            damage.append(f"record {seq}: {sealed.why}")
        if sealed.fields:
            digest = hashlib.sha256(sealed.data).hexdigest()
            record["sealed"] = {"fields": sealed.fields, "bytes": len(sealed.data), "sha256": digest}
            # Blobs may be large, and many: they are read again when the bundle is written.
            content = blobs.path(digest) if sealed.blob == digest else sealed.data
            name = f"{journal}/blobs/{digest}"
            held[name] = Part(name=name, size=len(sealed.data), sha256=digest, content=content)
            counted.update(sealed.fields)
            size += len(sealed.data)
        lines.append(chain.add(record))
    closing: dict[str, object] = {
        "e": CLOSING, "journal": journal, "records": len(lines),
        "closed": event == "LogClosed" and not raw.live, "live": raw.live, "damage": damage,
        "journal_bytes": len(raw.data), "journal_sha256": hashlib.sha256(raw.data).hexdigest(),
        "sealed": {"values": counted.total(), "bytes": size, "fields": dict(sorted(counted.items()))},
    }  # fmt: skip
    lines.append(chain.add(closing))
    parts = [Part.of(f"{journal}/records.jsonl", b"".join(lines))]
    parts += [Part.of(f"{journal}/reports/{name}", content) for name, content in sorted(reports.items())]
    if carried:
        parts += [part for _, part in sorted(held.items())]
    entry = JournalEntry(journal=journal, key=key.id, head=chain.head, closing=closing, no_reports=no_reports)
    return Exported(entry=entry, key=key, parts=tuple(parts))


def _record(text: str, raw: Raw, blobs: Blobs, redactor: Redactor) -> tuple[dict[str, object], _Sealed]:
    """A record as it may be shown, and what stays sealed of it. What is known to be secret by now is masked."""
    line = json.loads(text, object_hook=from_json)
    inline, blob = line.pop("sealed", None), line.pop("blob", None)
    sealed = _Sealed()
    if inline or blob:
        try:
            data = base64.b64decode(inline) if inline else blobs.get(blob)
            opened = json.loads(raw.key.open(data, line["e"].encode()), object_hook=from_json)
            sealed = _Sealed(data=data, blob=blob or "", fields=tuple(sorted(opened.keys() - SHELTERS)))
            line |= {name: opened[name] for name in opened if name in SHELTERS}
        except JournalError as error:
            sealed = _Sealed(why=error.message)
        except ValueError as error:
            sealed = _Sealed(why=f"its sealed part cannot be read: {error}")
    shown = {k: to_json(v if k in ENVELOPE else visible(k, v, redactor)) for k, v in line.items()}
    return shown, sealed


def bundle(
    journals: Sequence[Exported], signer: SigningKey, *, at: str, by: str, engine: str, carried: bool
) -> tuple[Manifest, Iterator[Part]]:
    """The manifest, and all parts in their order. The same journals at the same time make the same bytes."""
    parts = [part for each in journals for part in each.parts]
    manifest = manifests.written(
        Manifest(
            at=at, by=by, engine=engine, signer=signer.public, carried=carried,
            journals=tuple(each.entry for each in journals),
            files=tuple(FileEntry(name=p.name, bytes=p.size, sha256=p.sha256) for p in parts),
        )
    )  # fmt: skip
    attestation = manifests.attestation(
        manifest, {e.key.journal: manifests.attested(manifest, e.key) for e in journals}
    )
    head = [
        Part.of(manifests.MANIFEST, manifest.text), Part.of(manifests.ATTESTATION, attestation),
        Part.of(manifests.SIGNATURE, signer.sign(attestation)),
    ]  # fmt: skip
    return manifest, iter([*head, *parts])
