"""Which escalation policy hears of a run: the runbook's, that of the settings, or the embedded one."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING

from playbook_engine.app.alarms import EMBEDDED
from playbook_engine.app.wiring import App
from playbook_engine.model.errors import LoadErrors
from playbook_engine.model.plan import Plan
from playbook_engine.model.runbook import Runbook

if TYPE_CHECKING:
    from playbook_engine.escalation.policies import Policies
    from playbook_engine.escalation.policy import Policy

OFF = "none"


def policies(app: App) -> Policies:
    """Finds policies by name in ./escalation and the shipped ones."""
    from playbook_engine.escalation.policies import Policies  # a run without a policy does not pay for its models

    return Policies(app.settings.policy_path)


def policy_for(app: App, runbook: Runbook) -> Policy | None:
    """The policy that hears of a runbook's failures; None when nobody is to.

    Raises LoadError, LoadErrors: a policy that cannot do its work is found out before the run.
    """
    name = runbook.escalation or app.settings.policy or (EMBEDDED if runbook.owner else OFF)
    if name == OFF:
        return None
    from playbook_engine.escalation.policies import outlasts

    policy = policies(app).load(name)
    late = outlasts(policy, runbook.deadline) if runbook.deadline else []
    if late:
        raise late[0] if len(late) == 1 else LoadErrors(late)
    return policy


def unready(policy: Policy, environ: Mapping[str, str]) -> list[str]:
    """Environment variables that the policy's messages need and that are not set: until they are, some do not leave."""
    named = [str(v) for s in policy.senders.values() for k, v in s.settings.items() if k.endswith("_env") and v]
    named += [a.address[4:] for c in policy.contacts for a in c.addresses if a.address.startswith("env:")]
    return [name for name in dict.fromkeys(named) if not environ.get(name)]


def heard_by(plan: Plan, policy: Policy | None) -> Plan:
    """The plan with its policy in it: `resume` on another machine reads nothing else."""
    if policy is None:
        return plan
    runbook = dataclasses.replace(plan.runbook, escalation=policy.name)
    return dataclasses.replace(plan, runbook=runbook, policy=policy.text, policy_file=policy.file)
