"""`runbook diff`: two runs, and what is different about them."""

from __future__ import annotations

import sys

import click

from playbook_engine.cli.options import make_app
from playbook_engine.cli.show import paper


@click.command()
@click.argument("run1")
@click.argument("run2")
@click.option("--json", "as_json", is_flag=True, help="The same as `--format json`.")
@click.option("--format", "form", type=click.Choice(["text", "md", "html", "json"]), default="text", show_default=True)
def diff(run1: str, run2: str, as_json: bool, form: str) -> None:
    """Compare RUN1 with RUN2, the later one: how they were asked, how they ended, what they changed and measured.

    Exit code 0: the same; 2: they differ, or one of the journals is not whole. Times alone are no difference.
    """
    from playbook_engine.app.diff import diff as compared
    from playbook_engine.report.diff_text import show
    from playbook_engine.report.render import render

    app = make_app()
    found = compared(app, run1, run2)
    if as_json or form != "text":
        click.echo(render(found, "json" if as_json else form, app.redactor.text), nl=False)
    else:
        sheet = paper()
        show(sheet, found)
        click.echo(app.redactor.text(sheet.text()), nl=False)
    sys.exit(0 if found.same else 2)
