"""Reports for a terminal: short, aligned, and safe to print, whatever a host has said."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from playbook_engine.model.outcome import OPEN
from playbook_engine.report.audit import AuditReport
from playbook_engine.report.items import Item
from playbook_engine.report.meta import title_of
from playbook_engine.report.post_incident import PostIncidentReport
from playbook_engine.report.run import RunReport
from playbook_engine.report.status import Status
from playbook_engine.report.subject import RunState, Subject
from playbook_engine.report.text import count, instant, listed, moment, one_line, seconds, shortened

GREEN, RED, YELLOW, BLUE, DIM, BOLD = "32", "31", "33", "34", "2", "1"
COLOURS = {
    "met": GREEN, "ok": GREEN, "proved": GREEN, "resolved": GREEN, "not met": RED, "failed": RED, "timed out": RED,
    "rollback failed": RED, "opened": RED, "died": RED, "invalid": YELLOW, "unknown": YELLOW, "stale": YELLOW,
    "lost": YELLOW, "in doubt": YELLOW, "unreachable": YELLOW, "partly rolled back": YELLOW, "kept": YELLOW,
    "aborted": YELLOW, "changed": BLUE, "rolled back": BLUE, "taken back": BLUE, "in force": BLUE, "running": BLUE,
    "skipped": DIM, "not applicable": DIM, "verified": GREEN, "done": GREEN, "open": RED, "dropped": DIM,
}  # fmt: skip


class Paper:
    """Lines for a terminal of some width, in colour or not."""

    def __init__(self, *, colour: bool, width: int) -> None:
        self._colour = colour
        self._width = max(width, 60)
        self.lines: list[str] = []

    def paint(self, text: str, code: str = "") -> str:
        found = code or COLOURS.get(text, "")
        return f"\x1b[{found}m{text}\x1b[0m" if self._colour and found else text

    def line(self, text: str = "", code: str = "") -> None:
        indent = " " * (len(text) - len(text.lstrip(" ")))
        self.lines.append(self.paint(indent + one_line(text), code) if text else "")

    def faults(self, found: Iterable[str]) -> None:
        for fault in found:
            self.line(f"! {fault}", RED)

    def table(self, header: Sequence[str], rows: Sequence[Sequence[str]], *, wide: int = -1) -> None:
        """Aligned columns; the `wide` one is cut so that a line fits."""
        cells = [[one_line(c) for c in row] for row in rows]
        sizes = [max(len(r[n]) for r in [list(header), *cells]) for n in range(len(header))]
        over = sum(sizes) + 2 * (len(sizes) - 1) - self._width
        if over > 0:
            sizes[wide] = max(sizes[wide] - over, 12)
        self.lines.append(self.paint(self._row(header, sizes), DIM))
        for row in cells:
            shown = [shortened(c, size).ljust(size) for c, size in zip(row, sizes, strict=True)]
            painted = [self.paint(s, COLOURS.get(c, "")) for s, c in zip(shown, row, strict=True)]
            self.lines.append("  ".join(painted).rstrip())

    def _row(self, cells: Sequence[str], sizes: Sequence[int]) -> str:
        return "  ".join(c.ljust(size) for c, size in zip(cells, sizes, strict=True)).rstrip()

    def text(self) -> str:
        return "\n".join(self.lines) + "\n"


def audit_table(paper: Paper, report: AuditReport) -> None:
    """Criterion, status, value, threshold; what is worst, what changed, what to do."""
    paper.line(f"audit · {report.meta.title} · {count(len(report.hosts), 'host')}", BOLD)
    paper.faults(report.meta.faults)
    many = len(report.hosts) > 1
    ordered = [c for s in report.services for c in s.criteria] + list(report.loose)
    rows = [
        [str(c.status), *([c.host] if many else []), f"{c.service}: {c.name}" if c.service else c.name,
         c.value or ("" if c.evidence else "no record"), c.threshold, c.evidence]
        for c in ordered
    ]  # fmt: skip
    paper.table(["status", *(["host"] if many else []), "criterion", "value", "threshold", "evidence"], rows, wide=-2)
    reasons: dict[str, list[str]] = {}
    for each in ordered:
        if each.status.open and each.why:
            reasons.setdefault(each.why, []).append(each.evidence)
    for why, ids in reasons.items():
        paper.line(f"  {listed(ids, 8) if ids[0] else count(len(ids), 'criterion', 'criteria')}: {why}", DIM)
    for service in report.services:
        if service.why:
            paper.line(f"  {service.name}: {service.status}: {service.why}", DIM)
    paper.line()
    paper.line(f"{report.overall} · risk {report.risk_word}{f' ({report.risk})' if report.risk else ''}", BOLD)
    paper.line(report.summary)
    if report.recommendation:
        paper.line(report.recommendation)
    if report.before is not None:
        words = {p.change for p in report.pairs if p.differs}
        said = [f"{sum(p.change == w for p in report.pairs)} {w}" for w in sorted(words)]
        paper.line(f"since {report.before.run}: {listed(said) or 'no difference'}")
    for n, task in enumerate((t for t in report.tasks if t.command), 1):
        paper.line(f"{n}. {task.severity} {task.title}: {task.command}")


def show(paper: Paper, report: RunReport, *, evidence: bool) -> None:
    """One run: hosts, steps, changes, what did not hold; with `evidence` all records."""
    m = report.meta
    paper.line(f"{m.kind} {m.run} · {m.title} · {report.summary}", BOLD)
    paper.faults(m.faults)
    ended = f"exit {m.exit_code}" if m.exit_code is not None else str(m.state)
    paper.line(f"{moment(m.started)} by {m.actor or 'not recorded'} · {ended} · {seconds(m.seconds)}", DIM)
    if m.reason:
        paper.line(f"reason: {m.reason}", DIM)
    paper.line()
    paper.table(["host", "ended", "state now"], [[h.name, h.status, h.now] for h in report.hosts])
    for host in report.hosts:
        if host.message:
            paper.line(f"  {host.name}: {host.message}")
    if report.rows:
        paper.line()
        paper.table(
            ["step", "outcomes", "went wrong on"],
            [[f"{'handler: ' if r.handler else ''}{r.name}", _outcomes(r.outcomes), _notable(r.notable)]
             for r in report.rows],
        )  # fmt: skip
    if report.changes:
        paper.line()
        paper.table(
            ["change", "host", "fate", "what"],
            [[c.name, c.host, c.fate, "; ".join(f"{d.subject} {d.aspect}".strip() for d in c.details[:4])]
             for c in report.changes],
        )  # fmt: skip
    _checks(paper, report)
    for part in report.rollbacks:
        said = "proved" if part.proved else "NOT PROVED" if part.proved is not None else "its end is not recorded"
        by = f" by {part.run}" if part.run else ""
        paper.line(f"rollback on {part.host}{by}: {said}, {count(part.compared, 'state')} compared ({part.evidence})")
        for d in part.differences:
            paper.line(f"  {d.get('subject')} {d.get('aspect')}: was {d.get('before')}, is {d.get('now')}", RED)
    if evidence:
        paper.line()
        paper.table(
            ["record", "time", "host", "what", "outcome", "detail"],
            [[e.id, moment(e.at), e.host, f"{e.what} {e.name}", e.outcome, e.detail or e.value]
             for e in report.evidence],
        )  # fmt: skip
    if any(c.reversible for c in report.in_force) and m.state is not RunState.LIVE:
        paper.line()
        check = "" if all(h.settled for h in report.hosts) else "--check "
        paper.line(f"take it back: runbook rollback {check}{m.run}")


def _checks(paper: Paper, report: RunReport) -> None:
    rows = [*report.preconditions, *report.checks]
    if rows:
        paper.line()
        paper.table(
            ["check", "host", "status", "measured", "expected", "evidence"],
            [[c.name, c.host, str(c.status), c.value, c.threshold, c.evidence] for c in rows], wide=-2,
        )  # fmt: skip
        for each in rows:
            if each.status is not Status.MET and each.why:
                paper.line(f"  {each.evidence}: {each.why}", DIM)


def _outcomes(found: object) -> str:
    assert isinstance(found, dict)
    return ", ".join(f"{n} {word}" for word, n in found.items())


def _notable(found: Sequence[tuple[str, object]]) -> str:
    return listed([name for name, _ in found], 4)


def history(paper: Paper, found: Sequence[Subject | tuple[str, str]]) -> None:
    """Runs, oldest first; a journal that cannot be read is a row with the reason."""
    rows: list[list[str]] = []
    for each in found:
        if isinstance(each, tuple):
            rows.append([each[0], "", "", "", "unreadable", "", each[1]])
            continue
        view = each.view
        finished = view.finished
        code = f"exit {finished.exit_code}" if finished else str(each.state)
        took = seconds(finished.seconds) if finished else ""
        check = " (check)" if view.started.check else ""
        of = f" of {view.started.of}" if view.started.of else ""
        rows.append(
            [each.run, f"{view.started.kind}{check}", title_of(view.started),
             _statuses(each), code, took, "; ".join(each.faults) or f"{view.started.actor}{of}"]
        )  # fmt: skip
    paper.table(["run", "kind", "what", "hosts", "ended", "took", "by, and what is wrong with its journal"], rows)


def _statuses(subject: Subject) -> str:
    found: dict[str, int] = {}
    for host in subject.view.hosts.values():
        word = host.status.value.replace("_", " ") if host.status else str(subject.state)
        found[word] = found.get(word, 0) + 1
    return ", ".join(f"{n} {word}" for word, n in found.items())


def status(paper: Paper, found: Sequence[Subject | tuple[str, str]]) -> None:
    """Runs that go on, that died, and that left hosts open, with what to do about them."""
    if not found:
        paper.line("no run is going on, none has died, and none has left hosts open")
        return
    for each in found:
        if isinstance(each, tuple):
            paper.line(f"{each[0]}  {each[1]}", RED)
            continue
        view = each.view
        done = sum(h.finished is not None for h in view.hosts.values())
        since = _since(view.started_at)
        title = title_of(view.started)
        head = f"{each.run}  {each.state}  {view.started.kind} · {title} · {done} of {len(view.hosts)} hosts ended"
        paper.line(f"{head} · started {since} ago by {view.started.actor}", BOLD)
        paper.faults(f for f in each.faults)
        for host in view.hosts.values():
            if host.finished is None:
                paper.line(f"  {host.name}: {_doing(host.steps)}")
            elif host.status in OPEN:
                paper.line(f"  {host.name}: {host.finished.status.replace('_', ' ')}: {host.finished.message}")
        if each.state is not RunState.LIVE:
            last = view.records[-1].at if view.records else view.started_at
            paper.line(f"  last record {moment(last)}, {_since(last)} ago")
            paper.line(f"  look: runbook show {each.run}; go on: runbook resume {each.run}; or take it back: "
                       f"runbook rollback --check {each.run}")  # fmt: skip


def _doing(steps: Sequence[object]) -> str:
    from playbook_engine.journal.fold import StepView

    newest = steps[-1] if steps else None
    if not isinstance(newest, StepView):
        return "before its first step"
    name = newest.started.name
    return f"after {name} ({newest.outcome.replace('_', ' ')})" if newest.finished else f"in {name}"


def _since(at: str) -> str:
    when = instant(at)
    return seconds(max((datetime.now(UTC) - when).total_seconds(), 0.0)) if when else "an unknown time"


def incidents(paper: Paper, found: Sequence[PostIncidentReport]) -> None:
    """Incidents, oldest first."""
    if not found:
        paper.line("there are no incidents yet")
        return
    rows = [
        [r.meta.run, "closed" if r.meta.closed else "open", str(r.meta.severity or ""),
         ("DRILL " if r.meta.drill else "") + r.meta.title, str(len(r.runs)), f"{len(r.open_items)} of {len(r.items)}",
         str(len(r.blanks))]
        for r in found
    ]  # fmt: skip
    paper.table(["incident", "state", "severity", "what", "runs", "items open", "blanks"], rows, wide=3)


def incident(paper: Paper, report: PostIncidentReport) -> None:
    """One incident: its times, runs, items, and what is left to be judged."""
    m = report.meta
    paper.line(f"{'DRILL · ' if m.drill else ''}{m.severity or 'no severity'} · {m.title} · {m.run} · {m.status}", BOLD)
    paper.faults(m.faults)
    paper.line(report.summary)
    paper.line()
    paper.table(
        ["time", "when", "from", "evidence"],
        [[t.milestone, moment(t.at) if t.evidence else "not recorded", t.source or t.why, t.evidence]
         for t in report.times],
        wide=2,
    )  # fmt: skip
    for lapse in report.lapses:
        paper.line(f"  {lapse.name}: {lapse.text}{f': {lapse.why}' if lapse.why else ''}", DIM)
    if report.runs:
        paper.line()
        paper.table(
            ["run", "", "kind", "what", "hosts", "because"],
            [[r.label, r.meta.run, r.meta.kind, r.meta.title, r.summary, r.why] for r in report.runs], wide=3,
        )  # fmt: skip
    if report.items:
        paper.line()
        items(paper, report.items)
    paper.line()
    left = count(len(report.blanks), "blank")
    paper.line(f"{left} left: runbook incident lint {m.run}" if report.blanks else "nothing is left to be judged")


def items(paper: Paper, found: Sequence[Item]) -> None:
    """Action items with who does them, and what closes them."""
    paper.table(
        ["item", "status", "what", "why", "owner", "due", "closing probe"],
        [[i.id, str(i.status), i.title, i.status_why or i.why, i.owner or "nobody", i.due or "no day",
          listed(list(i.probe.names), 2) if i.probe else i.proof or "none"]
         for i in found],
        wide=3,
    )  # fmt: skip
