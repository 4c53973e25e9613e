"""`runbook lint`: what is wrong with runbooks, before they run."""

from __future__ import annotations

import sys

import click

from playbook_engine.cli.options import inventory_options, make_app


@click.command()
@click.argument("runbooks", nargs=-1)
@inventory_options
def lint(runbooks: tuple[str, ...], inventory: tuple[str, ...], limit: str | None) -> None:
    """Check RUNBOOKS (names or files; all that are found without any). With -i, variables of the inventory count."""
    from playbook_engine.app.prepare import loader
    from playbook_engine.app.targets import targets
    from playbook_engine.loading.lint import undefined
    from playbook_engine.model.errors import LoadError, LoadErrors

    app = make_app()
    load = loader(app)
    known: set[str] = set()
    if inventory:
        chosen = targets(app, inventory, "all", limit, None)
        known = {key for host in chosen.hosts for key in host.variables}
    bad = 0
    said: set[str] = set()  # an imported file's mistakes are told once
    names = runbooks or tuple(load.names())
    for name in names:
        try:
            book = load.load(name)
            problems = undefined(book, app.templar, known)
            if problems:
                raise LoadErrors(problems)
        except LoadError as error:
            bad += 1
            for each in error.errors if isinstance(error, LoadErrors) else (error,):
                if each.render() not in said:
                    said.add(each.render())
                    click.echo(each.render() + "\n", err=True)
        else:
            click.echo(f"{name}: clean")
    sys.exit(5 if bad else 0)
