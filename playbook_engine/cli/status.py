"""`runbook status`: what is going on, and what died on the way."""

from __future__ import annotations

import click

from playbook_engine.cli.options import make_app
from playbook_engine.cli.show import paper


@click.command()
def status() -> None:
    """Runs that are going on, runs that died (their journals neither end nor are being written), and runs that left
    hosts open: interrupted, paused, unreachable, in doubt. These can be resumed."""
    from playbook_engine.model.errors import EngineError
    from playbook_engine.report.subject import Subject, read
    from playbook_engine.report.terminal import status as shown

    app = make_app()
    known = {row.run for row in app.index.runs()}
    wanted = {row.run for row in app.index.open()}
    found: list[Subject | tuple[str, str]] = []
    for run in app.store.runs():
        if run in known and run not in wanted:
            continue
        try:
            each = read(app.store, run)
        except EngineError as error:
            found.append((run, f"cannot be read: {error.message}"))
            continue
        found.append(each)
    sheet = paper()
    if halted := app.halted():
        sheet.line(f"! {halted}", "31")
        sheet.line(f"  no run begins, and runs stop at their next step; lift it: rm {app.switch.path}")
    shown(sheet, found)
    click.echo(sheet.text(), nl=False)
