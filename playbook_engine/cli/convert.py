"""`runbook convert`: a playbook as runbooks."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from playbook_engine.cli.options import make_app


@click.command()
@click.argument("playbook", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "-o", "--output", type=click.Path(file_okay=False, path_type=Path), help="The folder; else the playbook's."
)
@click.option("--stdout", "to_stdout", is_flag=True, help="Print the texts, write nothing.")
@click.option("--force", is_flag=True, help="Overwrite files that are there.")
@click.option("--json", "as_json", is_flag=True, help="What was written, and what to look at, as JSON.")
def convert(playbook: Path, output: Path | None, to_stdout: bool, force: bool, as_json: bool) -> None:
    """Write PLAYBOOK as runbooks: one for each play, and files of steps. It is said which steps lack a rollback."""
    from playbook_engine.app.converting import converted, written

    app = make_app()
    folder = output or playbook.parent
    made = converted(app, playbook, folder)
    if to_stdout:
        for name, text in made.texts.items():
            click.echo(f"# {name}\n{text}")
    else:
        written(made, folder, force=force)
    if as_json:
        notes = {
            kind: [{"where": str(n.where), "what": n.what} for n in found]
            for kind, found in (("without_rollback", made.unsaid), ("look_at", made.notes))
        }
        click.echo(json.dumps({"runbooks": made.runbooks, "files": list(made.texts), **notes}))
        return
    if not to_stdout:
        for name in made.texts:
            click.echo(f"wrote {folder / name}", err=True)
    for note in made.unsaid:
        click.echo(f"{note.where}: lacks a rollback: {note.what}", err=True)
    for note in made.notes:
        click.echo(f"{note.where}: {note.what}", err=True)
    for name in made.runbooks:
        click.echo(f"run it: runbook run {folder / name}", err=True)
    sys.exit(0)
