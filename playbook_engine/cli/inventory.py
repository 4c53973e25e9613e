"""`runbook inventory`: what the inventory says, in the shapes of `ansible-inventory`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from playbook_engine.cli.options import configuration, make_vault, settings, vault_options

if TYPE_CHECKING:
    from playbook_engine.inventory.inventory import Inventory


@click.command("inventory", short_help="Show hosts, groups and their variables.")
@click.option("-i", "--inventory", "sources", multiple=True, metavar="SOURCE",
              help="A file, directory, script, or `host1,host2,`; repeatable.")  # fmt: skip
@click.option("--list", "mode", flag_value="list", help="Everything, as JSON.")
@click.option("--graph", "mode", flag_value="graph", help="The tree of groups; of GROUP when one is named.")
@click.option("--host", metavar="NAME", help="The variables of one host, as JSON.")
@click.option(
    "--explain",
    "explained",
    metavar="HOST",
    help="Where its variables come from; of the variable named after it, every place that gives it a value.",
)
@click.option("--json", "as_json", is_flag=True, help="With --explain: JSON.")
@click.option("--vars", "with_variables", is_flag=True, help="With --graph: variables too.")
@click.option("-y", "--yaml", "as_yaml", is_flag=True, help="YAML instead of JSON.")
@click.option(
    "--export",
    is_flag=True,
    help="With --list, --host: variables where they are written, those of groups with their group.",
)
@click.option("-l", "--limit", metavar="PATTERN", help="Only these hosts.")
@click.option("-e", "--extra-vars", "extra", multiple=True, metavar="VARS", help="name=value, JSON, or @file; wins.")
@click.option("--playbook-dir", type=click.Path(exists=True, file_okay=False), metavar="DIR",
              help="Whose group_vars and host_vars count too.")  # fmt: skip
@vault_options
@click.argument("group", required=False)
def inventory(
    sources: tuple[str, ...],
    mode: str | None,
    host: str | None,
    explained: str | None,
    as_json: bool,
    with_variables: bool,
    as_yaml: bool,
    export: bool,
    limit: str | None,
    extra: tuple[str, ...],
    playbook_dir: str | None,
    group: str | None,
) -> None:
    """Print what the inventory says. Without an option: the graph."""
    from playbook_engine.inventory import listing

    if (mode is not None) + (host is not None) + (explained is not None) > 1:
        raise click.UsageError("give one of --list, --graph, --host, --explain")
    if explained is not None:
        _explain(open_inventory(sources, extra, playbook_dir, trail=True), explained, group, extra, as_json=as_json)
        return
    found = open_inventory(sources, extra, playbook_dir)
    if host is not None:
        _print((listing.alone if export else listing.as_host)(found, host), as_yaml)
        return
    unknown: list[str] = []
    shown = found.host_names if limit is None else dict.fromkeys(found.matching(limit, unknown))
    for name in unknown:
        click.echo(f"warning: {name!r} is neither a host nor a group", err=True)
    if mode == "list":
        _print((listing.as_tree if as_yaml else listing.as_list)(found, shown, export=export), as_yaml)
        return
    if limit is not None:
        click.echo("warning: --limit has no effect on a graph", err=True)
    sys.stdout.write(listing.as_graph(found, found.host_names, group or "all", with_variables=with_variables))


REACHED_BY = {
    "user": "ansible_user", "private_key": "ansible_private_key_file", "transport": "ansible_connection",
    "connect_timeout": "ansible_ssh_timeout",
}  # fmt: skip
"""Settings that stand in for variables which no inventory sets."""


def _explain(inventory: Inventory, host: str, variable: str | None, extra: tuple[str, ...], *, as_json: bool) -> None:
    from playbook_engine.inventory import explanation
    from playbook_engine.inventory.listing import as_json as printed
    from playbook_engine.inventory.vars_files import extra_vars

    layers = list(extra_vars(extra, inventory.templar, placed=True))
    said = {variable: configuration().said(setting) for setting, variable in REACHED_BY.items()}
    places = [explanation.usual(name, each.value, each.origin) for name, each in said.items() if each.is_set]
    places += [*explanation.candidates(inventory, host), *explanation.extra(extra, layers)]
    found = explanation.by_variable(places, variable, host)
    if as_json:
        variables = {
            name: {"value": explanation.masked(name, each[0].value), "candidates": [c.document() for c in each]}
            for name, each in found.items()
        }
        sys.stdout.write(printed({"host": host, "variables": variables}))
        return
    for line in explanation.lines(found, all_of_them=variable is not None):
        click.echo(line)


def open_inventory(
    sources: tuple[str, ...], extra: tuple[str, ...], playbook_dir: str | None, *, trail: bool = False
) -> Inventory:
    """The inventory of the options that every command shares; its warnings go to standard error."""
    from playbook_engine.inventory.inventory import load_inventory
    from playbook_engine.inventory.vars_files import parse_extra_vars
    from playbook_engine.templating.environment import Templar

    folder = Path(playbook_dir) if playbook_dir else None
    templar = Templar(search=[str(folder or Path.cwd())], vault=make_vault())
    inventory = load_inventory(
        sources, playbook_dir=folder, templar=templar, extra_vars=parse_extra_vars(extra, templar),
        usual=settings().inventory, trail=trail,
    )  # fmt: skip
    for warning in inventory.warnings:
        click.echo(f"warning: {warning}", err=True)
    return inventory


def _print(document: dict[str, object], as_yaml: bool) -> None:
    if as_yaml:
        import yaml

        from playbook_engine.inventory.listing import VAULTED

        class Dumper(yaml.SafeDumper):
            """Writes an encrypted value as it stands in a file."""

        def mapping(dumper: yaml.SafeDumper, value: dict[str, object]) -> yaml.Node:
            text = value.get(VAULTED) if len(value) == 1 else None
            if isinstance(text, str):
                return dumper.represent_scalar("!vault", text, style="|")
            return dumper.represent_dict(value)

        Dumper.add_representer(dict, mapping)
        yaml.dump(document, sys.stdout, Dumper, allow_unicode=True, sort_keys=True, default_flow_style=False)
    else:
        from playbook_engine.inventory.listing import as_json

        sys.stdout.write(as_json(document))
