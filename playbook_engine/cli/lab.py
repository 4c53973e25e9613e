"""`runbook lab`: test hosts on this machine, whole or broken."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

import click

from playbook_engine.cli.options import settings

if TYPE_CHECKING:
    from playbook_engine.lab.host import LabHost
    from playbook_engine.lab.lab import Lab


def _lab() -> Lab:
    from playbook_engine.lab.lab import Lab

    return Lab(settings().state)


@click.group(name="lab")
def lab() -> None:
    """Real hosts on this machine, to try runbooks on: up, break, heal, down.

    Each has its own mounts, processes, network and small disk, a real OpenSSH server, and runit as pid 1: full
    disks, services, reboots and partitions are real. Needs root, or `runbook lab enter`.
    """


@lab.command()
@click.argument("what", type=click.Choice(["plain", "sick"]), default="plain", required=False)
@click.option("-n", "count", type=click.IntRange(1, 1000), default=1, help="How many hosts.")
@click.option("--name", help="Its name; several get NAME1, NAME2 ...  [default: labN, sick]")
@click.option("--size", help="The disk, e.g. 64m or 3g.  [default: 128m]")
@click.option("--inodes", help="Inodes of the disk, e.g. 20k.  [default: 50k]")
@click.option("--python", default="system", show_default=True, help="system, none, or the prefix of a Python.")
@click.option("--init", type=click.Choice(["runit", "sh"]), default="runit", show_default=True, help="Pid 1.")
@click.option("--bind", "binds", multiple=True, metavar="SRC=DST", help="Show a directory to the host, read-only.")
@click.option("--readonly", is_flag=True, help="Boot with a read-only disk.")
@click.option("--no-tmp", is_flag=True, help="A host without /tmp.")
@click.option("--tmp-noexec", is_flag=True, help="Mount /tmp noexec.")
@click.option("--no-sudo", is_flag=True, help="A host without sudo.")
@click.option("--latency-ms", type=click.IntRange(0), default=969, show_default=True, help="sick: of the exchange.")
@click.option("--market", type=click.Choice(["open", "closed"]), default="open", show_default=True, help="sick: hours.")
@click.option("--no-fill", is_flag=True, help="sick: leave the disk with room.")
@click.option("--without-mlflow-wheels", is_flag=True, help="sick: do not fetch or bind the wheelhouse.")
@click.pass_context
def up(
    context: click.Context,
    what: str,
    count: int,
    name: str | None,
    size: str | None,
    inodes: str | None,
    python: str,
    init: str,
    binds: tuple[str, ...],
    readonly: bool,
    no_tmp: bool,
    tmp_noexec: bool,
    no_sudo: bool,
    latency_ms: int,
    market: str,
    no_fill: bool,
    without_mlflow_wheels: bool,
) -> None:
    """Make hosts: plain ones, or `sick`, the ailing system."""
    from playbook_engine.lab.spec import Bind, HostSpec, Init, parse_amount

    _refuse_options_of_the_other(context, what)
    if what == "sick":
        from playbook_engine.lab.sick import Sickness, bring_up

        sickness = Sickness(
            name=name or "sick",
            latency_ms=latency_ms,
            market_open=market == "open",
            filled=not no_fill,
            mlflow_wheels=not without_mlflow_wheels,
        )
        made = [bring_up(_lab(), sickness, say=_say)]
    else:
        specs = [
            HostSpec(
                name=name if name is None or count == 1 else f"{name}{number}",
                size_bytes=parse_amount(size or "128m"),
                inodes=parse_amount(inodes or "50k"),
                python=python,
                init=Init(init),
                binds=tuple(Bind.parse(b) for b in binds),
                readonly=readonly,
                tmp=not no_tmp,
                tmp_noexec=tmp_noexec,
                sudo=not no_sudo,
            )
            for number in range(1, count + 1)
        ]
        made = _lab().up(specs)
    for host in made:
        click.echo(f"{host.name:12} {host.address}")
    click.echo(f"use: -i {_lab().inventory}")


_OF_SICK = ("latency_ms", "market", "no_fill", "without_mlflow_wheels")
_OF_BOTH = ("what", "name")


def _refuse_options_of_the_other(context: click.Context, what: str) -> None:
    """An option that would be ignored is a mistake of whoever gave it."""
    for option in context.command.params:
        name = option.name or ""
        given = context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
        if given and name not in _OF_BOTH and (name in _OF_SICK) != (what == "sick"):
            wanted = "`lab up sick`" if name in _OF_SICK else "plain hosts; the ailing host is always the same"
            raise click.UsageError(f"{option.opts[0]} is for {wanted}", ctx=context)


@lab.command()
@click.argument("names", nargs=-1)
def down(names: tuple[str, ...]) -> None:
    """Take hosts down, all unless some are named. Nothing is left of them."""
    gone = _lab().down(names or None)
    click.echo(f"down: {', '.join(gone)}" if gone else "there was nothing to take down")


@lab.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def list_(as_json: bool) -> None:
    """Show the hosts, their disks and the faults in force."""
    rows = [_describe(h) for h in _lab().hosts()]
    if as_json:
        click.echo(json.dumps({"inventory": str(_lab().inventory), "hosts": rows}, indent=2))
        return
    if not rows:
        click.echo("no lab hosts; `runbook lab up` makes one")
        return
    for row in rows:
        disk = f"{row['free_mib']} of {row['size_mib']} MiB free" if "size_mib" in row else ""
        faults = f"  broken: {', '.join(row['faults'])}" if isinstance(row["faults"], list) and row["faults"] else ""
        half = "" if row["finished"] else "  half made"
        click.echo(f"{row['name']:12} {row['address']:15} {row['state']:8} {disk}{half}{faults}")
    click.echo(f"use: -i {_lab().inventory}")


def _describe(host: LabHost) -> dict[str, object]:
    from playbook_engine.lab import faults
    from playbook_engine.lab.host import HostState

    state = host.state()
    row: dict[str, object] = {
        "name": host.name,
        "address": host.address,
        "state": state,
        "finished": not host.unfinished.exists(),
        "python": host.python,
        "groups": list(host.groups),
        "faults": [f"{fault} {arg}".strip() for fault, arg in faults.active(host).items()],
    }
    if state is HostState.UP:
        disk = os.statvfs(host.root())
        row |= {
            "size_mib": (disk.f_blocks * disk.f_frsize) >> 20,
            "free_mib": (disk.f_bavail * disk.f_frsize) >> 20,
            "free_bytes": disk.f_bavail * disk.f_frsize,
            "inodes": disk.f_files,
            "free_inodes": disk.f_favail,
        }
    return row


@lab.command(name="exec", context_settings={"ignore_unknown_options": True})
@click.argument("host")
@click.argument("argv", nargs=-1, required=True, type=click.UNPROCESSED)
def exec_(host: str, argv: tuple[str, ...]) -> None:
    """Run a command on a host as root, past SSH: also where SSH is broken."""
    import subprocess

    command = _lab().host(host).argv(argv, terminal=os.environ.get("TERM", "dumb"))
    sys.exit(subprocess.run(command, check=False).returncode)


@lab.command(context_settings={"ignore_unknown_options": True})
@click.argument("argv", nargs=-1, required=True, type=click.UNPROCESSED)
def enter(argv: tuple[str, ...]) -> None:
    """Run a command where an ordinary user can use the lab.

    It runs in a user namespace of its own; the hosts that it makes end with it.
    """
    from playbook_engine.lab.enter import enter as enter_namespace

    sys.exit(enter_namespace(argv))


@lab.command(name="break")
@click.argument("host")
@click.argument("fault")
@click.argument("arg", required=False)
def break_(host: str, fault: str, arg: str | None) -> None:
    """Break a host.

    FAULT is one of: fill, fill-inodes, readonly, kill-sshd, freeze, reboot [SECONDS], partition, blackhole, reject,
    newkey, clock [SECONDS], service-kill NAME, stale-heartbeat NAME, slow-api MS, corrupt-file PATH,
    expired-certificate.
    """
    click.echo(f"{host}: {_lab().break_(host, fault, arg)}")


@lab.command()
@click.argument("host")
def heal(host: str) -> None:
    """Undo every fault of a host."""
    healed = _lab().heal(host)
    click.echo(f"{host}: {', '.join(healed)} healed" if healed else f"{host}: nothing was broken")


def _say(text: str) -> None:
    click.echo(text, err=True)


def main() -> None:
    """`python -m playbook_engine.cli.lab`: the group on its own."""
    from playbook_engine.model.errors import EngineError

    try:
        lab()
    except EngineError as error:
        click.echo(f"error: {error.render()}", err=True)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
