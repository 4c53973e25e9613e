"""`runbook actions`: what there is, and what it takes."""

from __future__ import annotations

import click


@click.command()
@click.argument("name", required=False)
@click.option("--markdown", is_flag=True, help="The whole reference as Markdown.")
def actions(name: str | None, markdown: bool) -> None:
    """List the actions, or show NAME with its arguments."""
    from playbook_engine.catalog import catalog, reference

    if markdown:
        click.echo(reference.pages(), nl=False)
    elif name:
        click.echo(reference.page(catalog.get(name)), nl=False)
    else:
        for each in catalog.names():
            spec = catalog.get(each)
            click.echo(f"{each:12} {spec.kind:8} {spec.summary}")


doc = click.Command("doc", params=actions.params, callback=actions.callback, help=actions.help)
"""`runbook doc copy`, as `ansible-doc copy`."""
