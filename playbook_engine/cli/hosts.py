"""`runbook hosts`: whom a pattern means."""

from __future__ import annotations

import json
import sys

import click

from playbook_engine.cli.inventory import open_inventory
from playbook_engine.cli.options import vault_options


@click.command("hosts", short_help="List the hosts of a pattern.")
@click.argument("pattern", default="all")
@click.option("-i", "--inventory", "sources", multiple=True, metavar="SOURCE",
              help="A file, directory, script, or `host1,host2,`; repeatable.")  # fmt: skip
@click.option("-l", "--limit", metavar="PATTERN", help="Only these hosts of them.")
@click.option("-e", "--extra-vars", "extra", multiple=True, metavar="VARS", help="name=value, JSON, or @file; wins.")
@click.option("--list-hosts", is_flag=True, hidden=True, help="As `ansible` spells it; this is what the command does.")
@click.option("--json", "as_json", is_flag=True, help="A JSON list.")
@vault_options
def hosts(
    pattern: str, sources: tuple[str, ...], limit: str | None, extra: tuple[str, ...], list_hosts: bool, as_json: bool
) -> None:
    """Print the hosts that PATTERN means, one a line, in the order in which a run takes them.

    `web:&prod:!web3`, `db*`, `~web[0-9]+`, `web[0:2]`, `@file`. A pattern that means nobody prints nothing.
    """
    inventory = open_inventory(sources, extra, None)
    unknown: list[str] = []
    names = inventory.select_names(pattern, limit, unknown)
    if unknown and not names and not list_hosts:
        inventory.select_names(pattern, limit)  # raises, with what was probably meant
    for name in unknown:
        click.echo(f"warning: {name!r} is neither a host nor a group; a run would refuse it", err=True)
    if as_json:
        json.dump(names, sys.stdout)
        sys.stdout.write("\n")
    else:
        sys.stdout.writelines(f"{name}\n" for name in names)
