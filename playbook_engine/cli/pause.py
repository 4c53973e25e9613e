"""`runbook pause` and `runbook abort`: stop a run that goes on, from another terminal or by another person."""

from __future__ import annotations

import click

from playbook_engine.cli.options import make_app


@click.command()
@click.argument("run", default="last")
@click.option("--reason", default="", help="Why; stands in the journal.")
def pause(run: str, reason: str) -> None:
    """Hold RUN: each host finishes the step it is in. `runbook resume` goes on."""
    _ask("pause", run, reason)


@click.command()
@click.argument("run", default="last")
@click.option("--reason", default="", help="Why; stands in the journal.")
def abort(run: str, reason: str) -> None:
    """Stop RUN: each host finishes the step it is in. `runbook rollback` takes back what was done."""
    _ask("abort", run, reason)


def _ask(wish: str, name: str, reason: str) -> None:
    from playbook_engine.app.runs import view_of
    from playbook_engine.journal.requests import Request, Requests, Wish
    from playbook_engine.model.errors import UsageError

    app = make_app()
    run = app.store.find(name)
    view = view_of(app, run)
    if view.finished is not None or not app.store.read(run).live:
        raise UsageError(f"{run} is not going on", advice=f"`runbook show {run}` says how it ended")
    if view.started.kind == "rollback":
        raise UsageError(f"{run} takes changes back: half of that is worse than all of it, so it is not stopped")
    Requests(app.store.folder(run)).leave(Request(wish=Wish(wish), actor=app.settings.actor, reason=reason))
    then = "go on" if wish == "pause" else "take it back"
    command = "resume" if wish == "pause" else "rollback"
    click.echo(f"{run} stops when its hosts have finished the steps they are in; {then}: runbook {command} {run}")
