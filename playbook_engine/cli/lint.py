"""`runbook lint`: what is wrong with runbooks, before they run."""

from __future__ import annotations

import sys

import click

from playbook_engine.cli.options import Duration, inventory_options, make_app, vault_options


@click.command()
@click.argument("runbooks", nargs=-1)
@click.option("--max-age", type=Duration(), metavar="TIME", help="Fail runbooks that no drill has passed since: 90d.")
@vault_options
@inventory_options
def lint(runbooks: tuple[str, ...], max_age: float | None, inventory: tuple[str, ...], limit: str | None) -> None:
    """Check RUNBOOKS (names or files; all that are found without any), and the policies and drills that they name.

    With -i, variables of the inventory count.
    """
    from playbook_engine.app.drills import checked, stale
    from playbook_engine.app.policies import policy_for
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
            problems = [*undefined(book, app.templar, known), *checked(app, book)]
            policy_for(app, book)
            if max_age is not None:
                problems += stale(app, book, max_age)
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
