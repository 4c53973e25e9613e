"""Bundles: what goes in comes out; what was cut off, changed, or is opened with another passphrase does not open."""

from __future__ import annotations

import io
import os
import random
from pathlib import Path

import pytest

from playbook_engine.journal import bundle
from playbook_engine.journal.bundle import CHUNK, HEADER, MAGIC, TAG, Manifest
from playbook_engine.model.errors import JournalError

SECRET = "correct horse battery"
CHEAP = 4  # scrypt's cost: the real one takes half a second each


def filled(root: Path, *, size: int = 100) -> Manifest:
    """Two runs below `root`: one, and a rollback of it."""
    blob = f"blobs/{'ab' * 32}"
    for name, length in ((f"r1/{blob}", size), ("r1/key", 65), ("r1/journal", size), ("r2/key", 65), ("r2/journal", 0)):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(random.Random(name).randbytes(length))
    names = ["r2/key", "r2/journal", "r1/key", f"r1/{blob}", "r1/journal"]
    sizes = tuple((name, (root / name).stat().st_size) for name in names)
    return Manifest(run="r1", files=sizes, by="me@a.test", to="zoë, a colleague", reason="r")


def packed(root: Path, manifest: Manifest, secret: str = SECRET) -> bytes:
    out = io.BytesIO()
    bundle.pack(out, root, manifest, secret, cost=CHEAP)
    return out.getvalue()


def opened(data: bytes, secret: str = SECRET, root: Path | None = None) -> Manifest:
    return bundle.unpack(io.BytesIO(data), secret, root)


@pytest.mark.parametrize("size", [0, 1, 100, CHUNK - 1, CHUNK, 3 * CHUNK + 17])
def test_what_goes_in_comes_out(tmp_path: Path, size: int) -> None:
    manifest = filled(tmp_path / "from", size=size)
    data = packed(tmp_path / "from", manifest)
    assert opened(data, root=tmp_path / "to") == manifest
    assert manifest.runs == ("r2", "r1"), "the one that it is about comes last"
    for name, _ in manifest.files:
        path = tmp_path / "to" / name
        assert path.read_bytes() == (tmp_path / "from" / name).read_bytes()
        assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_nothing_of_it_can_be_read_without_the_passphrase(tmp_path: Path) -> None:
    manifest = filled(tmp_path)
    data = packed(tmp_path, manifest)
    for text in (b"journal", b"colleague", SECRET.encode(), (tmp_path / "r1/key").read_bytes()[:16]):
        assert text not in data.removeprefix(MAGIC)
    assert packed(tmp_path, manifest)[len(MAGIC) :] != data[len(MAGIC) :], "the same never looks the same twice"


@pytest.mark.parametrize("secret", ["", "correct horse batterz", f"{SECRET} ", SECRET.upper()])
def test_another_passphrase_does_not_open_it(tmp_path: Path, secret: str) -> None:
    data = packed(tmp_path, filled(tmp_path))
    with pytest.raises(JournalError, match="the passphrase is wrong"):
        opened(data, secret, tmp_path / "to")
    assert not (tmp_path / "to").exists()


def test_cut_off_at_any_byte_it_does_not_open(tmp_path: Path) -> None:
    data = packed(tmp_path, filled(tmp_path))
    for cut in range(len(data)):
        with pytest.raises(JournalError):
            opened(data[:cut])


def test_cut_off_between_two_chunks_it_does_not_open(tmp_path: Path) -> None:
    data = packed(tmp_path, filled(tmp_path, size=3 * CHUNK))
    for count in range(7):
        with pytest.raises(JournalError, match="cut off or changed"):
            opened(data[: HEADER + count * (CHUNK + TAG)])


def test_with_any_bit_flipped_it_does_not_open(tmp_path: Path) -> None:
    data = packed(tmp_path, filled(tmp_path, size=20))
    for at in range(len(data)):
        bad = bytearray(data)
        bad[at] ^= 1 << (at % 8)
        if at == len(MAGIC) and bad[at] > 12:
            continue  # a cost that would take minutes; the MAC over it is tried with the others
        with pytest.raises(JournalError):
            opened(bytes(bad))


def test_chunks_that_were_swapped_doubled_or_taken_from_another_do_not_open(tmp_path: Path) -> None:
    manifest = filled(tmp_path, size=2 * CHUNK)
    data, other = packed(tmp_path, manifest), packed(tmp_path, manifest)
    head, chunks = data[:HEADER], [data[at : at + CHUNK + TAG] for at in range(HEADER, len(data), CHUNK + TAG)]
    foreign = other[HEADER : HEADER + CHUNK + TAG]
    for tampered in ([chunks[1], chunks[0], *chunks[2:]], [chunks[0], *chunks], chunks[1:], [foreign, *chunks[1:]]):
        with pytest.raises(JournalError, match="cut off or changed, at byte"):
            opened(head + b"".join(tampered))


def test_what_is_no_bundle_and_what_a_newer_version_made(tmp_path: Path) -> None:
    for data, said in (
        (b"", "no handover bundle"), (os.urandom(500), "no handover bundle"),
        (b"runbook handover 2\n" + bytes(100), "another version"),
    ):  # fmt: skip
        with pytest.raises(JournalError, match=said):
            opened(data)


def test_a_header_that_asks_for_all_memory_is_refused(tmp_path: Path) -> None:
    data = bytearray(packed(tmp_path, filled(tmp_path)))
    data[len(MAGIC)] = 40
    with pytest.raises(JournalError, match="makes no sense"):
        opened(bytes(data))


@pytest.mark.parametrize("name", ["../../etc/cron.d/x", "/etc/passwd", "r1/../r2/key", "r1/blobs/short", ".x/journal"])
def test_a_file_that_no_journal_has_is_not_written(tmp_path: Path, name: str) -> None:
    """Whoever knows the passphrase may still be somebody who means harm."""
    manifest = filled(tmp_path / "from")
    told = {key: getattr(manifest, key) for key in Manifest.__dataclass_fields__} | {"files": [[name, 0]]}
    text = bundle.json.dumps(told).encode()
    out = io.BytesIO()
    bundle.seal(out, SECRET, [len(text).to_bytes(4, "big") + text], cost=CHEAP)
    with pytest.raises(JournalError, match="a file that no journal has"):
        opened(out.getvalue(), root=tmp_path / "to")
    assert not (tmp_path / "to").exists()
