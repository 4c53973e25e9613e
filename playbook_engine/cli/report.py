"""`runbook report`: a run's reports as files, from its journal."""

from __future__ import annotations

from pathlib import Path

import click

from playbook_engine.cli.options import make_app

FORMS = ("md", "html", "json", "pdf")
POST_INCIDENT = "post-incident"


def words(_context: click.Context, parameter: click.Parameter, given: str | None) -> tuple[str, ...]:
    """`md,html` as a tuple of known words."""
    found = tuple(w.strip() for w in (given or "").split(",") if w.strip())
    for word in found:
        if word not in FORMS:
            raise click.BadParameter(f"{word!r} is none of {', '.join(FORMS)}", param=parameter)
    return found


@click.command()
@click.argument("run", default="last")
@click.option(
    "--kind", "kinds", multiple=True, type=click.Choice(["escalation", "run", "audit"]),
    help="Which report; else by the kind of the run, and the escalation report where it did not end well.",
)  # fmt: skip
@click.option("--format", "forms", callback=words, help="md,html,json; all of these unless told. Also pdf, an extra.")
@click.option("-o", "--output", "folder", type=click.Path(file_okay=False), help="Folder. [default: ./reports/RUN]")
@click.option(
    "--template", type=click.Choice([POST_INCIDENT]), help="The document of an incident; RUN is then an incident."
)
@click.option("--roles-only", is_flag=True, help="People as roles, wherever they are named. Of an incident.")
@click.option("--external", is_flag=True, help="Hosts, addresses and paths as numbers. Of an incident.")
@click.option("--compare", metavar="RUN", help="The earlier audit to compare with; else the one before of these hosts.")
@click.option("--max-age", default="24h", show_default=True, help="An older record of an audit does not count.")
def report(
    run: str, kinds: tuple[str, ...], forms: tuple[str, ...], folder: str | None, template: str | None,
    roles_only: bool, external: bool, compare: str | None, max_age: str,
) -> None:  # fmt: skip
    """Render the reports of RUN (an id, a unique part of one, or `last`), or with --template post-incident the document
    of an incident; prints the paths."""
    from playbook_engine.app.incidents import PREFIX, report_of
    from playbook_engine.app.reports import reports, subject, write
    from playbook_engine.catalog.spec import parse_duration
    from playbook_engine.model.errors import UsageError

    app = make_app()
    if template or run.startswith(PREFIX):
        document = report_of(app, run, roles=roles_only, external=external)
        for fault in document.meta.faults:
            click.echo(f"! {fault}", err=True)
        for path in write(app, [document], forms, Path(folder) if folder else Path("reports") / document.meta.run):
            click.echo(path)
        return
    if roles_only or external:
        raise UsageError("names are left out of the document of an incident", advice=f"--template {POST_INCIDENT}")
    about = subject(app, run)
    for fault in about.faults:
        click.echo(f"! {fault}", err=True)
    made = reports(app, about, kinds, max_age=parse_duration(max_age), compare=compare)
    for path in write(app, made, forms, Path(folder) if folder else Path("reports") / about.run):
        click.echo(path)
