"""`runbook help`: the same as `--help`."""

from __future__ import annotations

import click


@click.command("help")
@click.argument("words", nargs=-1, metavar="[COMMAND]...")
@click.pass_context
def help_(ctx: click.Context, words: tuple[str, ...]) -> None:
    """Say what COMMAND does, and what it takes: `runbook help run`, `runbook help lab up`."""
    context = ctx.find_root()
    for word in words:
        group = context.command
        if not isinstance(group, click.Group):
            raise click.UsageError(f"{group.name} has no commands below it", ctx)
        name, command, _ = group.resolve_command(context, [word])
        assert command is not None
        context = click.Context(command, info_name=name, parent=context)
    click.echo(context.get_help(), color=ctx.color)
