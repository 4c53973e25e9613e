"""The ailing system of the lab: what `runbook lab up sick` builds."""

from playbook_engine.lab.sick.system import Sickness, bring_up

__all__ = ["Sickness", "bring_up"]
