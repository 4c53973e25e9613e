"""Hosts and steps: how each step ended on each host."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from playbook_engine.journal.fold import HostView, StepView
from playbook_engine.model.frozen import frozen
from playbook_engine.report.text import one_line, plain_name

WORST = ("in_doubt", "failed", "timed_out", "unreachable", "unknown", "changed", "ok", "skipped")
BAD = WORST[:5]
COLUMNS = 10  # more hosts than this, and reports count instead of naming each


@frozen
class Cell:
    """One step on one host. `outcome` is the worst of its items; empty where it was not reached."""

    outcome: str
    evidence: str
    items: int = 1
    undone: str = ""


@frozen
class Row:
    """One step. `cells` are in the order of the hosts; `outcomes` counts them, `notable` are those that went wrong."""

    step: str
    name: str
    action: str
    handler: bool
    cells: tuple[Cell, ...]
    outcomes: Mapping[str, int]
    notable: tuple[tuple[str, Cell], ...]


def matrix(hosts: Sequence[HostView]) -> tuple[Row, ...]:
    """All steps that any host came to, in the runbook's order; those of a rollback stand with the rollback."""
    return tuple(_rows(hosts))


def _rows(hosts: Sequence[HostView]) -> Iterable[Row]:
    steps: dict[str, StepView] = {}
    for host in hosts:
        for step in host.steps:
            if not step.started.scope.endswith("/rollback"):
                steps.setdefault(step.started.step, step)
    for first in sorted(steps.values(), key=lambda s: _place(s.started.step)):
        started = first.started
        cells = [_cell(h, [s for s in h.steps if s.started.step == started.step]) for h in hosts]
        yield Row(
            step=started.step, name=plain_name(started.name), action=started.action, handler=started.handler,
            cells=tuple(cells), outcomes=Counter(c.outcome or "not reached" for c in cells),
            notable=tuple(
                (one_line(h.name), c) for h, c in zip(hosts, cells, strict=True) if c.outcome.replace(" ", "_") in BAD
            ),
        )  # fmt: skip


SECTIONS = "gersixao"
"""The letters of ids in the order in which they run: facts, pre_tasks, roles, steps, rescue, always, post_tasks."""


def _place(step: str) -> tuple[bool, tuple[tuple[int, int, int], ...]]:
    """Steps before handlers, each by number: ids are `s3`, `s2.s1` inside an import or a block, `h1` for handlers, and
    `s3~2` when it is come to once more."""
    parts = []
    for part in step.split("."):
        name, _, again = part.partition("~")
        digits = "".join(c for c in name if c.isdigit())
        parts.append((SECTIONS.find(name[:1]), int(digits or 0), int(again or 0)))
    handler = any(part[:1] == "h" and not part[1:].rstrip("~0123456789") for part in step.split("."))
    return handler, tuple(parts)


def _cell(host: HostView, views: Sequence[StepView]) -> Cell:
    newest = {s.started.item: s for s in views}
    if not newest:
        return Cell(outcome="", evidence="")
    chosen = min(newest.values(), key=lambda s: WORST.index(s.outcome) if s.outcome in WORST else 0)
    # A step that the run died in has no record of its end: what is known of it is the intent.
    intent = next((c for c in reversed(host.changes) if c.key == (chosen.started.step, chosen.started.item)), None)
    seq = chosen.finished_seq or (intent.seq if intent else 0)
    return Cell(
        outcome=chosen.outcome.replace("_", " "), evidence=f"E{seq}" if seq else "", items=len(newest),
        undone=chosen.undone.outcome if chosen.undone else "",
    )  # fmt: skip
