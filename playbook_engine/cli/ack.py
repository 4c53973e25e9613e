"""`runbook ack` and `runbook escalations`: answer an escalation; who was told what when."""

from __future__ import annotations

import click

from playbook_engine.cli.options import make_app


@click.command()
@click.argument("name", default="last")
@click.option("--by", default="", help="Who takes it: the id of a contact.  [default: you]")
@click.option("--note", default="", help="What you are going to do.")
@click.option("--link", default="", metavar="URL", help="The link of the message: it says who you are.")
def ack(name: str, by: str, note: str, link: str) -> None:
    """Take an escalation: nobody further up is woken. NAME is its id, a unique part of it, or `last`."""
    from playbook_engine.app.escalations import answer

    click.echo(answer(make_app(), name, "ack", by, note, url=link))


@click.command()
@click.option("--all", "everything", is_flag=True, help="Those that are over, too.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def escalations(everything: bool, as_json: bool) -> None:
    """List the escalations: state, severity, what, who was told last, what comes next."""
    from playbook_engine.app.escalations import listed

    click.echo(listed(make_app(), everything=everything, as_json=as_json))
