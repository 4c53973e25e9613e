"""`runbook handover`: give a run to a colleague on another machine, or take one."""

from __future__ import annotations

from pathlib import Path

import click

from playbook_engine.cli.options import make_app, on_terminal


@click.command()
@click.argument("run", required=False, metavar="[RUN]")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write the bundle to this file.")
@click.option("--take", type=click.Path(dir_okay=False, path_type=Path), help="Bring the run of this bundle here.")
@click.option("--to", default="", help="Who goes on with it; stands in the journal.")
@click.option("--reason", default="", help="Why; stands in the journal.")
@click.option(
    "--passphrase-file", type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Its first line is the passphrase; else it is asked for, or made up where there is no terminal.",
)  # fmt: skip
def handover(
    run: str | None, output: Path | None, take: Path | None, to: str, reason: str, passphrase_file: Path | None
) -> None:
    """Write RUN, with its key and the rollbacks of it, into one encrypted file: whoever takes it can resume it there or
    take it back. From then on it is not resumed here, unless it is handed back.

    The file opens with a passphrase. Send the two on different ways.
    """
    from playbook_engine.app import handover as bundles
    from playbook_engine.model.errors import UsageError

    app = make_app()
    if take is not None:
        if run or output or to or reason:
            raise UsageError("--take needs the file and nothing else", advice=f"runbook handover --take {take}")
        taken = bundles.take(app, take, _secret(passphrase_file, new=False))
        name, why = taken.manifest.run, f": {taken.manifest.reason}" if taken.manifest.reason else ""
        click.echo(f"{name} is here{' already' if taken.here else ''}: {taken.view.started.runbook}, ", nl=False)
        click.echo(f"handed over by {taken.manifest.by} at {taken.manifest.at}{why}")
        click.echo(f"what it did: runbook show {name}")
        click.echo(f"go on with it: runbook resume {name}; take it back: runbook rollback {name}")
        return
    if run is None or output is None:
        raise UsageError("which run, and into which file?", advice="runbook handover RUN -o FILE")
    name = app.last_changing() if run == "last" else app.store.find(run)
    given = _secret(passphrase_file, new=True)
    made = bundles.passphrase() if not given else ""
    bundles.give(app, name, output, given or made, to=to, reason=reason)
    click.echo(f"{name} is in {output}, and is not resumed here any more")
    if made:
        click.echo(f"its passphrase, shown this once: {made}")
    click.echo(f"on the other machine: runbook handover --take {output.name}")


def _secret(file: Path | None, *, new: bool) -> str:
    """The passphrase from a file or from the terminal; an empty one where a new one is to be made up.

    Raises UsageError.
    """
    from playbook_engine.model.errors import UsageError

    if file is not None:
        try:
            lines = file.read_text("utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"the passphrase cannot be read from {file}: {error}") from error
        if not lines or not lines[0]:
            raise UsageError(f"{file} is empty", advice="its first line is the passphrase")
        return lines[0]
    if on_terminal():
        return str(click.prompt("passphrase", hide_input=True, confirmation_prompt=new, err=True))
    if not new:
        raise UsageError("there is no terminal to ask for the passphrase on", advice="give --passphrase-file FILE")
    return ""
