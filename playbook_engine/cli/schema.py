"""`runbook schema`: the JSON Schema of runbooks."""

from __future__ import annotations

import json

import click


@click.command()
def schema() -> None:
    """Print the JSON Schema of runbook files, for editors."""
    from playbook_engine.loading.json_schema import runbook_schema

    click.echo(json.dumps(runbook_schema(), indent=2))
