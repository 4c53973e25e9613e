"""`runbook rollback`: take back what a run changed, from its journal."""

from __future__ import annotations

import sys

import click

from playbook_engine.cli.options import (
    command_line,
    forks_option,
    lock_options,
    make_app,
    max_hosts_option,
    options,
    vault_options,
    watchers,
)
from playbook_engine.model.outcome import HostStatus


@click.command()
@click.argument("run", default="last")
@click.option("-l", "--limit", multiple=True, help="Only these hosts.")
@click.option("-C", "--check", is_flag=True, help="Say what would be taken back, change nothing.")
@click.option("--force", is_flag=True, help="Also where somebody changed the same thing since.")
@forks_option
@max_hosts_option
@click.option("--reason", default="", help="Why; stands in the journal.")
@click.option("-v", "--verbose", count=True, help="Show more.")
@click.option("--json", "as_json", is_flag=True, help="Events as JSON lines on stdout, nothing else.")
@lock_options
@vault_options
def rollback(
    run: str, limit: tuple[str, ...], check: bool, force: bool, forks: int, max_hosts: int | None, reason: str,
    verbose: int, as_json: bool, wait: float, take_over: str,
) -> None:  # fmt: skip
    """Take back RUN: an id, a unique part of one, or `last` (the newest that changed something)."""
    from playbook_engine.app.runs import take_back

    app = make_app()
    name = app.last_changing() if run == "last" else app.store.find(run)
    hosts = [part for text in limit for part in text.split(",") if part]
    end = take_back(
        app, name,
        options(
            check=check, diff=False, forks=forks, reason=reason, force=force, wait=wait, take_over=take_over
        ),
        hosts,
        watchers(app, as_json=as_json, verbose=max(verbose, 1), diff=False), command_line(), max_hosts,
    )  # fmt: skip
    if run == "last" and not as_json and set(end.statuses.values()) == {HostStatus.OK}:
        older = [row.run for row in app.index.runs() if "changed" in row.statuses and row.kind in ("run", "exec")]
        if older:
            click.echo(f"the newest run that changed something is {older[-1]}: runbook rollback {older[-1]}")
    sys.exit(end.code)
