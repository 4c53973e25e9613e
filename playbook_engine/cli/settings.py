"""`runbook settings`: what is set, and who says it."""

from __future__ import annotations

import json

import click

from playbook_engine.cli.options import configuration


@click.command("settings")
@click.option("--changed", is_flag=True, help="Only what somebody has set.")
@click.option("--json", "as_json", is_flag=True, help="A JSON list.")
def settings(changed: bool, as_json: bool) -> None:
    """Print each setting with its value, and where that comes from: a file and its line, a variable, or nobody.

    The flags of a command win over all of it.
    """
    from playbook_engine.app.setting import SETTINGS

    found = configuration()
    rows = [(each, found.said(each.name)) for each in SETTINGS]
    rows = [(each, said) for each, said in rows if said.is_set or not changed]
    if as_json:
        document = [
            {
                "name": each.name, "value": said.shown(each), "source": said.origin, "default": each.default,
                "variable": each.variable, "flag": each.flag or None, "doc": each.doc, "note": each.note or None,
            }
            for each, said in rows
        ]  # fmt: skip
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
        return
    lines = [(each.name, said.written(each), said.origin if said.is_set else "", each.note) for each, said in rows]
    wide = max((len(line[0]) for line in lines), default=0)
    for name, value, origin, note in lines:
        tail = f"  ({origin})" if origin else ""
        click.echo(f"{name:{wide}}  {value}{tail}{f'  {note}' if origin and note else ''}".rstrip())
    for file in found.files:
        click.echo(f"read: {file}", err=True)
