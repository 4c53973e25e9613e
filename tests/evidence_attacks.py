"""Evidence bundles as somebody would tamper with them who has the bundle and lacks its keys: what, and where.

Each attack comes bare, and *remade*: everything put right again that takes no key (numbers, hashes, the closing record,
the manifest, the attestation), signed with a key of the attacker's own, under his own name or that of the real signer.
"""

from __future__ import annotations

import dataclasses
import io
import itertools
import json
import random
import tarfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from memory_bench import Bench, MemoryApp

from playbook_engine.app import evidence
from playbook_engine.journal.evidence import manifest as manifests
from playbook_engine.journal.evidence.archive import BLOCK, Part, header, members, pack
from playbook_engine.journal.evidence.keys import ChainKey, KeyRing, SigningKey, signing_key
from playbook_engine.journal.evidence.links import FRAME, Chain
from playbook_engine.journal.evidence.manifest import FileEntry
from playbook_engine.model.events import RunFinished, RunResumed

TEXT = """\
name: page
params:
  token: {type: str, secret: true, default: hunter2hunter2}
steps:
  - {name: a, copy: {content: "new {{ token }}", dest: /a}}
"""
ANOTHER = TEXT.replace("page", "other").replace("/a}", "/b}")


class Bundles:
    """Two ended runs with a bundle of each, an early one of the first, and the keys that speak for the first."""

    def __init__(self, folder: Path, *, steps: int = 1) -> None:
        bench = Bench(folder)
        bench.host("h1", files={"/a": b"old" * 20_000})
        more = "".join(f"  - {{name: step {n}, copy: {{content: {n}, dest: /f{n}}}}}\n" for n in range(1, steps))
        self.run = bench.run(TEXT + more).end.run
        self.other_run = bench.run(ANOTHER).end.run
        self.app = MemoryApp(folder / "state", list(bench.hosts.values()))
        journal = self.app.store.resume(self.run)
        journal.append(RunResumed(run=self.run, actor="tester"))
        self.early = self.bundle(self.run, folder / "early.tar")
        journal.append(RunFinished(exit_code=0))
        journal.close()
        self.journal = f"runs/{self.run}"
        self.data = self.bundle(self.run, folder / "one.tar")
        self.other = self.bundle(self.other_run, folder / "other.tar")
        self.stranger = signing_key(folder / "stranger.key")
        public = evidence.installation_key(self.app).public
        chains = {key.journal: key for key in evidence.chain_keys(self.app, [self.run])}
        self.rings = {"public key": KeyRing(public=(public,)), "key of the run": KeyRing(chains=chains)}

    def bundle(self, run: str, out: Path) -> bytes:
        evidence.give(self.app, [run], out, carried=True)
        return out.read_bytes()


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """A bundle that was tampered with. `kind` names it; `says`: what the verifier has to say of it (a regex)."""

    kind: str
    what: str
    data: bytes
    says: str


class Loose:
    """A bundle taken apart."""

    def __init__(self, data: bytes) -> None:
        self.parts = {member.name: member.whole() for member in members(io.BytesIO(data))}

    def packed(self) -> bytes:
        out = io.BytesIO()
        pack(out, [Part.of(name, content) for name, content in self.parts.items()])
        return out.getvalue()

    def names(self, room: str) -> list[str]:
        return [name for name in self.parts if f"/{room}/" in name]

    @property
    def records(self) -> str:
        return next(name for name in self.parts if name.endswith("/records.jsonl"))

    @property
    def lines(self) -> list[bytes]:
        return self.parts[self.records].splitlines(keepends=True)

    def with_lines(self, lines: list[bytes]) -> Loose:
        return self.having({self.records: b"".join(lines)})

    def having(self, parts: dict[str, bytes]) -> Loose:
        made = Loose.__new__(Loose)
        made.parts = {**self.parts, **parts}
        return made

    def ordered(self, names: list[str]) -> Loose:
        made = Loose.__new__(Loose)
        made.parts = {name: self.parts[name] for name in names}
        return made

    def without(self, name: str) -> Loose:
        made = self.having({})
        del made.parts[name]
        return made

    def without_blobs(self) -> Loose:
        """Only with those that its records refer to."""
        made, text = self.having({}), self.parts[self.records].decode()
        for name in self.names("blobs"):
            if name.rpartition("/")[2] not in text:
                del made.parts[name]
        return made

    def remade(
        self, original: Loose, signer: SigningKey, *, as_himself: bool, key: ChainKey | None = None,
        closing: Mapping[str, object] | None = None, more: bytes = b"",
    ) -> Loose:  # fmt: skip
        """Everything put right again that takes no key of ours, or only that `key` of a run.

        `closing`: what the closing record then says otherwise. `more` is put behind the attestation.
        """
        manifest = manifests.read(original.parts[manifests.MANIFEST])
        (entry,) = manifest.journals
        records = [record for line in self.lines if (record := _record(line)).get("e") not in (None, "Closing")]
        told = {**entry.closing, "records": len(records), "closed": True, "damage": [], **(closing or {})}
        own = key or ChainKey(entry.journal, b"\1" * 32)
        chain = Chain(own)
        real = {match[2]: match[3] for line in original.lines if (match := FRAME.fullmatch(line))}
        lines = []
        for line in (chain.add(record) for record in [*records, told]):
            match = FRAME.fullmatch(line)
            assert match is not None
            lines.append(line.replace(match[3], real.get(match[2], match[3])))  # a MAC that is known stays good
        made = self.with_lines(lines)
        manifest = manifests.written(
            dataclasses.replace(
                manifest, signer=signer.public if as_himself else manifest.signer,
                journals=(dataclasses.replace(entry, head=chain.head, closing=told),),
                files=tuple(
                    FileEntry(name=part.name, bytes=part.size, sha256=part.sha256)
                    for name, content in made.parts.items()
                    if manifests.FILE.fullmatch(name) and (part := Part.of(name, content))
                ),
            )
        )  # fmt: skip
        macs = {entry.journal: manifests.attested(manifest, own)}
        attestation = manifests.attestation(manifest, macs) + more
        return made.having(
            {
                manifests.MANIFEST: manifest.text,
                manifests.ATTESTATION: attestation,
                manifests.SIGNATURE: signer.sign(attestation),
            }
        )


def _record(line: bytes) -> dict[str, object]:
    """What a line records; empty for one that is none any more."""
    match = FRAME.fullmatch(line)
    try:
        return dict(json.loads(match[4])) if match else {}
    except ValueError:
        return {}


FORGED = r"signature is not that of|another installation|was not written with the key|somebody else has made it again"


def attacks(bundles: Bundles, chance: random.Random, flips: int = 100) -> Iterator[Attack]:
    """Every attack at every position, `flips` single bits, and as many cuts of the file."""
    whole = Loose(bundles.data)
    for kind, what, loose, says in (
        *_on_records(whole, Loose(bundles.other), chance), *_earlier(whole, Loose(bundles.early)), *_on_files(whole)
    ):  # fmt: skip
        yield Attack(kind=kind, what=what, data=loose.packed(), says=says)
        for himself in (False, True):
            forged = loose.remade(whole, bundles.stranger, as_himself=himself)
            if forged.parts == whole.parts:
                continue
            how = "signed as himself" if himself else "signed as us"
            yield Attack(kind=f"{kind}, remade", what=f"{what}, {how}", data=forged.packed(), says=FORGED)
    yield from _reordered(whole)
    yield from _on_manifest(whole)
    yield from _on_the_file(bundles.data, chance, flips)


Change = tuple[str, str, Loose, str]


def _on_records(whole: Loose, other: Loose, chance: random.Random) -> Iterator[Change]:
    lines = whole.lines
    places = range(len(lines) - 1)  # the last is the closing record
    for n in range(len(lines)):
        yield "tail cut off", f"behind record {n}", whole.with_lines(lines[:n]), "end is cut off: no closing record"
    for n in places:
        without = [*lines[:n], *lines[n + 1 :]]
        yield "record dropped", f"record {n + 1}", whole.with_lines(without), f"record {n + 1} is missing"
        again = [*lines[: n + 1], lines[n], *lines[n + 1 :]]
        yield "record replayed", f"record {n + 1}", whole.with_lines(again), f"record {n + 1} stands twice"
        late = [*lines[:-1], lines[n], lines[-1]]
        yield "record replayed", f"record {n + 1} at the end", whole.with_lines(late), f"record {n + 1} stands twice"
        edited = _edited(lines[n])
        yield "field edited", f"record {n + 1}", whole.with_lines([*lines[:n], edited, *lines[n + 1 :]]), (
            f"record {n + 1} was changed or moved"
        )  # fmt: skip
        at = chance.randrange(len(lines[n]) - 1)
        bad = bytearray(lines[n])
        bad[at] = chance.choice([c for c in range(32, 127) if c != bad[at]])
        damaged = whole.with_lines([*lines[:n], bytes(bad), *lines[n + 1 :]])
        yield "byte edited", f"record {n + 1}, byte {at}", damaged, rf"records? {n + 1} |records\.jsonl was changed"
    for one, two in itertools.combinations(places, 2):
        moved = list(lines)
        moved[one], moved[two] = moved[two], moved[one]
        yield "records reordered", f"{one + 1} and {two + 1}", whole.with_lines(moved), "records are out of order"
    after = lines[-1].replace(b'{"seq":%d' % len(lines), b'{"seq":%d' % (len(lines) + 1))
    yield (
        "record added",
        "a second closing record",
        whole.with_lines([*lines, after]),
        "stands behind the closing record",
    )
    yield "another run", "its records", whole.with_lines(other.lines), "it is the journal of .*, under the name of"
    closing = lines[-1].replace(b'"closed":true', b'"closed":false')
    yield "closing record edited", "closed", whole.with_lines([*lines[:-1], closing]), "was changed or moved"


def _reordered(whole: Loose) -> Iterator[Attack]:
    """The files of a bundle in another order."""
    names = list(whole.parts)
    for n in range(3, len(names) - 1):
        moved = [*names[:n], names[n + 1], names[n], *names[n + 2 :]]
        data = whole.ordered(moved).packed()
        yield Attack(kind="files reordered", what=names[n], data=data, says="do not stand in the order")


def _earlier(whole: Loose, early: Loose) -> Iterator[Change]:
    """What was true once: records that the real keys made, of a moment at which the run went on."""
    records = whole.with_lines(early.lines)
    yield "earlier moment", "its records", records, "another state of the journal"
    reports = whole.having({name: early.parts[name] for name in whole.names("reports")})
    yield "earlier moment", "its reports", reports, "was changed or replaced"
    for name in (manifests.MANIFEST, manifests.ATTESTATION, manifests.SIGNATURE):
        yield "earlier moment", f"its {name}", whole.having({name: early.parts[name]}), "attestation"


def _edited(line: bytes) -> bytes:
    """A record that says another time, or another outcome."""
    match = FRAME.fullmatch(line)
    assert match is not None
    record = json.loads(match[4])
    key = next((name for name in ("outcome", "status", "exit_code", "reversible") if name in record), "at")
    record[key] = "fine" if key != "at" else "2000-01-01T00:00:00.000Z"
    return line.replace(match[4], json.dumps(record, separators=(",", ":")).encode())


def _on_files(whole: Loose) -> Iterator[Change]:
    blobs, reports = whole.names("blobs"), whole.names("reports")
    for one, two in itertools.combinations(blobs, 2):
        swapped = whole.having({one: whole.parts[two], two: whole.parts[one]})
        yield "blobs swapped", f"{one} {two}", swapped, "blobs were swapped or replaced"
    for name in blobs:
        yield "blob replaced", name, whole.having({name: b"x" * len(whole.parts[name])}), "was changed or replaced"
        yield "blob removed", name, whole.without(name), f"{name} is missing"
    for name in reports:
        yield "report replaced", name, whole.having({name: b"all is well\n"}), f"{name} was changed or replaced"
        yield "report removed", name, whole.without(name), f"{name} is missing"
    folder = whole.records.rpartition("/")[0]
    for name in (
        "notes.txt",
        f"{folder}/reports/audit.md",
        f"{folder}/blobs/{'0' * 64}",
        "../../etc/cron.d/x",
        "/etc/x",
    ):
        yield "file added", name, whole.having({name: b"x"}), "was added: the manifest does not list it"


def _on_manifest(whole: Loose) -> Iterator[Attack]:
    text = whole.parts[manifests.MANIFEST]
    for number, line in enumerate(text.splitlines(keepends=True)):
        if not line.strip(b" ,{}[]\n"):
            continue
        edits: list[tuple[str, Callable[[bytes], bytes]]] = [
            ("dropped", lambda _: b""), ("changed", lambda found: found.replace(b'"\n', b' "\n').replace(b",", b" ,"))
        ]  # fmt: skip
        for how, edit in edits:
            changed = text.replace(line, edit(line), 1)
            if changed != text:
                data = whole.having({manifests.MANIFEST: changed}).packed()
                yield Attack(kind="manifest edited", what=f"line {number} {how}", data=data, says="manifest")
    for number, line in enumerate(whole.parts[manifests.ATTESTATION].splitlines(keepends=True)):
        attestation = whole.parts[manifests.ATTESTATION].replace(line, line.upper())
        if attestation != whole.parts[manifests.ATTESTATION]:
            data = whole.having({manifests.ATTESTATION: attestation}).packed()
            yield Attack(
                kind="attestation edited", what=f"line {number}", data=data, says="attestation|manifest was changed"
            )


def _on_the_file(data: bytes, chance: random.Random, count: int) -> Iterator[Attack]:
    for _ in range(count):
        at, bit = chance.randrange(len(data)), chance.randrange(8)
        bad = bytearray(data)
        bad[at] ^= 1 << bit
        yield Attack(kind="bit flipped", what=f"bit {bit} of byte {at}", data=bytes(bad), says=".")
    for cut in sorted({0, len(data) - 1, *(chance.randrange(len(data)) for _ in range(count))}):
        yield Attack(kind="file cut off", what=f"at byte {cut}", data=data[:cut], says="cut off|no evidence bundle")
    end, first = len(data) - 2 * BLOCK, data[:BLOCK]
    manifest = data[: data.index(manifests.ATTESTATION.encode())]
    yield Attack(
        kind="tar trick", what="a name twice", data=data[:end] + manifest + data[end:], says="does not list it"
    )
    yield Attack(
        kind="tar trick",
        what="the last file twice",
        data=data[:end] + _last_member(data) + data[end:],
        says="stands twice",
    )
    yield Attack(kind="tar trick", what="something behind the end", data=data + b"x", says="behind the end")
    yield Attack(kind="tar trick", what="zeros behind the end", data=data + bytes(BLOCK), says="behind the end")
    link = tarfile.TarInfo("runs/link")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    for what, block in (
        ("a symbolic link", link.tobuf(tarfile.USTAR_FORMAT)),
        ("a pax header", tarfile.TarInfo("x" * 300).tobuf(tarfile.PAX_FORMAT)),
        ("another owner", first.replace(b"0000000\0", b"0000001\0", 1)),
        ("a size of 8 GiB", header("runs/big", 8 << 30 - 1)),
    ):
        yield Attack(
            kind="tar trick", what=what, data=data[:end] + block + data[end:],
            says="is no file of one|does not list it|cut off inside",
        )  # fmt: skip


def _last_member(data: bytes) -> bytes:
    """The last file of an archive with its header and padding."""
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return data[archive.getmembers()[-1].offset : len(data) - 2 * BLOCK]
