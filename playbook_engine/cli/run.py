"""`runbook run`: a runbook on hosts."""

from __future__ import annotations

import sys

import click
from click.core import ParameterSource

from playbook_engine.cli.options import (
    ask_about_key,
    become_options,
    command_line,
    confirming,
    course_options,
    drill_option,
    drilled,
    inventory_options,
    lock_options,
    login_options,
    make_app,
    on_terminal,
    only_listed,
    only_listing,
    operator,
    options,
    prompting,
    run_options,
    settings,
    vault_options,
    watchers,
)


@click.command()
@click.argument("runbook", required=False)
@click.argument("pattern", required=False)
@course_options
@click.option("--read-only", is_flag=True, help="Leave out probes that write.")
@vault_options
@login_options
@become_options
@inventory_options
@run_options
@lock_options
@drill_option
def run(
    runbook: str | None, pattern: str | None, tags: tuple[str, ...], skip_tags: tuple[str, ...], read_only: bool,
    inventory: tuple[str, ...], limit: str | None, extra: tuple[str, ...], check: bool, diff: bool, forks: int,
    reason: str, yes: bool, mean: int | None, max_hosts: int | None, verbose: int, as_json: bool,
    wait: float, take_over: str, drill: str,
) -> None:  # fmt: skip
    """Run RUNBOOK (a name, a file, or - for standard input) on the hosts of PATTERN.

    Without anything: list the runbooks there are.
    """
    if runbook is None:
        _there_are()
        return
    from playbook_engine.app.consent import Consent
    from playbook_engine.app.prepare import prepare

    app = make_app()
    document = None
    if runbook == "-":
        from playbook_engine.loading.yaml_source import read_from

        document = read_from(sys.stdin.buffer, "<stdin>", app.vault.file)
    plan = prepare(
        app, runbook, pattern, inventory=inventory, limit=limit, extra=extra, kind="run", command=command_line(),
        options=options(
            check=check, diff=diff, forks=forks, reason=reason, tags=tags, skip_tags=skip_tags, read_only=read_only,
            wait=wait, take_over=take_over,
        ),
        consent=Consent(yes=yes or only_listing(), mean=mean, terminal=on_terminal(), max_hosts=max_hosts),
        ask=prompting(), document=document,
    )  # fmt: skip
    from playbook_engine.app.runs import execute

    if only_listed(plan):
        app.hang_up()
        return
    plan, waiting = drilled(app, plan, drill)
    end = execute(
        app, plan, [*watchers(app, as_json=as_json, verbose=verbose, diff=diff, steps=plan.runbook.count()), *waiting],
        ask_about_key if on_terminal() else None, confirming(), operator(),
    )  # fmt: skip
    sys.exit(end.code)


def _there_are() -> None:
    """Names and titles, for whoever has forgotten what it is called."""
    from playbook_engine.loading.finding import titles
    from playbook_engine.model.errors import UsageError

    ctx = click.get_current_context()
    given = [p for p in ctx.command.params if ctx.get_parameter_source(str(p.name)) is ParameterSource.COMMANDLINE]
    if any(param.name != "colour" for param in given):
        raise UsageError("which runbook?", advice="`runbook run` alone lists those there are")
    found = titles(settings().runbook_path)
    wide = max((len(name) for name in found), default=0)
    for name, title in found.items():
        click.echo(f"{name:{wide}}  {title}".rstrip())
    if not found:
        click.echo("there are no runbooks: put one into ./runbooks, or set `path`", err=True)
