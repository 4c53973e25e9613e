"""`runbook show`: one run, from its journal."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

import click

from playbook_engine.cli.options import in_colour, make_app

if TYPE_CHECKING:
    from playbook_engine.report.terminal import Paper


@click.command()
@click.argument("run", default="last")
@click.option("--events", is_flag=True, help="Every record as a JSON line, nothing sealed.")
@click.option("--evidence", is_flag=True, help="All records that a status can stand on.")
@click.option("--json", "as_json", is_flag=True, help="The run report as JSON.")
def show(run: str, events: bool, evidence: bool, as_json: bool) -> None:
    """Show RUN (an id, a unique part of one, or `last`): hosts, steps, changes, evidence."""
    import json
    from datetime import UTC, datetime

    from playbook_engine.app.reports import subject
    from playbook_engine.model.events import SEALED, VERSION, fields
    from playbook_engine.report.render import render
    from playbook_engine.report.run import run_report
    from playbook_engine.report.terminal import show as shown

    app = make_app()
    about = subject(app, run)
    if events or as_json:
        for fault in about.faults:
            click.echo(f"! {fault}", err=True)
    if events:
        for record in about.view.records:
            data = {k: v for k, v in fields(record.event).items() if k not in SEALED}
            head = {"seq": record.seq, "at": record.at, "event": type(record.event).__name__, "v": VERSION}
            click.echo(app.redactor.text(json.dumps({**head, **data}, default=str)))
        return
    report = run_report(about, datetime.now(UTC))
    if as_json:
        click.echo(render(report, "json", app.redactor.text), nl=False)
        return
    sheet = paper()
    shown(sheet, report, evidence=evidence)
    click.echo(app.redactor.text(sheet.text()), nl=False)


def paper() -> Paper:
    """What a command prints on: as wide as the terminal, in colour where that is wanted."""
    from playbook_engine.report.terminal import Paper

    wide = shutil.get_terminal_size((100, 24)).columns if sys.stdout.isatty() else 200
    return Paper(colour=in_colour(sys.stdout), width=wide)
