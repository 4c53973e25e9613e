"""The differences of two runs for a terminal: those that matter first, and short."""

from __future__ import annotations

from collections.abc import Sequence

from playbook_engine.report.meta import Meta
from playbook_engine.report.run_diff import Difference, RunDiff
from playbook_engine.report.terminal import BOLD, DIM, Paper
from playbook_engine.report.text import count, listed, moment

SHOWN = 20  # rows of a table; all of them are in the JSON
ABSENT = "not there"


def show(paper: Paper, report: RunDiff) -> None:
    before, now = report.before, report.meta
    said = count(report.count, "difference") if report.count else "no differences"
    paper.line(f"{before.run} and {now.run}: {said}", BOLD)
    for meta in (before, now):
        paper.line(f"{meta.run}: {_told(meta)}", DIM)
        paper.faults(f"{meta.run}: {fault}" for fault in meta.faults)
    _table(paper, "host", report.hosts, named=False)
    _table(paper, "step", report.steps)
    _table(paper, "check", report.checks)
    if report.criteria:
        paper.line()
        paper.table(
            ["criterion", "host", "before", "now", "so"],
            [[f"{p.service}: {p.name}" if p.service else p.name, p.host, _side(p.before), _side(p.now), p.change]
             for p in report.criteria[:SHOWN]], wide=0,
        )  # fmt: skip
        _rest(paper, len(report.criteria))
    _table(paper, "change", report.changes)
    _table(paper, "asked", report.asked, hosts=False)
    _table(paper, "took much longer or shorter", report.times)


def _told(meta: Meta) -> str:
    ended = f"exit {meta.exit_code}" if meta.exit_code is not None else str(meta.state)
    return f"{meta.kind} {meta.title}, {moment(meta.started)} by {meta.actor or 'not recorded'}, {ended}"


def _side(criterion: object) -> str:
    status, value = getattr(criterion, "status", ""), getattr(criterion, "value", "")
    return f"{status} {value}".strip()


def _table(paper: Paper, title: str, rows: Sequence[Difference], *, named: bool = True, hosts: bool = True) -> None:
    if not rows:
        return
    paper.line()
    head = [*([title] if named else []), *(["host"] if hosts else []), "before", "now"]
    cells = []
    for each in rows[:SHOWN]:
        where = [listed(list(each.hosts), 3) or "all"] if hosts else []
        cells.append([*([each.name] if named else []), *where, each.before or ABSENT, each.now or ABSENT])
    paper.table(head, cells, wide=0)
    _rest(paper, len(rows))


def _rest(paper: Paper, number: int) -> None:
    if number > SHOWN:
        paper.line(f"and {number - SHOWN} more: --json has all of them", DIM)
