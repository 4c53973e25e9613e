"""The journal: every event comes back as it went in, and nothing that was done to a file of it goes unseen."""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from event_strategies import LEAVES, events
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from journal_damage import complaints as wrong
from journal_damage import cuts, flips, kept, written

from playbook_engine.app.clock import SystemClock
from playbook_engine.journal import keys
from playbook_engine.journal.blobs import Blobs
from playbook_engine.journal.chain import scan
from playbook_engine.journal.codec import NAMES, SHELTERS, Codec, Record
from playbook_engine.journal.fold import fold
from playbook_engine.journal.redaction import Redactor
from playbook_engine.model.errors import EngineError
from playbook_engine.model.events import EVENTS, SEALED, Event, fields
from playbook_engine.model.secret import Secret

CLOCK = SystemClock()
QUICK = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def codec(tmp_path: Path) -> Codec:
    return Codec(keys.create(tmp_path / "key"), Blobs(tmp_path / "blobs"), Redactor())


def without_secrets(value: object) -> object:
    """What is left of a value where secrets may not stand."""
    if isinstance(value, Secret):
        return "********"
    if isinstance(value, dict):
        return {key: without_secrets(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(without_secrets(item) for item in value)
    return value


@QUICK
@given(event=events())
def test_every_event_comes_back_as_it_went_in(codec: Codec, event: Event) -> None:
    line = codec.encode(event, "2026-01-01T00:00:00.000Z")
    assert "\n" not in line
    assert line.isascii()
    record = codec.decode(7, line)
    assert (record.seq, record.at, type(record.event)) == (7, "2026-01-01T00:00:00.000Z", type(event))
    for name in event.__dataclass_fields__:
        given_value, got = getattr(event, name), getattr(record.event, name)
        if name not in SEALED:
            given_value = without_secrets(given_value)
        assert got == given_value, name
        assert repr(got) == repr(given_value), name  # 1 is not True, and a key 1 is not "1"


@QUICK
@given(event=events())
def test_what_may_be_secret_is_not_in_the_line(codec: Codec, event: Event) -> None:
    marker = "Zq" * 12
    hidden = SEALED | SHELTERS
    changed = {name: {"k": marker, marker: [marker.encode()]} for name in fields(event) if name in hidden}
    if "changes" in changed or "differences" in changed:
        changed = {k: (v,) if k in ("changes", "differences") else v for k, v in changed.items()}
    event = type(event)(**{**{n: getattr(event, n) for n in event.__dataclass_fields__}, **changed})
    line = codec.encode(event, "t")
    assert marker not in line
    decoded = codec.decode(1, line).event
    assert all(getattr(decoded, name) == value for name, value in changed.items())


def test_every_field_is_of_one_kind_and_no_name_is_taken() -> None:
    every = {name for cls in EVENTS.values() for name in cls.__dataclass_fields__}
    assert every >= NAMES | SHELTERS | (SEALED - {"plan"})
    assert not NAMES & (SEALED | SHELTERS)
    assert not SEALED & SHELTERS
    assert not every & {"e", "v", "at", "sealed", "blob"}, "words of the envelope"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(events(LEAVES), st.sampled_from(["", "a", "b"]), st.sampled_from(["s1", "s2"])), max_size=12))
def test_a_view_can_be_made_of_any_events(drawn: list[tuple[Event, str, str]]) -> None:
    records = []
    for n, (event, host, step) in enumerate(drawn, 1):
        same = {"host": host, "step": step, "item": -1, "status": "changed"}
        records.append(
            Record(seq=n, at="t", event=replace(event, **{k: v for k, v in same.items() if hasattr(event, k)}))
        )
    view = fold("r", records)
    if view is not None:
        assert [e.seq for e in view.evidence] == sorted(e.seq for e in view.evidence)
        for host_view in view.hosts.values():
            assert {c.seq for c in host_view.to_undo()} <= {c.seq for c in host_view.changes}
            assert host_view.status in (None, "changed")


# ------------------------------------------------------------------ what happens to a file


def test_a_tail_torn_at_any_byte_is_cut_and_said(tmp_path: Path) -> None:
    store, path = written(tmp_path, 5)
    whole = store.read("r1")
    assert whole.closed
    assert not whole.damage
    for damage in cuts(path.read_bytes()):
        path.write_bytes(damage.data)
        assert wrong(damage, store.read("r1"), whole) == [], damage.what


def test_blocks_that_were_never_written_are_a_torn_tail(tmp_path: Path) -> None:
    store, path = written(tmp_path, 5)
    data, whole = path.read_bytes(), store.read("r1")
    for cut in (len(data), len(data) - 30):
        path.write_bytes(data[:cut] + b"\0" * 4096)
        journal = store.read("r1")
        assert journal.damage
        assert kept(journal, whole) >= len(whole.records) - 1
        store.resume("r1").close()
        assert not store.read("r1").damage
        path.write_bytes(data)


def test_a_thousand_flipped_bits_are_found(tmp_path: Path) -> None:
    _, path = written(tmp_path, 400)
    data, key = path.read_bytes(), keys.load(path.parent / "key")
    whole = scan(data, key)
    for damage in flips(data, 1000, random.Random(7)):
        contents = scan(damage.data, key)
        assert contents.damage, damage.what
        assert whole.lines[: contents.seq] == contents.lines
        assert contents.seq == damage.good, "all that is before the damage is kept, and nothing of it or after it"


Lines = list[bytes]
TAMPERED: dict[str, Callable[[Lines], Lines]] = {
    "two records swapped": lambda x: [*x[:4], x[5], x[4], *x[6:]],
    "a record cut out": lambda x: [*x[:4], *x[5:]],
    "a record doubled": lambda x: [*x[:5], x[4], *x[5:]],
    "a value edited": lambda x: [*x[:4], x[4].replace(b"step", b"stop"), *x[5:]],
    "a value edited, the checksum mended": lambda x: [*x[:4], mended(x[4].replace(b'"h', b'"g')), *x[5:]],
    "a record renumbered": lambda x: [*x[:4], *(b"%07d" % (n + 5) + line[7:] for n, line in enumerate(x[5:]))],
    "the first record cut out": lambda x: x[1:],
    "another number with the same value": lambda x: [*x[:4], b"+" + x[4][1:], *x[5:]],
    "checksums in capitals": lambda x: [line[:8] + line[8:16].upper() + line[16:] for line in x],
    "an empty line": lambda x: [*x[:4], b"\n", *x[4:]],
    "a carriage return": lambda x: [*x[:4], x[4][:-1] + b"\r\n", *x[5:]],
    "something before it": lambda x: [b"hello\n", *x],
    "the last line's end": lambda x: [*x[:-1], x[-1][:-1] + b"\x0b"],
    "something behind it": lambda x: [*x, b"hello\n"],
}


def mended(line: bytes) -> bytes:
    seq, _, mac, text = line[:-1].split(b" ", 3)
    return b"%s %08x %s %s\n" % (seq, zlib.crc32(text), mac, text)


@pytest.mark.parametrize("what", TAMPERED)
def test_tampering_is_found(what: str, tmp_path: Path) -> None:
    store, path = written(tmp_path, 6)
    whole, lines = store.read("r1"), path.read_bytes().splitlines(keepends=True)
    tampered = TAMPERED[what](lines)
    assert tampered != lines
    path.write_bytes(b"".join(tampered))
    journal = store.read("r1")
    assert journal.damage
    assert "are believed" in journal.damage
    assert kept(journal, whole) <= len(whole.records)
    with pytest.raises(EngineError) as caught:
        store.resume("r1")
    assert "cannot be resumed" in caught.value.message, "what came after the damage was done, and would be forgotten"
    assert path.read_bytes() == b"".join(tampered), "the evidence is not touched"


def test_a_swapped_key_is_found(tmp_path: Path) -> None:
    store, path = written(tmp_path, 3)
    _, other = written(tmp_path / "other", 3)
    (path.parent / "key").write_bytes((other.parent / "key").read_bytes())
    journal = store.read("r1")
    assert journal.records == ()
    assert "written with another key" in journal.damage


def test_a_record_of_another_journal_is_found(tmp_path: Path) -> None:
    store, path = written(tmp_path, 3)
    _, other = written(tmp_path / "other", 3)
    lines, foreign = path.read_bytes().splitlines(keepends=True), other.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:3], foreign[3], *lines[4:]]))
    journal = store.read("r1")
    assert len(journal.records) == 3
    assert journal.damage
