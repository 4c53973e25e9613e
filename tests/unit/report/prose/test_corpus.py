"""Honest reports are left alone, and what is put into them is found. All of it: `make reliability ONLY=prose`."""

from __future__ import annotations

import pytest
from prose_mutations import CLASSES, IMPLIED, honest, mutated

from playbook_engine.report.prose.checker import RULES, check
from playbook_engine.report.prose.reading import read

ROUNDS = 12


@pytest.mark.parametrize("name", sorted(honest()))
def test_an_honest_report_is_left_alone(name: str) -> None:
    assert [f"{f.found.at.line}: {f.found.says}" for f in check(name, read(name, honest()[name].encode()))] == []


@pytest.mark.parametrize("rule", CLASSES)
def test_what_is_put_in_is_found_and_nothing_else(rule: str) -> None:
    hits = 0
    for each in (mutated(seed, rule) for seed in range(1000, 1000 + ROUNDS)):
        found = check(each.name, read(each.name, each.text.encode()))
        hits += any(f.rule.id == rule and {f.found.at.line, *(p.line for p in f.others)} & each.lines for f in found)
        extra = {f.rule.id for f in found} - {rule} - IMPLIED.get(rule, frozenset())
        assert not extra, each.text
    assert hits >= ROUNDS / 2


def test_every_rule_is_measured() -> None:
    assert set(CLASSES) == {rule.id for rule in RULES}
