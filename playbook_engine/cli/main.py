"""The entry point: what needs no command is answered before anything is imported; errors become text and a code."""

from __future__ import annotations

import gc

gc.set_threshold(100_000)  # importing makes hundreds of thousands of objects that stay, and each collection visits them

import os  # noqa: E402
import sys  # noqa: E402

from playbook_engine.cli import quick  # noqa: E402


def _open_streams() -> None:
    """A daemon may have closed its streams: nobody is there then, and no journal or socket may get their numbers."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
            setattr(sys, name, open(number, "w" if number else "r", encoding="utf-8"))  # noqa: SIM115


def main() -> None:
    """The console script."""
    _open_streams()
    try:
        said = quick.answer(sys.argv[1:], os.environ)
        if said is not None:
            sys.stdout.write(said)
            sys.stdout.flush()
            sys.exit(0)
    except BrokenPipeError:
        _flush()
        sys.exit(1)
    import click

    from playbook_engine.cli.group import cli
    from playbook_engine.model.errors import EngineError

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
        _say(error.render())
        code = error.exit_code
    except KeyboardInterrupt:
        click.echo("interrupted", err=True)
        code = 99
    except BrokenPipeError:
        code = 1
    _flush()
    sys.exit(code if isinstance(code, int) else 0)


def _say(text: str) -> None:
    import click

    from playbook_engine.report.colour import coloured

    typed = sys.argv[: sys.argv.index("--")] if "--" in sys.argv else sys.argv
    flag = False if "--no-color" in typed else True if "--color" in typed else None
    colour = coloured(sys.stderr, os.environ, flag=flag)
    click.echo(click.style("error: ", fg="red", bold=True, reset=True) + text, err=True, color=colour)


def _flush() -> None:
    """A reader who has left (`| head`) is no error of this command, and Python would complain of one as it ends."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
