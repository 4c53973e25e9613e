"""What a run changed, what became of it, and how it can be taken back."""

from __future__ import annotations

from collections.abc import Mapping

from playbook_engine.journal.fold import ChangeView
from playbook_engine.model.events import StepUndone
from playbook_engine.model.frozen import frozen
from playbook_engine.report.subject import Subject
from playbook_engine.report.text import number, one_line, plain_name, visible

HOW = {"action": "the action itself takes it back", "rollback": "its own rollback steps take it back"}


@frozen
class Detail:
    """One difference that a change made. `diff` is a unified diff where the action gave one."""

    subject: str
    aspect: str
    before: str
    after: str
    diff: str


@frozen
class ChangeRow:
    """A change. `fate`: in force, taken back, kept, in doubt, failed."""

    host: str
    name: str
    action: str
    on: str
    at: str
    how: str
    reversible: bool
    fate: str
    why: str
    details: tuple[Detail, ...]
    evidence: str


def changes(subject: Subject) -> tuple[ChangeRow, ...]:
    """All that a rollback is concerned with, host by host, in the order in which they were made: no handlers."""
    return tuple(
        _row(change, host.name, subject)
        for host in subject.view.hosts.values()
        for change in host.changes
        if not change.intended.handler and not change.intended.scope.endswith("/rollback")
    )


def _row(change: ChangeView, host: str, subject: Subject) -> ChangeRow:
    event = change.intended
    fate, why = _fate(change, host, subject)
    reason = one_line(event.irreversible)
    return ChangeRow(
        host=one_line(host), name=plain_name(event.name), action=event.action,
        on=one_line(event.on) if event.on != host else "", at=change.at,
        how=HOW.get(event.reversible) or f"it cannot be taken back{': ' + reason if reason else ''}",
        reversible=event.reversible in HOW, fate=fate, why="" if one_line(why) == reason else one_line(why),
        details=tuple(_detail(c) for c in event.changes), evidence=f"E{change.seq}",
    )  # fmt: skip


def _fate(change: ChangeView, host: str, subject: Subject) -> tuple[str, str]:
    undone = _later_undo(change, host, subject) or change.undone
    if undone is not None:
        match undone.outcome:
            case "undone" | "untouched":
                return "taken back", undone.message
            case "kept":
                return "kept", undone.message
            case _:
                return "in force", f"taking it back failed: {undone.message}"
    if change.in_doubt:
        return "in doubt", "it was sent, and nobody heard how it ended"
    if change.applied is False:
        return "failed", change.failed.message if change.failed else ""
    step = subject.view.hosts[host].step(change.key)
    # What a step says of its own work: a clean-up, how much it freed. Of files the details below say it.
    said = step.finished.message if step and step.finished and change.intended.reversible == "irreversible" else ""
    return "in force", said


def _later_undo(change: ChangeView, host: str, subject: Subject) -> StepUndone | None:
    """What the newest rollback run of this run says of it."""
    found = None
    for later in subject.later:
        for record in later.view.records:
            event = record.event
            if isinstance(event, StepUndone) and event.host == host and (event.step, event.item) == change.key:
                found = event
    return found


def _detail(data: Mapping[str, object]) -> Detail:
    def text(key: str) -> str:
        value = data.get(key)
        return "" if value is None else number(value)

    diff = data.get("diff")
    return Detail(
        subject=one_line(str(data.get("path") or data.get("subject") or "")),
        aspect=one_line(str(data.get("aspect") or "")), before=text("before"), after=text("after"),
        diff=visible(str(diff)).rstrip("\n") if diff else "",
    )  # fmt: skip
