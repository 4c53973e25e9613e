"""The command line. Commands are imported when they are used: `runbook --help` pays for none of them."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping

import click

from playbook_engine import __version__
from playbook_engine.model.errors import EngineError

COMMANDS: Mapping[str, tuple[str, str]] = {
    "run": ("run", "Run a runbook on hosts"),
    "plan": ("plan", "Say what a runbook would do, and save it for apply"),
    "apply": ("apply", "Do exactly what was planned, refusing if the hosts have moved"),
    "exec": ("exec", "One action now, journaled and undoable: exec HOST -m copy -a …"),
    "resume": ("resume", "Go on with a run that died, was interrupted, or lost hosts"),
    "approve": ("approve", "Agree to what a run waits for, or not"),
    "pause": ("pause", "Hold a run that goes on, at its next steps"),
    "abort": ("pause", "Stop a run that goes on, at its next steps"),
    "handover": ("handover", "Give a run to a colleague on another machine, or take one"),
    "rollback": ("rollback", "Take back what a run changed"),
    "drill": ("drill", "Break a lab host, run the runbook, score it"),
    "ack": ("ack", "Take an escalation: nobody further up is woken"),
    "escalations": ("ack", "Who was told what, and who has answered"),
    "escalation": ("escalation", "Simulate a policy, look at an escalation, end it"),
    "audit": ("audit", "Run checks only and write the evidence report"),
    "audit-report": ("audit_report", "Say what contradicts what in a status report that a person wrote"),
    "report": ("report", "Render a run's reports: Markdown, HTML, JSON"),
    "incident": ("incident", "Gather what belongs to an incident, for its document"),
    "show": ("show", "One run: hosts, steps, evidence"),
    "diff": ("diff", "Two runs: what is different about them"),
    "evidence": ("evidence", "Runs in one file that an auditor can verify offline"),
    "history": ("history", "All runs"),
    "status": ("status", "Runs that are going on, or died"),
    "lint": ("lint", "Say what is wrong with runbooks before they run"),
    "docs": ("docs", "A runbook as the procedure a person could follow by hand"),
    "schema": ("schema", "JSON Schema of runbooks, for editors"),
    "actions": ("actions", "The actions and their arguments"),
    "inventory": ("inventory", "The inventory as it is understood"),
    "hosts": ("hosts", "The hosts that a pattern names"),
    "eval": ("eval", "Try a template or a condition"),
    "lab": ("lab", "Test hosts on this machine, whole or broken"),
}


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
        return command

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
                raise click.UsageError(f"{error.message} Did you mean {close[0]}?", ctx) from error
            raise


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="runbook")
def cli() -> None:
    """Repair hosts by runbook: checked before, proved after, taken back when it fails.

    \b
    The first minute:
      runbook exec web1 -m copy -a 'src=app.conf dest=/etc/app.conf'
      runbook rollback last
    """


def _open_streams() -> None:
    """A daemon may have closed its streams: nobody is there then, and no journal or socket may get their numbers."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
            setattr(sys, name, open(number, "w" if number else "r", encoding="utf-8"))  # noqa: SIM115


def main() -> None:
    """The entry point: errors become text, advice and an exit code."""
    _open_streams()
    try:
        code = cli.main(standalone_mode=False)
    except click.exceptions.Abort:
        code = 99
    except click.exceptions.Exit as error:
        code = error.exit_code
    except click.ClickException as error:
        error.show()
        code = 5 if isinstance(error, click.UsageError) else error.exit_code
    except EngineError as error:
        click.echo(click.style("error: ", fg="red", bold=True, reset=True) + error.render(), err=True)
        code = error.exit_code
    except KeyboardInterrupt:
        click.echo("interrupted", err=True)
        code = 99
    except BrokenPipeError:
        code = 1
    sys.exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    main()
