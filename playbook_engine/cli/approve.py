"""`runbook approve`: agree to what a run waits for, or refuse it."""

from __future__ import annotations

import click

from playbook_engine.cli.options import make_app, on_terminal


@click.command()
@click.argument("run", default="last")
@click.option("--no", "refuse", is_flag=True, help="Refuse: the run does as it says about failures.")
@click.option("--plan", "plan", metavar="HASH", help="What you agree to: the beginning of its hash, as it is shown.")
@click.option("--reason", default="", help="Why; stands in the journal.")
def approve(run: str, refuse: bool, plan: str | None, reason: str) -> None:
    """Show what RUN waits for, and answer it. Whoever started the run cannot.

    What you agree to is bound to the runbook, its parameters and its hosts. On a terminal you are asked; elsewhere
    --plan HASH says that you have seen what you agree to.
    """
    from playbook_engine.app.approval import give, waiting
    from playbook_engine.model.errors import UsageError

    app = make_app()
    name = app.store.find(run)
    asked = waiting(app, name)
    for line in asked.lines():
        click.echo(line)
    if not refuse and plan is None:
        if not on_terminal():
            raise UsageError("nobody is here to be asked", advice=f"say --plan {asked.plan[:12]}, or --no")
        if not click.confirm("Do you agree?"):
            click.echo("nothing was answered; --no refuses")
            return
    if plan is not None and (len(plan) < 8 or not asked.plan.startswith(plan)):
        raise UsageError(f"--plan {plan} is not what is waited for: that is {asked.plan[:12]}")
    give(app, asked, yes=not refuse, reason=reason)
    click.echo(f"{'refused' if refuse else 'agreed to'}: {asked.name}")
