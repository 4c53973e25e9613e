"""`runbook schema`: the JSON Schemas of the files that people write."""

from __future__ import annotations

import json

import click


@click.command()
@click.argument("what", type=click.Choice(["runbook", "steps", "drill", "escalation"]), default="runbook")
def schema(what: str) -> None:
    """Print the JSON Schema of runbooks, of the lists of steps that they include, of drills, or of policies."""
    from playbook_engine.app.schemas import schema_of

    click.echo(json.dumps(schema_of(what), indent=2, ensure_ascii=False))
