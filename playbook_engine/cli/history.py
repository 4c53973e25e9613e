"""`runbook history`: all runs."""

from __future__ import annotations

import dataclasses
import json

import click

from playbook_engine.cli.options import make_app
from playbook_engine.cli.show import paper


@click.command()
@click.option("-n", "--number", default=20, show_default=True, help="The newest; 0 for all.")
@click.option("--host", help="Only runs on this host.")
@click.option(
    "--kind", type=click.Choice(["run", "exec", "audit", "rollback", "plan", "check"]), help="Only of this kind."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, from the index.")
def history(number: int, host: str | None, kind: str | None, as_json: bool) -> None:
    """List runs, oldest first, with what is wrong with their journals."""
    from playbook_engine.model.errors import EngineError
    from playbook_engine.report.subject import Subject, read
    from playbook_engine.report.terminal import history as listed

    app = make_app()
    if as_json:
        rows = [r for r in app.index.runs() if (not host or host in r.hosts) and (not kind or r.kind == kind)]
        for row in rows[-number:] if number else rows:
            click.echo(json.dumps(dataclasses.asdict(row)))
        return
    # The journals themselves are read, not their index: only they say whether they are whole.
    found: list[Subject | tuple[str, str]] = []
    for run in reversed(app.store.runs()):
        try:
            each = read(app.store, run)
        except EngineError as error:
            if not host and not kind:
                found.append((run, error.message))
        else:
            if (host and host not in each.view.hosts) or (kind and each.view.started.kind != kind):
                continue
            found.append(each)
        if number and len(found) >= number:
            break
    sheet = paper()
    if found:
        listed(sheet, found[::-1])
    else:
        sheet.line(f"there are no runs yet in {app.settings.state}")
    click.echo(sheet.text(), nl=False)
