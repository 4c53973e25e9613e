"""Probes and results as the records that a journal keeps and a report stands on."""

from __future__ import annotations

from collections.abc import Mapping

from playbook_engine.catalog import catalog
from playbook_engine.engine.probe import Finding, cut
from playbook_engine.model.events import CheckEvaluated, PreconditionEvaluated
from playbook_engine.model.runbook import Probe

TOLD = (
    "msg", "rc", "stdout", "stderr", "cmd", "expected_bytes", "freed_bytes", "expected_inodes", "freed_inodes",
    "removed", "state", "dest", "path",
)  # fmt: skip
TOLD_LENGTH = 4000


def precondition(host: str, scope: str, probe: Probe, finding: Finding) -> PreconditionEvaluated:
    """The record of a precondition."""
    return PreconditionEvaluated(
        host=host, scope=scope, probe=probe.id, name=probe.name, action=probe.action, verdict=finding.verdict.value,
        expect=finding.expect or probe.expect or "", otherwise=probe.otherwise.value,
        detail=_hidden(probe, finding.detail),
        on=finding.on if finding.on != host else "", seconds=finding.seconds,
        evidence={} if probe.no_log else finding.evidence(), where=str(probe.where or ""),
    )  # fmt: skip


def check(host: str, purpose: str, scope: str, probe: Probe, finding: Finding) -> CheckEvaluated:
    """The record of a check: value, unit, threshold, and the evidence behind them."""
    chief = finding.chief
    return CheckEvaluated(
        host=host, purpose=purpose, scope=scope, probe=probe.id, name=probe.name, action=probe.action,
        verdict=finding.verdict.value, expect=finding.expect or probe.expect or "",
        detail=_hidden(probe, finding.detail),
        on=finding.on if finding.on != host else "", value=chief.value if chief and not probe.no_log else None,
        unit=probe.unit or (chief.unit if chief else ""),
        threshold=f"{chief.op} {chief.threshold}" if chief and chief.op else probe.threshold,
        metric=probe.metric or (chief.name if chief else ""), service=probe.service or "",
        severity=probe.severity or "", critical=probe.critical, touches=catalog.get(probe.action).touches or "",
        samples=finding.samples, held=finding.held, seconds=finding.seconds,
        evidence={} if probe.no_log else finding.evidence(), where=str(probe.where or ""),
    )  # fmt: skip


def told(result: Mapping[str, object], *, whole: bool = False, facts: bool = False) -> dict[str, object]:
    """The part of a result that the terminal and the reports show; a probe's is the measurement, `whole`. With `facts`
    also those that it has found: they are what was asked for."""
    if whole:
        left_out = ("changed", "failed") if facts else ("changed", "failed", "ansible_facts")
        return {"result": cut({k: v for k, v in result.items() if k not in left_out})}
    found: dict[str, object] = {}
    for key in TOLD:
        value = result.get(key)
        if isinstance(value, str):
            value = (
                value if len(value) <= TOLD_LENGTH else value[: TOLD_LENGTH // 2] + " … " + value[-TOLD_LENGTH // 2 :]
            )
        if value not in (None, "") and not isinstance(value, (dict, bytes)):
            found[key] = value
    return found


def _hidden(probe: Probe, text: str) -> str:
    return "(hidden: no_log)" if probe.no_log and text else text
