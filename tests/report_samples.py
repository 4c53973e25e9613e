"""Two runs that tests of reports are about: an audit of a trading system, and a roll-out that failed on one host."""

from __future__ import annotations

from report_recorder import Recorder

from playbook_engine.model.events import (
    ChangeApplied,
    ChangeIntended,
    RollbackStarted,
    RollbackVerified,
    StepFinished,
    StepStarted,
    StepUndone,
)

AUDIT = """
name: audit
title: Audit of the trading system
severity: P1
owner: sre
services:
  disk: {tier: critical}
  database: {tier: critical, needs: [disk], writes: true}
  cache: {tier: critical}
  mlflow: {tier: critical, needs: [disk]}
  engines: {tier: critical}
  api: {tier: normal, needs: [database]}
phases: ["0.1", "0.5", "1"]
checks:
  - {name: API latency, command: "true", expect: result.p95_ms < 200, service: api, phase: "0.1"}
  - {name: database latency, command: "true", expect: result.ms < 100, service: database, phase: "0.1", remedy: fix}
  - {name: database writes, command: "true", expect: result.write_ok, service: database, phase: "0.1"}
  - {name: cache, command: "true", expect: result.write_ok, service: cache, phase: "0.1"}
  - {name: disk, command: "true", expect: result.used_percent <= 90, service: disk, phase: "0.1", remedy: free-disk}
  - {name: MLflow tracks, command: "true", expect: result.read_back, service: mlflow, phase: "0.1", remedy: mlflow}
  - {name: security scan, command: "true", expect: result.high == 0, phase: "0.5"}
  - {name: engine crypto, command: "true", expect: result.age < 30, service: engines, phase: "0.1"}
"""

GREEN = {
    "API latency": {"value": 120, "unit": "ms", "threshold": "< 200", "metric": "p95_ms"},
    "database latency": {"value": 12, "unit": "ms", "threshold": "< 100", "metric": "ms"},
    "database writes": {"value": True, "metric": "write_ok", "touches": "a table that is rolled back"},
    "cache": {"value": True, "metric": "write_ok", "touches": "a key that expires"},
    "disk": {"value": 71.5, "unit": "%", "threshold": "<= 90", "metric": "used of the blocks"},
    "MLflow tracks": {"value": True, "metric": "read_back"},
    "security scan": {"value": 0, "threshold": "== 0", "metric": "high"},
    "engine crypto": {"value": 2.5, "unit": "s", "threshold": "< 30", "metric": "age"},
}  # fmt: skip


def written(
    recorder: Recorder, *, text: str = AUDIT, leave_out: tuple[str, ...] = (), **changes: dict[str, object]
) -> str:
    """An audit in which all is green but for `changes`, by criterion with `_` for blanks; its run."""
    other = {name.replace("_", " "): fields for name, fields in changes.items()}
    with recorder.run(text) as journal:
        for name, fields in GREEN.items():
            if name not in leave_out:
                journal.check(name, **{"verdict": "met", **fields, **other.get(name, {})})  # type: ignore[arg-type]
        journal.host()
    return journal.name


RUNBOOK = """
name: deploy
title: Roll out
severity: P1
owner: sre
escalation: app-oncall
services: [app]
checks:
  - {name: it answers, command: "true", expect: result.status == 200, service: app, critical: true}
"""


def failed_run(recorder: Recorder, text: str = "it did not start") -> str:
    """A run on two hosts: one changed, the other rolled back but for one step. `text` is what hosts said."""
    with recorder.run(RUNBOOK, kind="run", hosts=("web1.test", "web2.test"), end=2, reason=text) as journal:
        for host in ("web1.test", "web2.test"):
            for n, (step, how) in enumerate((("s1", "action"), ("s2", "irreversible")), 1):
                journal.emit(
                    StepStarted(host=host, step=step, name=f"step {n}", action="copy", scope="main"),
                    ChangeIntended(
                        host=host, step=step, action="copy", name=f"step {n}", scope="main", reversible=how,
                        irreversible="it is fetched again" if how == "irreversible" else "", on=host,
                        changes=({"path": "/etc/app", "aspect": "content", "diff": f"--- a\n+++ b\n-old\n+{text}\n"},),
                    ),
                    ChangeApplied(host=host, step=step, seconds=0.1),
                    StepFinished(
                        host=host, step=step, name=f"step {n}", action="copy", scope="main", outcome="changed",
                        seconds=0.1, shown={"stdout": text},
                    ),
                )  # fmt: skip
        journal.check("it answers", "met", host="web1.test", value=200, threshold="== 200", metric="status")
        journal.check("it answers", "not_met", host="web2.test", value=text, threshold="== 200", detail=text)
        journal.emit(
            RollbackStarted(host="web2.test", scope="main", why=text, steps=("step 2", "step 1")),
            StepUndone(host="web2.test", step="s2", name="step 2", action="copy", outcome="kept", how="irreversible"),
            StepUndone(host="web2.test", step="s1", name="step 1", action="copy", outcome="undone", how="action"),
            RollbackVerified(host="web2.test", scope="main", proved=True, compared=1, kept=("step 2",)),
        )
        journal.host("web1.test", "changed")
        journal.host("web2.test", "partly_rolled_back", text)
    return journal.name
