"""Reports of recorded runs, word for word. With UPDATE_GOLDEN=1 in the environment they are written anew."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pytest
from incident_samples import Desk, story
from report_recorder import Recorder
from report_samples import failed_run, written

from playbook_engine.app.incidents import report_of
from playbook_engine.report.audit import audit
from playbook_engine.report.escalation import escalation
from playbook_engine.report.render import Report, render
from playbook_engine.report.run import run_report

GOLDEN = Path(__file__).parents[2] / "golden" / "report"


@pytest.mark.parametrize("kind", ["audit", "run", "escalation", "post-incident"])
@pytest.mark.parametrize("form", ["md", "json"])
def test_word_for_word(recorder: Recorder, kind: str, form: str) -> None:
    text = render(made(recorder, kind), form)
    path = GOLDEN / f"{kind}.{form}"
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert text == path.read_text()


def made(recorder: Recorder, kind: str) -> Report:
    """The audit is that of the trading system, before and after its disk was freed."""
    if kind == "audit":
        bad = {"verdict": "not_met"}
        before = written(recorder, disk={"value": 100.0, **bad}, database_writes={"value": False, **bad})
        now = written(
            recorder, API_latency={"value": 1133, **bad}, database_latency={"value": 1754070167750, **bad},
            leave_out=("security scan",), engine_crypto={"verdict": "unknown", "detail": "no python on the host"},
        )  # fmt: skip
        return audit(recorder.subject(now), recorder.clock.now, earlier=recorder.subject(before))
    if kind == "post-incident":
        desk = Desk(recorder)
        report = report_of(desk.app, story(desk))
        return dataclasses.replace(report, meta=dataclasses.replace(report.meta, engine="0"))
    subject = recorder.subject(failed_run(recorder))
    return run_report(subject, recorder.clock.now) if kind == "run" else escalation(subject, recorder.clock.now)
