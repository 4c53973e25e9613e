"""The probes of a step: its preconditions, what makes it unnecessary, and its checks afterwards."""

from __future__ import annotations

import dataclasses

from playbook_engine.engine.commands import Program, emit
from playbook_engine.engine.context import HostContext
from playbook_engine.engine.item import Item
from playbook_engine.engine.probe import Finding, watch
from playbook_engine.engine.records import check, precondition
from playbook_engine.engine.result import StepResult
from playbook_engine.model.events import CheckEvaluated
from playbook_engine.model.outcome import Outcome, Verdict
from playbook_engine.model.runbook import Probe


class StepProbes:
    """Looks at the probes of one host's steps."""

    def __init__(self, context: HostContext) -> None:
        self._context = context

    def preconditions(self, item: Item) -> Program[StepResult | None]:
        """All of them, reported together; None when every one holds."""
        bad: list[str] = []
        for probe in item.step.preconditions:
            if not (yield from self._wanted(item, probe)):
                continue
            finding = yield from watch(self._context, item.scope, probe, item.step.vars, item.extra)
            yield from emit(precondition(self._context.host.name, item.scope_id, probe, finding))
            if finding.verdict is not Verdict.MET:
                bad.append(f"{probe.name}: {finding.detail or finding.verdict}")
        if not bad:
            return None
        return StepResult(
            outcome=Outcome.FAILED,
            kind="precondition",
            message=f"not touched: {'; '.join(bad)}",
            result={"failed": True},
        )

    def already(self, item: Item) -> Program[bool]:
        """Whether there are probes under `unless`, and all of them hold."""
        holds = bool(item.step.unless)
        for probe in item.step.unless:
            if not (yield from self._wanted(item, probe)):
                continue
            finding = yield from watch(self._context, item.scope, probe, item.step.vars, item.extra)
            yield from emit(self._check("unless", item, probe, finding))
            holds = holds and finding.verdict is Verdict.MET
        return holds

    def checked(self, item: Item, end: StepResult) -> Program[StepResult]:
        """The end of the step, its checks being evaluated."""
        bad: list[str] = []
        worst = end.outcome
        for probe in item.step.checks:
            if not (yield from self._wanted(item, probe)):
                continue
            extra = dict(item.extra)
            if item.step.register:
                extra[item.step.register] = end.result
            finding = yield from watch(self._context, item.scope, probe, item.step.vars, extra)
            yield from emit(self._check("check", item, probe, finding))
            if finding.verdict is Verdict.MET:
                continue
            bad.append(f"{probe.name}: {finding.detail or finding.verdict}")
            if finding.verdict is Verdict.UNKNOWN:
                worst = worst if worst is Outcome.FAILED else Outcome.UNKNOWN
            else:
                worst = Outcome.FAILED
        if not bad:
            return end
        said = "could not be measured" if worst is Outcome.UNKNOWN else "the check does not hold"
        return StepResult(
            outcome=worst, kind="check", message=f"{said}: {'; '.join(bad)}",
            result={**end.result, "failed": True},
        )  # fmt: skip

    def _wanted(self, item: Item, probe: Probe) -> Program[bool]:
        """Whether a probe's own `when` lets it be made."""
        if not probe.when:
            return True
        yield from self._context.facts(item.scope, conditions=probe.when)
        return all(self._context.templar.evaluate(c, item.variables(), probe.where) for c in probe.when)

    def _check(self, purpose: str, item: Item, probe: Probe, finding: Finding) -> CheckEvaluated:
        event = check(self._context.host.name, purpose, item.scope_id, probe, finding)
        return dataclasses.replace(event, step=item.step.id, item=item.index)
