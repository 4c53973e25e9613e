"""What a bundle says of itself: its manifest, and the attestation that binds the manifest to keys.

The manifest is JSON and names every other file with its size and SHA-256. The attestation is a few lines of text: the
manifest's SHA-256, who signed, and for each journal a MAC of that digest under the journal's key. The signature is that
of the attestation. So each key holds all of it: signature, attestation, manifest, files.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import field

from playbook_engine.journal.evidence.keys import ChainKey, PublicKey
from playbook_engine.model.errors import JournalError
from playbook_engine.model.frozen import frozen

FORMAT = "runbook evidence 1"
MANIFEST, ATTESTATION, SIGNATURE = "manifest.json", "attestation.txt", "attestation.sig"
JOURNAL = re.compile(r"[a-z]+/[0-9A-Za-z][0-9A-Za-z._-]*")
FILE = re.compile(JOURNAL.pattern + r"/(records\.jsonl|blobs/[0-9a-f]{64}|reports/[a-z][a-z-]*\.(md|html|json))")
MAC = re.compile(rf"^mac ({JOURNAL.pattern}) \S+ ([0-9a-f]{{64}})$", re.MULTILINE)


@frozen
class JournalEntry:
    """One journal of a bundle. `journal`: `runs/ID`. `key`: the id of its key. `closing`: its closing record.

    `no_reports` says why there are none, where there should be.
    """

    journal: str
    key: str
    head: str
    closing: Mapping[str, object]
    no_reports: str = ""


@frozen
class FileEntry:
    name: str
    bytes: int
    sha256: str


@frozen
class Manifest:
    """`at`: when the bundle was made, UTC, by the clock of the machine that made it. `signer`: its public key.

    `carried`: sealed values are in it, encrypted; else only their digests are.
    """

    at: str
    by: str
    engine: str
    signer: PublicKey
    carried: bool
    journals: tuple[JournalEntry, ...]
    files: tuple[FileEntry, ...]
    text: bytes = field(default=b"", compare=False)

    @property
    def head(self) -> str:
        """The bundle's head: the SHA-256 of the manifest's text, which everything else follows from."""
        return hashlib.sha256(self.text).hexdigest()


def written(manifest: Manifest) -> Manifest:
    """The same with its text."""
    told = {
        "format": FORMAT, "at": manifest.at, "by": manifest.by, "engine": manifest.engine,
        "signer": {"id": manifest.signer.id, "public": manifest.signer.raw.hex()}, "sealed_carried": manifest.carried,
        "journals": [dataclasses.asdict(each) for each in manifest.journals],
        "files": [dataclasses.asdict(each) for each in manifest.files],
    }  # fmt: skip
    return dataclasses.replace(manifest, text=json.dumps(told, indent=1).encode("ascii") + b"\n")


def read(text: bytes) -> Manifest:
    """Raises JournalError for what is no manifest of this version."""
    try:
        told = json.loads(text)
        if told["format"] != FORMAT:
            raise JournalError(
                f"the bundle is of the format {told['format']!r}, and this version of runbook reads {FORMAT!r}",
                advice="verify it with the version that made it",
            )
        manifest = Manifest(
            at=str(told["at"]), by=str(told["by"]), engine=str(told["engine"]),
            signer=PublicKey(bytes.fromhex(told["signer"]["public"])), carried=told["sealed_carried"] is True,
            journals=tuple(JournalEntry(**each) for each in told["journals"]),
            files=tuple(FileEntry(**each) for each in told["files"]), text=text,
        )  # fmt: skip
        names = [each.journal for each in manifest.journals]
        good = all(JOURNAL.fullmatch(n) for n in names) and len(set(names)) == len(names) > 0
        good = good and all(isinstance(each.closing, dict) for each in manifest.journals)
        good = good and all(FILE.fullmatch(each.name) for each in manifest.files)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        good = False
    if not good:
        raise JournalError("the manifest makes no sense: it was changed, or is none")
    return manifest


def attestation(manifest: Manifest, macs: Mapping[str, str]) -> bytes:
    """The text that is signed. `macs` by journal."""
    lines = [FORMAT, f"manifest {manifest.head}", f"signed-by {manifest.signer.id}"]
    lines += [f"mac {each.journal} {each.key} {macs.get(each.journal, '')}" for each in manifest.journals]
    return "".join(f"{line}\n" for line in lines).encode("ascii")


def attested(manifest: Manifest, key: ChainKey) -> str:
    """What a journal's key says of the manifest."""
    return key.mac(b"manifest " + manifest.head.encode())


def macs_of(text: bytes) -> dict[str, str]:
    """The MACs that an attestation holds, by journal; what is not understood is left out."""
    return {found[1]: found[2] for found in MAC.finditer(text.decode("ascii", "replace"))}


def listed(parts: Sequence[FileEntry]) -> dict[str, FileEntry]:
    """The files by name. Raises JournalError when one is listed twice."""
    names = {each.name: each for each in parts}
    if len(names) != len(parts):
        raise JournalError("the manifest lists a file twice")
    return names
