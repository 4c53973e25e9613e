"""Honest reports with one contradiction put in: what the checker's recall and precision are measured with.

Each class has several wordings, some as they stood in a real report and some as other people put it; where in the
report it goes, which words and which numbers, comes from a seeded generator. No wording is left out because it is not
found.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

HONEST = Path(__file__).parent / "prose_reports" / "honest"
MARK = "\x00"  # ends a line that the contradiction consists of

PARTS = (
    "Ledger import",
    "Session cache",
    "Label printer",
    "Search index",
    "Badge reader",
    "Invoice queue",
    "Mail relay",
)
NUMERALS = ("one", "two", "three", "four", "five", "six", "seven", "eight")
PEOPLE = ("Network lead", "Duty officer", "Storage team", "Vendor desk")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutated:
    """A report, the class that was put in, and the lines that it consists of."""

    name: str
    text: str
    rule: str
    lines: frozenset[int]


def honest() -> dict[str, str]:
    """The honest reports by name. What is no Markdown is left as it is."""
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(HONEST.iterdir())}


def mutated(seed: int, rule: str) -> Mutated:
    """One honest report with one contradiction of this class, the same for the same seed."""
    rng = random.Random(f"{rule}/{seed}")
    reports = {name: text for name, text in honest().items() if name.endswith((".md", ".txt"))}
    name = rng.choice(sorted(reports))
    blocks = CLASSES[rule](rng)
    text = reports[name]
    for block in blocks:
        text = _put_in(rng, text, block)
    lines = frozenset(n for n, line in enumerate(text.split("\n"), 1) if line.endswith(MARK))
    return Mutated(name=name, text=text.replace(MARK, ""), rule=rule, lines=lines)


def _put_in(rng: random.Random, text: str, block: str) -> str:
    """Before a heading or at the end, under a heading of its own: whatever is there stays as true as it was."""
    if not block.startswith("#"):
        block = f"## {rng.choice(('Addendum', 'Also seen', 'Details'))}\n\n{block}"
    lines = text.split("\n")
    places, fenced = [len(lines)], False
    for n, line in enumerate(lines):
        fenced ^= line.startswith("```")
        if not fenced and n > 6 and line.startswith("## "):
            places.append(n)
    at = rng.choice(places)
    return "\n".join([*lines[:at], "", *block.split("\n"), "", *lines[at:]])


# ------------------------------------------------------------------ the classes


def _count(rng: random.Random) -> Sequence[str]:
    noun = rng.choice(("remaining problems", "unresolved alerts", "known defects", "rejected batches"))
    there = rng.sample(PARTS, rng.randint(2, 5))
    said = rng.choice([n for n in range(1, 9) if n != len(there)])
    word = rng.choice((str(said), NUMERALS[said - 1]))
    mark = rng.choice(("{n}. ", "- ", "- ❌ "))
    items = "\n".join(mark.format(n=n) + part for n, part in enumerate(there, 1))
    head = f"## {noun.capitalize()}"
    return rng.choice((
        [f"{head}\n\n{items}", f"## Overview\n\nThere are {word} {noun} to look at.{MARK}"],
        [f"{head}\n\n{items}", f"## Overview\n\n- {word} {noun}{MARK}"],
        [f"{head} ({said}){MARK}\n\n{items}"],
        [f"## Overview\n\nThe following {word} {noun.split()[1]} remain:{MARK}\n\n{items}"],
        [f"{head}\n\n{items}", f"## Overview\n\nWe closed most, and are left with **{word} {noun}**.{MARK}"],
    ))  # fmt: skip


def _threshold(rng: random.Random) -> Sequence[str]:
    part = rng.choice(PARTS)
    limit = rng.choice((50, 120, 200, 800))
    value = limit + rng.randint(1, 2000)
    return [rng.choice((
        f"- ✅ {part} answers in < {limit} ms ({value} ms){MARK}",
        f"- [x] {part} latency below {limit} ms: measured {value} ms{MARK}",
        f"- ✅ {part} < {limit}ms ✅ DONE ({value}ms - could be better){MARK}",
        f"{part} latency (target < {limit} ms): {value} ms ✅{MARK}",
        f"| What | Value | Threshold | Status |\n|---|---|---|---|\n| {part} | {value} ms | < {limit} ms | ✅ |{MARK}",
        f"| What | Actual | Max | OK? |\n|---|---|---|---|\n| {part} | {value} ms | {limit} ms | ✅ |{MARK}",
        f"- ✅ {part} success rate >= 99.9 % ({rng.uniform(80, 99.8):.1f} %){MARK}",
        f"- ✅ {part} latency < {limit} ms{MARK}\n\n## Readings\n\n- {part} latency: {value} ms",
        f"The {part.lower()} met its goal of at most {limit} ms with {value} ms.{MARK}",
    ))]  # fmt: skip


def _two_statuses(rng: random.Random) -> Sequence[str]:
    part = rng.choice(PARTS)
    bad = rng.choice(("NEEDS FIX", "FAILED", "still broken", "not done", "blocked by the vendor", ""))
    return [rng.choice((
        f"- ✅ {part} running ❌ {bad}{MARK}",
        f"1. ✅ {part} answers in time ❌{MARK}",
        f"- [x] {part} moved - NOT DONE{MARK}",
        f"### ✅ {part} ❌ {bad}{MARK}\n\nSee the ticket.",
        f"- 🟢 {part} restarted 🔴 {bad}{MARK}",
        f"- ❌ {part} out of service ✅ DONE{MARK}",
    ))]  # fmt: skip


def _ticked(rng: random.Random) -> Sequence[str]:
    part = rng.choice(PARTS)
    done, to_do = rng.choice((
        (f"{part} certificates rotated", f"Rotate {part.lower()} certificates"),
        (f"Verified {part.lower()} backups", f"Verify {part.lower()} backups"),
        (f"{part} alerts documented", f"Document {part.lower()} alerts"),
    ))  # fmt: skip
    tasks = rng.choice(("## Next steps", "### Next 8 hours", "## To do", "## Pending", "## Still open items"))
    return rng.choice((
        [f"## Completed\n\n- ✅ {done}{MARK}", f"{tasks}\n\n- {to_do}{MARK}"],
        [f"## Completed\n\n- [x] {done}{MARK}", f"{tasks}\n\n1. {to_do}{MARK}"],
        [f"## Rollout complete when\n\n- ✅ Audit trail verified{MARK}\n- ✅ Failover tested{MARK}",
         f"{tasks}\n\n1. Audit of the trail\n2. Failover exercise"],
    ))  # fmt: skip


def _part_and_whole(rng: random.Random) -> Sequence[str]:
    m = rng.randint(3, 9)
    n = rng.randint(1, m - 1)
    return rng.choice((
        [f"## Overview\n\nAll edge sites are up.{MARK}", f"## Sites\n\n- Edge sites: {n}/{m} up{MARK}"],
        [f"## Overview\n\n- ✅ All edge sites online{MARK}", f"## Sites\n\n{n} of {m} edge sites are online.{MARK}"],
        [f"## Sites\n\n{m + 1} of {m} sites are healthy.{MARK}"],
        [f"## Sites\n\n- Slots in use: 30/60 (71 %){MARK}"],
        [f"## Sites\n\n2 of 3 sites up{MARK}\n\n| Site | Status |\n|---|---|\n| a | up |\n| b | down |\n| c | down |"],
    ))  # fmt: skip


def _open_parts(rng: random.Random) -> Sequence[str]:
    part = rng.choice(PARTS)
    return [rng.choice((
        f"### {part} ✅ RESOLVED{MARK}\n\n**Status**: Fixed\n**Remaining issue**: it loses entries at midnight",
        f"### ✅ {part} fixed{MARK}\n\n- ❌ it still loses entries at midnight",
        f"- [x] {part} moved{MARK}\n  - [x] data\n  - [ ] clients",
        f"- ✅ {part}{MARK}\n  - ❌ does not start after a reboot",
        f"### ✅ {part} resolved{MARK}\n\nOpen issues: two clients cannot connect",
        f"Overall status: healthy{MARK}\n\n- ❌ {part}: down since 04:00{MARK}",
        f"### {part}: resolved{MARK}\n\nThe restart helped, but it still loses entries at midnight.",
    ))]  # fmt: skip


def _duration(rng: random.Random) -> Sequence[str]:
    part = rng.choice(PARTS)
    seconds = datetime(2024, 1, 1, tzinfo=UTC).timestamp() + rng.randint(0, 60_000_000)
    value, unit = rng.choice(((seconds * 1e3, "ms"), (seconds * 1e6, "µs"), (seconds, "s"), (seconds * 1e9, " ns")))
    return [rng.choice((
        f"- {part} response time: {value:.0f}{unit}{MARK}",
        f"The {part.lower()} answered in {value:.0f}{unit}, which looks suspicious.{MARK}",
        f"| What | Value |\n|---|---|\n| {part} latency | {value:.0f}{unit} |{MARK}",
        f"- {part} latency: -{rng.randint(2, 90)} ms{MARK}",
    ))]  # fmt: skip


def _risk(rng: random.Random) -> Sequence[str]:
    part, level = rng.choice(PARTS), rng.choice(("low", "MEDIUM", "Low", "moderate"))
    return rng.choice((
        [f"## Assessment\n\n**Risk level**: {level}{MARK}", f"### {part} is down\n\n**Priority**: P0 (now){MARK}"],
        [f"## Assessment\n\n- Overall risk: {level}{MARK}",
         f"| What | Severity | Status |\n|---|---|---|\n| {part} | P0 | open |{MARK}"],
        [f"## Assessment\n\nRisk: {level}{MARK}", f"## Fix 1: {part} (P0){MARK}\n\nNot begun."],
        [f"## Assessment\n\nWe regard the risk as {level}.{MARK}", f"### {part} is down\n\nPriority: P0{MARK}"],
    ))  # fmt: skip


def _impact(rng: random.Random) -> Sequence[str]:
    part = rng.choice(PARTS)
    said = rng.choice(("customers cannot order", "core functionality compromised", "no labels are printed"))
    return rng.choice((
        [f"### {part}\n\n**Status**: unknown{MARK}\n**Impact**: {said}{MARK}"],
        [f"### {part}\n\n```\nStatus: unknown\n```\n\nImpact: {said}{MARK}"],
        [f"## Health\n\n- {part}: Unknown{MARK}", f"### {part}\n\nImpact: {said}{MARK}"],
    ))  # fmt: skip


def _trend(rng: random.Random) -> Sequence[str]:
    part = rng.choice(PARTS)
    word = rng.choice(("improving", "worsening", "declining", "stabilizing"))
    return [rng.choice((
        f"- **{part} stability**: {word.capitalize()}{MARK}",
        f"{part} throughput is {word}.{MARK}",
        f"- {part} errors: {word}{MARK}",
        f"The {part.lower()} gets better every day.{MARK}",
    ))]  # fmt: skip


def _ratio(rng: random.Random) -> Sequence[str]:
    part, value = rng.choice(PARTS), rng.randint(60, 99)
    word = rng.choice(("concerning", "high", "acceptable", "fine"))
    return [rng.choice((
        f"- **{part} memory**: {value}% ({word}){MARK}",
        f"- {part} memory usage: 68MB/71MB (96% - {word}){MARK}",
        f"- {part} load: {word.capitalize()} ({value} %){MARK}",
        f"{part} queue at {value} %, which is {word}.{MARK}",
        f"| Resource | Use | Assessment |\n|---|---|---|\n| {part} | {value} % | concerning |{MARK}",
    ))]  # fmt: skip


def _judgement(rng: random.Random) -> Sequence[str]:
    part, value = rng.choice(PARTS), rng.randint(90, 5000)
    word = rng.choice(("acceptable", "good", "slow", "worrying"))
    return [rng.choice((
        f"- **{part} response**: {value}ms ({word}){MARK}",
        f"- {part}: {value} ms - {word}{MARK}",
        f"{part} answered in {value} ms, which is {word}.{MARK}",
        f"| What | Value | Comment |\n|---|---|---|\n| {part} | {value} ms | {word} |{MARK}",
        f"The {word} response time of {value} ms of the {part.lower()} needs no work.{MARK}",
    ))]  # fmt: skip


def _unverified(rng: random.Random) -> Sequence[str]:
    part = rng.choice(PARTS)
    word = rng.choice(("Active", "Compliant", "Verified", "Healthy"))
    task = rng.choice((f"Verify {part.lower()}", f"{part} verification", f"Test the {part.lower()}"))
    return [f"## Health\n\n- **{part}**: {word}{MARK}", f"## Next steps\n\n- {task}"]


def _order(rng: random.Random) -> Sequence[str]:
    a, b = rng.sample(PARTS, 2)
    return [rng.choice((
        f"## Immediate fixes\n\n### Fix 1: {a} (P1)\n\nx\n\n### Fix 2: {b} (P0){MARK}\n\ny",
        f"## Action plan\n\n1. P2: {a}\n2. P0: {b}{MARK}",
        f"## Next steps\n\n1. Repair {a} (P1)\n2. Repair {b} (P0){MARK}",
    ))]  # fmt: skip


def _twice(rng: random.Random) -> Sequence[str]:
    part = rng.choice(PARTS).lower()
    one, other = rng.choice((
        (f"Install {part} when space is available", f"Install {part} when disk space is available"),
        (f"Reindex the {part} on both sites", f"Reindex the {part} on both sites"),
        (f"Replace {part} hardware", f"{part.capitalize()} hardware replacement"),
    ))  # fmt: skip
    a, b = rng.choice((("Next 30 minutes", "Next 2 hours"), ("Today", "Next week"), ("Short term", "Long term")))
    return [f"## {a}\n\n- {one}{MARK}", f"## {b}\n\n- {other}{MARK}"]


def _priority(rng: random.Random) -> Sequence[str]:
    part = rng.choice(PARTS)
    word = rng.choice(("✅ COMPLETE", "done", "Resolved", "in progress", "✅"))
    return [rng.choice((
        f"### {part}\n\n**Priority**: {word}{MARK}",
        f"- {part}\n  - Severity: {word}{MARK}",
        f"| Task | Priority |\n|---|---|\n| {part} | done |{MARK}",
    ))]  # fmt: skip


def _never_found(rng: random.Random) -> Sequence[str]:
    what = rng.choice(("Quorum loss issue", "Bootloader bug", "Multipath failure", "Kerberos error"))
    return ["## Findings\n\n1. Two disks are old", rng.choice((
        f"## Completed\n\n- ✅ {what} resolved{MARK}",
        f"### Storage\n\n**Status**: Fixed - {what.lower()} resolved{MARK}",
        f"## Completed\n\n1. {what} was fixed{MARK}",
    ))]  # fmt: skip


def _nobody(rng: random.Random) -> Sequence[str]:
    who = rng.choice(PEOPLE)
    name = rng.choice(("[TBD]", "TODO", "xxx", "oncall@example.com", "TBD", "???", "to be determined"))
    return [rng.choice((
        f"## Emergency contacts\n\n- **{who}**: {name}{MARK}",
        f"## Contacts\n\n| Role | Phone |\n|---|---|\n| {who} | {name} |{MARK}",
        f"On-call: {name}{MARK}",
        f"## Escalation plan\n\n1. **Disk problems**: immediate cleanup required{MARK}\n2. **Slow answers**: optimize",
    ))]  # fmt: skip


def _phase(rng: random.Random) -> Sequence[str]:
    word = rng.choice(("phase", "stage"))
    return ["## " + word.capitalize() + " 7.5 criteria\n\n- load is shared", rng.choice((
        f"We finish {word} 7.1 before proceeding to {word} 8.{MARK}",
        f"Recommendation: continue with {word} 7 and then move to {word} 9{MARK}",
    ))]  # fmt: skip


def _scales(rng: random.Random) -> Sequence[str]:
    one, other = rng.choice((("PARTIALLY RESOLVED", "Yellow"), ("Green", "7/10"), ("on track", "degraded")))
    return [f"**Platform status**: {one}{MARK}", f"**Overall status**: {other}{MARK}"]


def _source(rng: random.Random) -> Sequence[str]:
    part = rng.choice(PARTS)
    value = int(datetime(2025, 3, 1, tzinfo=UTC).timestamp() * 1000) + rng.randint(0, 10**9)
    return [rng.choice((
        f"### {part} ✅ HEALTHY{MARK}\n\n```\nStatus: healthy\nResponse Time: {value}ms\n```",
        f"### ✅ {part} verified{MARK}\n\n- Response time: {value} ms",
    ))]  # fmt: skip


CLASSES: Mapping[str, Callable[[random.Random], Sequence[str]]] = {
    "X1": _count, "X2": _threshold, "X3": _two_statuses, "X4": _ticked, "X5": _part_and_whole, "X6": _open_parts,
    "X7": _duration, "X10": _risk, "X11": _impact, "X13": _trend, "X14": _ratio, "X15": _judgement,
    "X16": _unverified, "X17": _order, "X18": _twice, "X20": _priority, "X21": _never_found, "X22": _nobody,
    "X23": _phase, "X24": _scales, "X25": _source,
}  # fmt: skip

IMPLIED: Mapping[str, frozenset[str]] = {
    "X1": frozenset({"X6"}),
    "X5": frozenset({"X6"}),
    "X6": frozenset({"X6"}),
    "X25": frozenset({"X7"}),
    "X10": frozenset({"X6"}),
    "X17": frozenset({"X10"}),
    "X24": frozenset({"X6"}),
}
"""What else is true of a report into which a class is put: an impossible value is one wherever it stands, and
what is down is down in a report that begins with everything being well."""


def all_mutated(rounds: int) -> Iterator[Mutated]:
    for rule in CLASSES:
        for seed in range(rounds):
            yield mutated(seed, rule)
