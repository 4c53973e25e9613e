"""The commands as click has them; each is imported when it is used."""

from __future__ import annotations

import importlib

import click

from playbook_engine import __version__
from playbook_engine.cli.colour import colour_option, keep_colour
from playbook_engine.cli.commands import ABOUT, COMMANDS
from playbook_engine.model.errors import EngineError

REDACT = "playbook_engine.redact"
"""Where a command leaves the function that takes secrets out of text."""


class LazyGroup(click.Group):
    """Knows names and one-line helps; imports a command's module when it is invoked."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"playbook_engine.cli.{COMMANDS[cmd_name][0]}")
        name = cmd_name.replace("-", "_")
        command = getattr(module, f"{name}_", None) or getattr(module, name)  # `exec_`, as exec is a function of Python
        assert isinstance(command, click.Command)
        return _with_colour(command)

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except EngineError as error:
            if redact := ctx.meta.get(REDACT):
                error.masked(redact)  # whose message may quote a value that came out of a vault
            raise

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            import difflib

            close = difflib.get_close_matches(args[0], COMMANDS, 1)
            if close:
                raise click.UsageError(f"No such command {args[0]!r}. Did you mean {close[0]}?", ctx) from error
            raise


def _with_colour(command: click.Command) -> click.Command:
    """With the options that every command takes; said once, at `runbook --help`."""
    if not any(param.name == "colour" for param in command.params):
        command.params.append(colour_option())
    if isinstance(command, click.Group):
        for below in command.commands.values():
            _with_colour(below)
    return command


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="runbook")
@click.option(
    "--color/--no-color",
    "colour",
    default=None,
    expose_value=False,
    callback=keep_colour,
    help="Colours, or none; else as the terminal has them.",
)
def cli() -> None:
    pass


cli.help = ABOUT
