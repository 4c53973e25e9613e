"""What `runbook audit-report` finds of contradictions put into honest reports, and what where there are none."""

from __future__ import annotations

from collections import Counter, defaultdict

from prose_mutations import CLASSES, IMPLIED, all_mutated, honest
from prose_wordings import WORDINGS

from playbook_engine.report.prose.checker import RULES, check
from playbook_engine.report.prose.reading import read
from reliability.figure import Figure

LEAST = 0.7  # of the reports with a class in it, in which it has to be found
NAMES = {rule.id: rule.name for rule in RULES}


def measure(short: bool) -> list[Figure]:
    rounds = 20 if short else 200
    found: Counter[str] = Counter()
    false: dict[str, list[str]] = defaultdict(list)
    for each in all_mutated(rounds):
        hit = False
        for finding in check(each.name, read(each.name, each.text.encode())):
            lines = {finding.found.at.line, *(place.line for place in finding.others)}
            if finding.rule.id == each.rule and lines & each.lines:
                hit = True
            elif finding.rule.id not in IMPLIED.get(each.rule, frozenset()):
                false[each.rule].append(f"{each.name}: {finding.rule.id} {finding.found.says}")
        found[each.rule] += hit
    figures = [
        Figure(
            promise=f"{rule} {NAMES[rule]}", what=f"put into {rounds} honest reports",
            seen=f"{found[rule]} found ({100 * found[rule] / rounds:.0f} %)" + _listed(false[rule]),
            bar=f"at least {100 * LEAST:.0f} %, no false alarm",
            holds=found[rule] >= LEAST * rounds and not false[rule],
        )
        for rule in CLASSES
    ]  # fmt: skip
    wrong = [f"{n}: {f.rule.id} {f.found.says}" for n, t in honest().items() for f in check(n, read(n, t.encode()))]
    total, asked = sum(found.values()), rounds * len(CLASSES)
    alarms = sum(len(each) for each in false.values())
    other = [(rule, text) for rule, texts in WORDINGS.items() for text in texts]
    seen = sum(rule in {f.rule.id for f in check("x", read("x", text.encode()))} for rule, text in other)
    return [
        *figures,
        Figure(
            promise="all classes", what=f"{asked} reports with one contradiction each",
            seen=f"recall {100 * total / asked:.1f} %, precision {100 * total / max(1, total + alarms):.1f} %",
            bar="recall 90 %, precision 99 %", holds=total >= 0.9 * asked and alarms <= 0.01 * total,
        ),
        Figure(
            promise="other wordings", what=f"{len(other)} that were written after the rules",
            seen=f"{seen} found ({100 * seen / len(other):.0f} %)", bar="at least 60 %", holds=seen >= 0.6 * len(other),
        ),
        Figure(
            promise="honest reports", what=f"{len(honest())} as they are", seen=f"{len(wrong)} found" + _listed(wrong),
            bar="0", holds=not wrong,
        ),
    ]  # fmt: skip


def _listed(wrong: list[str]) -> str:
    return "".join(f"\nfalse: {said}" for said in sorted(set(wrong))[:4])
