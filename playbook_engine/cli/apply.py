"""`runbook apply`: do exactly what a plan says, after looking whether the hosts are still as they were."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from playbook_engine.cli.options import (
    ask_about_key,
    command_line,
    forks_option,
    lock_options,
    make_app,
    max_hosts_option,
    on_terminal,
    operator,
    options,
    vault_options,
    watchers,
)


@click.command()
@click.argument("file", type=click.Path(dir_okay=False))
@click.option("-D", "--diff", is_flag=True, help="Show the differences that are made.")
@forks_option
@click.option("--reason", default="", help="Why; stands in the journal.")
@click.option("--yes-i-mean", "mean", type=int, metavar="N", help="Exactly N hosts; what is protected wants it.")
@max_hosts_option
@click.option("-v", "--verbose", count=True, help="Show output; -vv shows evidence.")
@click.option("--json", "as_json", is_flag=True, help="Events as JSON lines on stdout, nothing else.")
@lock_options
@vault_options
def apply(
    file: str, diff: bool, forks: int, reason: str, mean: int | None, max_hosts: int | None, verbose: int,
    as_json: bool, wait: float, take_over: str,
) -> None:  # fmt: skip
    """Apply the plan in FILE: its runbook, parameters and hosts, as they were when `runbook plan` saved it.

    All hosts are looked at again first. Exit code 1, and nothing touched: the plan was changed, has expired, was
    applied already, or a host is not as it was.
    """
    from playbook_engine.app import plans
    from playbook_engine.app.consent import Consent, agreed, bounded

    app = make_app()
    saved = plans.load(app, Path(file))
    hosts = saved.plan.hosts
    bounded(app, hosts, max_hosts)
    agreed(app, saved.plan.runbook, hosts, Consent(mean=mean, terminal=on_terminal()), named=True)
    if not as_json:
        click.echo(f"apply {saved.run} · looking whether anything has moved on {len(hosts)} host(s)")
    end = plans.apply(
        app, saved,
        options(check=False, diff=diff, forks=forks, reason=reason, wait=wait, take_over=take_over), command_line(),
        watchers(app, as_json=as_json, verbose=verbose, diff=diff, steps=saved.plan.runbook.count()),
        ask_about_key if on_terminal() else None, operator(),
    )  # fmt: skip
    sys.exit(end.code)
