"""`runbook ssh-config`: what ssh's configuration says of a host, as `ssh -G` prints it."""

from __future__ import annotations

import click


@click.command("ssh-config", short_help="What ssh's configuration says of a host.")
@click.argument("host")
@click.option("-G", "print_", is_flag=True, hidden=True, help="As `ssh` spells it; this is what the command does.")
@click.option("-F", "config", metavar="FILE", help="This configuration file, and no other.")
@click.option("-J", "jump", metavar="HOSTS", help="By way of these jump hosts.")
@click.option("-i", "identities", multiple=True, metavar="FILE", help="With this key.")
@click.option("-l", "user", metavar="NAME", help="As this user.")
@click.option("-o", "options", multiple=True, metavar="KEY=VALUE", help="With this option.")
@click.option("-p", "port", type=int, metavar="PORT", help="At this port.")
def ssh_config(
    host: str, print_: bool, config: str | None, jump: str | None, identities: tuple[str, ...], user: str | None,
    options: tuple[str, ...], port: int | None,
) -> None:  # fmt: skip
    """Print what a connection to HOST goes by, a `key value` on each line.

    The same answer from which a run connects: the user's file and the system's, Include and Match and all.
    """
    from playbook_engine.transport.ssh_config import said

    given = [("-F", config), ("-J", jump), ("-l", user), ("-p", str(port) if port is not None else None)]
    args = [part for flag, value in given if value is not None for part in (flag, value)]
    args += [part for each in identities for part in ("-i", each)]
    args += [part for each in options for part in ("-o", each)]
    for key, value in said(host, args):
        click.echo(f"{key} {value}".rstrip())
