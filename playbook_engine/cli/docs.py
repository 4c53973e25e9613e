"""`runbook docs`: a runbook as a procedure for people."""

from __future__ import annotations

import click

from playbook_engine.cli.options import make_app, vault_options


@click.command()
@click.argument("runbook")
@vault_options
def docs(runbook: str) -> None:
    """Print RUNBOOK as the procedure that a person could follow by hand (Markdown)."""
    from playbook_engine.app.prepare import loader
    from playbook_engine.loading.procedure import procedure

    click.echo(procedure(loader(make_app()).load(runbook)), nl=False)
