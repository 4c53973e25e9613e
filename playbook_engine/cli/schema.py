"""`runbook schema`: the JSON Schema of runbooks."""

from __future__ import annotations

import json

import click


@click.command()
@click.argument("what", type=click.Choice(["runbook", "escalation"]), default="runbook")
def schema(what: str) -> None:
    """Print the JSON Schema of runbook files, or of escalation policies, for editors."""
    from playbook_engine.escalation.policy_model import policy_schema
    from playbook_engine.loading.json_schema import runbook_schema

    click.echo(json.dumps(runbook_schema() if what == "runbook" else policy_schema(), indent=2))
