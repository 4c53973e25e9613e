"""`runbook module`: one action on one host, answered as one JSON object with the keys of Ansible's module."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from playbook_engine.cli.options import Duration, command_line, make_app, operator, options

if TYPE_CHECKING:
    from playbook_engine.app.wiring import App


@click.command()
@click.argument("name")
@click.argument("host", default="localhost")
@click.option("-a", "--args", "arguments", default="", help="Its arguments: JSON, key=value, or a command.")
@click.option("-e", "--extra-vars", "extra", multiple=True, help="Variables for templates: JSON, key=value, or @file.")
@click.option("-i", "--inventory", "inventory", multiple=True, help="Inventory: file, folder, script, or a,b,")
@click.option("-c", "--connection", help="How HOST is reached: ssh or local; localhost is local anyway.")
@click.option("-C", "--check", is_flag=True, help="Change nothing, say what would be done.")
@click.option("-b", "--become", is_flag=True, help="As root, through sudo.")
@click.option("--become-user", help="As this user.")
@click.option("--reason", default="", help="Why; stands in the journal.")
@click.option("--wait", type=Duration(), default="60", show_default=True, metavar="TIME",
              help="Wait so long for another run on HOST to end.")  # fmt: skip
@click.option("--timeout", default="5m", show_default=True, help="Deadline on the host.")
def module(
    name: str, host: str, arguments: str, extra: tuple[str, ...], inventory: tuple[str, ...], connection: str | None,
    check: bool, become: bool, become_user: str | None, reason: str, wait: float,
    timeout: str,
) -> None:  # fmt: skip
    """Do the action NAME on HOST and print its answer, one JSON object. Journaled and undoable like any run.

    Exit code 0 when it was answered, 2 when it failed.
    """
    from playbook_engine.app.adhoc import adhoc
    from playbook_engine.app.answering import Answer, refused
    from playbook_engine.app.runs import execute
    from playbook_engine.app.targets import targets
    from playbook_engine.engine.compile import compile_plan
    from playbook_engine.inventory.vars_files import parse_extra_vars
    from playbook_engine.model.errors import EngineError, UsageError

    app = make_app()
    answer = Answer()
    try:
        given = dict(parse_extra_vars(extra, app.templar))
        if connection:
            given["ansible_connection"] = connection
        runbook = adhoc(
            app, name, arguments, become=become or bool(become_user), become_user=become_user, undo=None,
            timeout=timeout, command="module",
        )  # fmt: skip
        chosen = targets(app, inventory, host, None, None, given)
        if len(chosen.hosts) != 1:
            raise UsageError(
                f"{host} names {len(chosen.hosts)} hosts", advice="one action on one host; `runbook exec` does many"
            )
        plan = compile_plan(
            runbook, chosen.hosts, given, kind="exec", others=chosen.others, groups=chosen.groups,
            command=command_line(), options=options(check=check, diff=False, forks=1, reason=reason, wait=wait),
        )  # fmt: skip
        execute(app, plan, [answer], operator=operator())
    except EngineError as error:
        _print(app, refused(error.message, error))
    else:
        _print(app, answer.told(check=check))


def _print(app: App, told: Mapping[str, object]) -> None:
    """The answer on standard output, secrets masked; then the exit code that it means."""
    click.echo(app.redactor.text(json.dumps(told, default=str, ensure_ascii=False)))
    sys.exit(2 if told["failed"] else 0)
