"""An incident that tests are about: a roll-out that fails on one host, is taken back, and works the second time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from report_recorder import Journaled, Recorder
from report_samples import RUNBOOK, failed_run

from playbook_engine.app.settings import Settings
from playbook_engine.app.wiring import App
from playbook_engine.journal.files import FileStore
from playbook_engine.journal.redaction import Redactor
from playbook_engine.model.events import (
    ChangeApplied,
    ChangeIntended,
    EscalationAcknowledged,
    EscalationOpened,
    Event,
    HostConnected,
    HostFinished,
    IncidentAttached,
    IncidentNoted,
    IncidentOpened,
    LevelReached,
    LineImported,
    NotificationSent,
    StepFinished,
    StepStarted,
)

HOSTS = ("web1.test", "web2.test")


class Desk:
    """A recorder's state folder as the app sees it, and the journals of people in it."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.app = App(Settings.of({"RUNBOOK_STATE": str(recorder.folder / "state"), "RUNBOOK_ACTOR": "ada@ops.test"}))
        self.app.clock = recorder.clock  # type: ignore[assignment]
        self.app.incidents = self.store("incidents")

    def store(self, kind: str) -> FileStore:
        return FileStore(self.recorder.folder / "state", self.recorder.clock, Redactor(), kind)

    def write(self, kind: str, name: str, events: Sequence[Event]) -> None:
        store = self.store(kind)
        journal = store.resume(name) if name in store.runs() else store.create(name)
        for event in events:
            journal.append(event)
        journal.close()

    def opened(self, *attached: IncidentAttached, title: str = "", severity: str = "") -> str:
        """A new incident with what belongs to it."""
        name = f"inc-20250801-180000-{len(self.store('incidents').runs()) + 1:04}"
        opened = IncidentOpened(incident=name, title=title, severity=severity, actor="ada@ops.test")
        self.write("incidents", name, [opened, *attached])
        return name

    def later(self, **span: float) -> None:
        self.recorder.clock.now += timedelta(**span)


def run_of(name: str, why: str = "named") -> IncidentAttached:
    return IncidentAttached(kind="run", of=name, why=why, actor="ada@ops.test")


def step(journal: Journaled, host: str, name: str, outcome: str = "changed", **more: object) -> None:
    """Step 1 of the roll-out, which writes /etc/app."""
    journal.emit(
        StepStarted(host=host, step="s1", name=name, action="copy", scope="main"),
        ChangeIntended(
            host=host, step="s1", action="copy", name=name, scope="main", reversible="action", on=host,
            changes=({"path": "/etc/app", "aspect": "content", "before": "old", "after": "new"},),
        ),
        ChangeApplied(host=host, step="s1", seconds=0.1),
        StepFinished(
            host=host, step="s1", name=name, action="copy", scope="main", outcome=outcome, seconds=0.1, **more,  # type: ignore[arg-type]
        ),
    )  # fmt: skip


def story(desk: Desk, text: str = "it did not start", *, closed_by: str = "grace", alert: str = "it is down") -> str:
    """The whole of it; `text` is what hosts said. The incident's id."""
    recorder = desk.recorder
    with recorder.run(RUNBOOK, kind="run", hosts=HOSTS, actor="linus@ops.test") as before:
        for host in HOSTS:
            before.emit(HostConnected(host=host, address="192.0.2.1", python="3.11.2", boot_id="a", seconds=0.0))
            step(before, host, "step 1")
            before.check("it answers", "met", host=host, value=200, threshold="== 200", metric="status")
            before.emit(HostFinished(host=host, status="changed"))
    desk.later(hours=20)
    failed = failed_run(recorder, text)
    paged = f"esc-{failed}"
    desk.write("escalations", paged, [
        EscalationOpened(
            escalation=paged, policy="app-oncall", key="deploy", run=failed, trigger="rollback", severity="P1",
            why="a step failed", snapshot={"contacts": [{"id": closed_by, "address": f"{closed_by}@ops.test"}]},
        ),
        LevelReached(level="primary", number=1, round=1, contacts=(closed_by,)),
        NotificationSent(notification="n1"),
    ])  # fmt: skip
    desk.later(minutes=4)
    desk.write("escalations", paged, [EscalationAcknowledged(by=f"{closed_by}@phone.test", via="link")])
    desk.later(minutes=6)
    with recorder.run(RUNBOOK, kind="run", hosts=("web2.test",), actor=f"{closed_by}@ops.test") as again:
        again.emit(
            HostConnected(
                host="web2.test", address="192.0.2.1", python="3.11.2", boot_id="b", seconds=0.0, clock_skew=-7.5
            )
        )
        step(again, "web2.test", "step 1", attempts=3)
        again.check("it answers", "met", host="web2.test", value=200, threshold="== 200", metric="status", samples=5)
        again.emit(HostFinished(host="web2.test", status="changed"))
    desk.later(minutes=1)
    name = desk.opened(
        run_of(failed), run_of(again.name, "the same runbook on hosts of it"),
        IncidentAttached(kind="escalation", of=paged, why=f"of {failed}"),
    )  # fmt: skip
    desk.write("incidents", name, [
        LineImported(source="alertmanager", told="2025-08-02T13:40:00.000Z", text=f"firing: {alert}", place="a.json:1"),
        LineImported(source="slack", told="2025-08-02T13:44:00.000Z", speaker=closed_by, text=f"on it: {alert}"),
        IncidentNoted(kind="cause", text="the port was taken", actor=closed_by),
        IncidentNoted(kind="decision", text=f"{closed_by} tries once more", actor="ada@ops.test"),
    ])  # fmt: skip
    return name
