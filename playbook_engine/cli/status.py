"""`runbook status`: what is going on, and what died on the way."""

from __future__ import annotations

import click

from playbook_engine.cli.options import make_app
from playbook_engine.cli.show import paper


@click.command()
def status() -> None:
    """Runs that are going on, and runs that died: their journals neither end nor are being written."""
    from playbook_engine.model.errors import EngineError
    from playbook_engine.report.subject import RunState, Subject, read
    from playbook_engine.report.terminal import status as shown

    app = make_app()
    ended = {row.run for row in app.index.runs() if row.exit_code is not None}
    found: list[Subject | tuple[str, str]] = []
    for run in app.store.runs():
        if run in ended:
            continue
        try:
            each = read(app.store, run)
        except EngineError as error:
            found.append((run, f"cannot be read: {error.message}"))
            continue
        if each.state in (RunState.LIVE, RunState.DEAD):
            found.append(each)
    sheet = paper()
    shown(sheet, found)
    click.echo(sheet.text(), nl=False)
