"""`runbook audit`: a runbook's checks and nothing else, and the evidence report."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from playbook_engine.cli.options import (
    ask_about_key,
    command_line,
    forks_option,
    inventory_options,
    login_options,
    make_app,
    on_terminal,
    options,
    vault_options,
    watchers,
)
from playbook_engine.cli.report import words
from playbook_engine.cli.show import paper

DEFAULT = "audit"


@click.command()
@click.argument("arguments", nargs=-1, metavar="[NAME] [PATTERN]")
@vault_options
@login_options
@inventory_options
@click.option("-e", "--extra-vars", "extra", multiple=True, help="key=value, JSON, or @file.")
@forks_option
@click.option("--reason", default="", help="Why; stands in the journal.")
@click.option("--compare", metavar="RUN", help="The earlier audit to compare with; else the one before of these hosts.")
@click.option("--max-age", default="24h", show_default=True, help="An older record does not count.")
@click.option("--format", "forms", callback=words, help="md,html,json; all unless told.")
@click.option("-o", "--output", "folder", type=click.Path(file_okay=False), help="Folder. [default: ./reports/RUN]")
@click.option("-v", "--verbose", count=True, help="Show checks as they are made.")
@click.option("--json", "as_json", is_flag=True, help="Events as JSON lines on stdout, nothing else.")
def audit(
    arguments: tuple[str, ...], inventory: tuple[str, ...], limit: str | None, extra: tuple[str, ...], forks: int,
    reason: str, compare: str | None, max_age: str, forms: tuple[str, ...], folder: str | None, verbose: int,
    as_json: bool,
) -> None:  # fmt: skip
    """Run the checks of a runbook, `audit` unless NAME is one, on the hosts of PATTERN. Changes nothing.

    Exit code 0: all met; 2: anything not met, invalid or unknown; 4: hosts unreachable, and nothing else wrong.
    """
    from playbook_engine.app.audits import checks_only
    from playbook_engine.app.consent import Consent
    from playbook_engine.app.prepare import prepare
    from playbook_engine.app.reports import audit_code, reports, subject, write
    from playbook_engine.app.runs import execute
    from playbook_engine.catalog.spec import parse_duration
    from playbook_engine.report.audit import AuditReport
    from playbook_engine.report.terminal import audit_table

    app = make_app()
    age = parse_duration(max_age)
    name, pattern = _named(app, arguments)
    plan = checks_only(
        prepare(
            app, name, pattern, inventory=inventory, limit=limit, extra=extra, kind="audit", command=command_line(),
            options=options(check=False, diff=False, forks=forks, reason=reason), consent=Consent(),
        )
    )  # fmt: skip
    watching = watchers(app, as_json=as_json, verbose=verbose, diff=False) if as_json or verbose else []
    end = execute(app, plan, watching, ask_about_key if on_terminal() else None)
    about = subject(app, end.run)
    (made,) = reports(app, about, ["audit"], max_age=age, compare=compare)
    assert isinstance(made, AuditReport)
    paths = write(app, [made], forms, Path(folder) if folder else Path("reports") / end.run)
    if not as_json:
        sheet = paper()
        audit_table(sheet, made)
        click.echo(app.redactor.text(sheet.text()), nl=False)
    for path in paths:
        click.echo(path, err=as_json)
    sys.exit(audit_code(made, int(end.code)))


def _named(app: object, arguments: tuple[str, ...]) -> tuple[str, str | None]:
    """NAME and PATTERN: a single word is a runbook if there is one of this name, else hosts."""
    from playbook_engine.app.prepare import loader
    from playbook_engine.app.wiring import App
    from playbook_engine.model.errors import LoadError, UsageError

    assert isinstance(app, App)
    if len(arguments) > 2:
        raise UsageError(
            f"{' '.join(arguments[2:])}: one runbook and one pattern of hosts", advice="join hosts by commas: web1,web2"
        )
    if len(arguments) == 2:
        return arguments[0], arguments[1]
    if not arguments:
        return DEFAULT, None
    try:
        loader(app).find(arguments[0])
    except LoadError:
        return DEFAULT, arguments[0]
    return arguments[0], None
