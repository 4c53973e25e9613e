"""A bundle holds as it was made, and in no other way: every attack, at every record, with either key."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import random
import re
from collections import Counter

import pytest
from evidence_attacks import Attack, Bundles, Loose, attacks
from hypothesis import given
from hypothesis import strategies as st

from playbook_engine.journal.evidence.keys import KeyRing
from playbook_engine.journal.evidence.verify import Verdict, verify


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Bundles:
    return Bundles(tmp_path_factory.mktemp("bundles"))


def verified(data: bytes, ring: KeyRing, head: str = "") -> Verdict:
    return verify(io.BytesIO(data), ring, head)


@pytest.mark.parametrize("which", ["public key", "key of the run"])
def test_a_bundle_holds(bundles: Bundles, which: str) -> None:
    found = verified(bundles.data, bundles.rings[which])
    assert (found.faults, found.holds, found.open) == ([], True, False)
    (journal,) = found.journals
    assert (journal.journal, journal.state) == (bundles.journal, "closed")
    assert journal.records > 8
    assert journal.blobs > 3
    assert journal.reports == 3


@pytest.fixture(scope="module")
def tried(bundles: Bundles) -> list[tuple[str, Attack, Verdict]]:
    chance = random.Random(7)
    return [
        (which, dataclasses.replace(attack, data=b""), verified(attack.data, ring))
        for attack in attacks(bundles, chance)
        for which, ring in bundles.rings.items()
    ]  # fmt: skip


def test_every_attack_is_detected_at_every_position(tried: list[tuple[str, Attack, Verdict]]) -> None:
    assert [(which, a.kind, a.what) for which, a, found in tried if found.holds] == []


def test_every_attack_has_its_own_words(tried: list[tuple[str, Attack, Verdict]]) -> None:
    unsaid = [
        (which, a.kind, a.what, found.faults)
        for which, a, found in tried
        if not any(re.search(a.says, fault) for fault in found.faults)
    ]
    assert unsaid == []


def test_every_record_was_attacked(tried: list[tuple[str, Attack, Verdict]], bundles: Bundles) -> None:
    count = Counter(a.kind for which, a, _ in tried if which == "public key")
    records = verified(bundles.data, bundles.rings["public key"]).journals[0].records
    assert count["record dropped"] == count["field edited"] == count["byte edited"] == records
    assert count["record replayed"] == 2 * records
    assert count["records reordered"] == records * (records - 1) // 2
    assert count["tail cut off"] == records + 1
    assert min(count[f"{kind}, remade"] for kind in ("tail cut off", "blobs swapped", "another run", "field edited"))


@given(st.data())
def test_no_byte_can_be_changed(bundles: Bundles, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(bundles.data) - 1))
    bad = bytearray(bundles.data)
    bad[at] = data.draw(st.integers(0, 255).filter(lambda byte: byte != bundles.data[at]))
    for ring in bundles.rings.values():
        assert not verified(bytes(bad), ring).holds


def test_another_key_does_not_speak_for_it(bundles: Bundles) -> None:
    stranger = KeyRing(public=(bundles.stranger.public,))
    assert "another installation" in verified(bundles.data, stranger).faults[0]
    assert re.search("there is no key for", verified(bundles.other, bundles.rings["key of the run"]).faults[0])
    (key,) = bundles.rings["key of the run"].chains.values()
    wrong = KeyRing(chains={key.journal: type(key)(key.journal, b"\2" * 32)})
    assert "another key" in verified(bundles.data, wrong).faults[0]
    assert not verified(bundles.data, KeyRing()).holds


def test_whoever_can_verify_with_the_key_of_a_run_can_forge_for_it_and_not_for_the_public_key(bundles: Bundles) -> None:
    """Why an auditor is given the public key. The forger has the key of the run, and signs as himself."""
    whole, ring = Loose(bundles.data), bundles.rings["key of the run"]
    (key,) = ring.chains.values()
    cut = whole.with_lines(whole.lines[:5]).without_blobs()
    forged = cut.remade(whole, bundles.stranger, as_himself=True, key=key).packed()
    assert verified(forged, ring).holds
    found = verified(forged, bundles.rings["public key"])
    assert any("another installation" in fault for fault in found.faults)
    assert not verified(forged, KeyRing(chains=ring.chains, public=bundles.rings["public key"].public)).holds


def test_a_bundle_of_an_earlier_moment_says_that_it_is_open(bundles: Bundles) -> None:
    final = verified(bundles.data, bundles.rings["public key"]).manifest
    assert final is not None
    for ring in bundles.rings.values():
        found = verified(bundles.early, ring)
        assert (found.faults, found.open, [j.state for j in found.journals]) == ([], True, ["open"])
        (fault,) = verified(bundles.early, ring, final.head).faults
        assert "not the one that was noted" in fault


@pytest.mark.parametrize(
    ("closing", "more", "says"),
    [
        ({"records": 3}, b"", "speaks of 3 records, and there are"), ({}, b"x\n", "attestation was changed"),
        ({"damage": ["a hole"]}, b"", "damaged before it was exported: a hole"), ({"closed": False}, b"", "has no end"),
        ({"damage": None}, b"", "does not say whether it was whole"),
    ],
)  # fmt: skip
def test_a_key_speaks_only_for_what_makes_sense(
    bundles: Bundles, closing: dict[str, object], more: bytes, says: str
) -> None:
    """Also whoever has the key of a run gets no green for a bundle that an export would not have written."""
    whole, ring = Loose(bundles.data), bundles.rings["key of the run"]
    (key,) = ring.chains.values()
    assert verified(whole.remade(whole, bundles.stranger, as_himself=True, key=key).packed(), ring).holds
    forged = whole.remade(whole, bundles.stranger, as_himself=True, key=key, closing=closing, more=more)
    faults = verified(forged.packed(), ring).faults
    assert [fault for fault in faults if says in fault], faults


def test_the_attestation_of_another_manifest_is_none_of_this(bundles: Bundles) -> None:
    whole, ring = Loose(bundles.data), bundles.rings["key of the run"]
    (key,) = ring.chains.values()
    forged = whole.remade(whole, bundles.stranger, as_himself=True, key=key)
    mixed = forged.having({"manifest.json": forged.parts["manifest.json"].replace(b'"tester"', b'"nobody"')})
    assert (
        "the manifest was changed: its digest is not the one in the attestation"
        in verified(mixed.packed(), ring).faults
    )


def test_blobs_are_those_that_the_records_name(bundles: Bundles) -> None:
    whole, ring = Loose(bundles.data), bundles.rings["key of the run"]
    (key,) = ring.chains.values()
    name = whole.names("blobs")[0]
    added = f"{name.rpartition('/')[0]}/{hashlib.sha256(b'x').hexdigest()}"
    for loose, says in (
        (whole.without(name), "and a record refers to it"),
        (whole.having({added: b"x"}), "no record ref"),
    ):
        forged = loose.remade(whole, bundles.stranger, as_himself=True, key=key)
        (fault,) = verified(forged.packed(), ring).faults
        assert says in fault


def test_the_key_of_a_run_says_which_record_is_not_its_own(tried: list[tuple[str, Attack, Verdict]]) -> None:
    found = [(a, v.faults) for which, a, v in tried if which == "key of the run"]
    cut = [faults for a, faults in found if a.kind == "tail cut off, remade" and "behind record 5" in a.what]
    edited = [faults for a, faults in found if a.kind == "field edited, remade" and "record 5," in a.what]
    assert len(cut) == len(edited) == 2
    assert all(any("the closing record was not written with the key" in f for f in faults) for faults in cut)
    assert all(any("record 5 was not written with the key" in f for f in faults) for faults in edited)


def test_the_head_tells_a_bundle_from_any_other(bundles: Bundles) -> None:
    ring = bundles.rings["public key"]
    manifest = verified(bundles.data, ring).manifest
    assert manifest is not None
    assert verified(bundles.data, ring, manifest.head).holds
    found = verified(bundles.other, ring, manifest.head)
    assert [f for f in found.faults if "not the one that was noted" in f]
    assert verified(bundles.other, ring).holds
