"""`runbook exec`: one action now, journaled and undoable like any run."""

from __future__ import annotations

import sys

import click

from playbook_engine.cli.options import (
    ask_about_key,
    command_line,
    inventory_options,
    lock_options,
    login_options,
    make_app,
    on_terminal,
    operator,
    options,
    run_options,
    vault_options,
    watchers,
)


@click.command("exec")
@click.argument("pattern")
@click.option("-m", "--module-name", "action", default="command", show_default=True, help="The action.")
@click.option("-a", "--args", "arguments", default="", help="Its arguments: key=value, a command, or JSON.")
@click.option("-b", "--become", is_flag=True, help="As root, through sudo.")
@click.option("--become-user", help="As this user.")
@click.option("--undo", "undo", metavar="CMD", help="The shell command that takes a command back.")
@click.option("--timeout", default="5m", show_default=True, help="Deadline on the host.")
@vault_options
@login_options
@inventory_options
@run_options
@lock_options
def exec_(
    pattern: str, action: str, arguments: str, become: bool, become_user: str | None, undo: str | None, timeout: str,
    inventory: tuple[str, ...], limit: str | None, extra: tuple[str, ...], check: bool, diff: bool, forks: int,
    reason: str, yes: bool, mean: int | None, max_hosts: int | None, verbose: int, as_json: bool,
    wait: float, take_over: str,
) -> None:  # fmt: skip
    """Do one action on the hosts of PATTERN: a host, a group, a pattern, user@host."""
    from playbook_engine.app.adhoc import adhoc
    from playbook_engine.app.consent import Consent, agreed, bounded, confirm_many
    from playbook_engine.app.runs import execute
    from playbook_engine.app.targets import targets
    from playbook_engine.engine.compile import compile_plan
    from playbook_engine.inventory.vars_files import parse_extra_vars

    app = make_app()
    given = parse_extra_vars(extra, app.templar)
    runbook = adhoc(
        app, action, arguments, become=become or bool(become_user), become_user=become_user, undo=undo, timeout=timeout
    )
    chosen = targets(app, inventory, pattern, limit, None, given)
    bounded(app, chosen.hosts, max_hosts)
    if check:
        confirm_many(chosen.hosts, yes=True, mean=mean, terminal=on_terminal())
    else:
        agreed(app, runbook, chosen.hosts, Consent(yes=yes, mean=mean, terminal=on_terminal()), named=True)
    app.dial(chosen.hosts[:forks])
    plan = compile_plan(
        runbook, chosen.hosts, given, kind="exec", others=chosen.others, groups=chosen.groups,
        command=command_line(), options=options(
            check=check, diff=diff, forks=forks, reason=reason, wait=wait, take_over=take_over
        ),
    )  # fmt: skip
    end = execute(
        app, plan, watchers(app, as_json=as_json, verbose=max(verbose, 1), diff=diff),
        ask_about_key if on_terminal() else None, operator=operator(),
    )  # fmt: skip
    sys.exit(end.code)
