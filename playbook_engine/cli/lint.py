"""`runbook lint`: what is wrong with runbooks, before they run."""

from __future__ import annotations

import sys
from dataclasses import replace

import click

from playbook_engine.cli.options import Duration, inventory_options, make_app, vault_options


@click.command()
@click.argument("runbooks", nargs=-1)
@click.option("--max-age", type=Duration(), metavar="TIME", help="Fail runbooks that no drill has passed since: 90d.")
@click.option(
    "--format", "form", type=click.Choice(["text", "json", "sarif", "github"]), default="text",
    help="For people, programs, code hosts, or as annotations of GitHub.",
)  # fmt: skip
@click.option("--strict", is_flag=True, help="Take warnings for errors.")
@vault_options
@inventory_options
def lint(
    runbooks: tuple[str, ...], max_age: float | None, form: str, strict: bool, inventory: tuple[str, ...],
    limit: str | None,
) -> None:  # fmt: skip
    """Check RUNBOOKS (names or files, playbooks too; all runbooks that are found without any), and the policies and
    drills that they name.

    With -i, variables of the inventory count.
    """
    from playbook_engine.app.linting import linted
    from playbook_engine.app.prepare import loader
    from playbook_engine.app.targets import targets
    from playbook_engine.loading.linting.codes import ADVISED, FATAL
    from playbook_engine.model.finding import Finding, Severity
    from playbook_engine.report.findings import as_github, as_json
    from playbook_engine.report.sarif import as_sarif

    app = make_app()
    known: set[str] = set()
    if inventory:
        chosen = targets(app, inventory, "all", limit, None)
        known = {key for host in chosen.hosts for key in host.variables}
    said: dict[str, Finding] = {}  # an imported file's mistakes are told once
    failed = False
    for name, findings in linted(app, runbooks or tuple(loader(app).names()), known, max_age):
        if strict:
            findings = [replace(f, severity=Severity.ERROR) if f.severity is Severity.WARNING else f for f in findings]
        failed = failed or any(f.severity is Severity.ERROR for f in findings)
        for finding in findings:
            text = app.redactor.text(finding.render())
            if text not in said and form == "text":
                click.echo(text + "\n", err=True)
            said.setdefault(text, finding)
        if form == "text" and not any(f.severity is Severity.ERROR for f in findings):
            counts = [(s, sum(f.severity is s for f in findings)) for s in (Severity.WARNING, Severity.NOTE)]
            told = ", ".join(f"{n} {severity}{'s' if n > 1 else ''}" for severity, n in counts if n)
            click.echo(f"{name}: {told or 'clean'}")
    found = list(said.values())
    match form:
        case "json":
            click.echo(app.redactor.text(as_json(found)))
        case "sarif":
            click.echo(app.redactor.text(as_sarif(found, {**FATAL, **ADVISED})))
        case "github":
            click.echo(app.redactor.text(as_github(found)), nl=False)
    sys.exit(5 if failed else 0)
