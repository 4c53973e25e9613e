"""The run's side of a drill: `runbook run --drill ID` is the ordinary run, with what the drill has ordered."""

from __future__ import annotations

import ctypes
import dataclasses
import os
import signal

from playbook_engine.app.wiring import App
from playbook_engine.drill.gate import Gate
from playbook_engine.drill.mutation import broken, failing
from playbook_engine.drill.orders import Orders
from playbook_engine.escalation.policies import from_text
from playbook_engine.model.errors import UsageError
from playbook_engine.model.plan import Plan


def orders(app: App, drill: str) -> Orders:
    """Raises NotFound."""
    return Orders.read(app.drills.folder(drill))


def drilled(plan: Plan, orders: Orders) -> Plan:
    """The plan with the drill's mark, its policy, and what is broken in the runbook on purpose. Raises UsageError."""
    runbook = failing(plan.runbook, orders.fail_checks) if orders.fail_checks else plan.runbook
    if orders.mutant:
        try:
            runbook = broken(runbook, orders.mutant)
        except KeyError as error:
            raise UsageError(f"the runbook has no {orders.mutant} to break") from error
    policy = from_text(orders.policy, orders.policy_file) if orders.policy else None
    runbook = dataclasses.replace(runbook, escalation=policy.name if policy else None)
    return dataclasses.replace(
        plan, runbook=runbook, drill=orders.drill, policy=orders.policy, policy_file=orders.policy_file
    )


def gate(orders: Orders) -> Gate:
    """What makes the run wait where something is to be broken. The run ends with the drill, however that ends: the
    addresses of its hosts are soon another lab's."""
    _end_with_parent()
    return Gate(orders)


def _end_with_parent() -> None:
    """prctl(2), PR_SET_PDEATHSIG: SIGKILL when whoever has started this process has gone."""
    ctypes.CDLL(None, use_errno=True).prctl(1, signal.SIGKILL)
    if os.getppid() == 1:
        os.kill(os.getpid(), signal.SIGKILL)  # it went before we could say so
