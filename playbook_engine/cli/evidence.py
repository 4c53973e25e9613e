"""`runbook evidence`: journals as bundles that others can verify, offline."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from playbook_engine.cli.options import make_app
from playbook_engine.cli.show import paper


@click.group()
def evidence() -> None:
    """Journals in one file that an auditor can verify, with nothing but the file and a key."""


@evidence.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME…")
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file; never overwritten.",
)
@click.option("--with-sealed", is_flag=True, help="With before-images, variables and results, still encrypted.")
def export(names: tuple[str, ...], output: Path, with_sealed: bool) -> None:
    """Write a bundle of NAMEs (runs, escalations, drills, incidents): records, reports, digests of it all, signed.

    After a run come the rollbacks of it. What may be secret is left out, counted, and kept as a digest.
    """
    from playbook_engine.app.evidence import give
    from playbook_engine.report.bundle_verdict import sealed

    made = give(make_app(), names, output, carried=with_sealed)
    sheet, notes = paper(), paper()
    for each in made.journals:
        closing = each.entry.closing
        state = "closed" if closing["closed"] else "open" if closing["live"] else "without an end"
        told = sealed(each.sealed, carried=with_sealed)
        sheet.line(f"{each.entry.journal}: {closing['records']} records, {state}; sealed values: {told}")
        notes.faults(f"{each.entry.journal} is damaged, and the bundle says so: {why}" for why in each.damage)
        if each.entry.no_reports:
            notes.faults([f"{each.entry.journal} has no reports: {each.entry.no_reports}"])
    sheet.line(f"{output}: signed by {made.manifest.signer.id}")
    sheet.line(f"head {made.manifest.head}")
    sheet.line("note the head elsewhere: `runbook evidence verify --head` then tells this bundle from any other", "2")
    if notes.lines:
        click.echo(notes.text(), nl=False, err=True)
    click.echo(sheet.text(), nl=False)


@evidence.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--key-file", "keys", multiple=True, required=True, type=click.Path(dir_okay=False, path_type=Path),
    help="A key that `runbook evidence key` wrote, public or of a journal. Repeatable.",
)  # fmt: skip
@click.option("--head", default="", metavar="HASH", help="The head that was noted when the bundle was made.")
@click.option("--json", "as_json", is_flag=True, help="The verdict as JSON.")
def verify(file: Path, keys: tuple[Path, ...], head: str, as_json: bool) -> None:
    """Say whether a bundle holds. Needs no state folder and no network. Exit code 0: all of it does; 1: it does not."""
    import json

    from playbook_engine.app.evidence import check
    from playbook_engine.report.bundle_verdict import data, show

    found = check(file, keys, head)
    if as_json:
        click.echo(json.dumps(data(found), indent=2))
    else:
        sheet = paper()
        show(sheet, str(file), found)
        click.echo(sheet.text(), nl=False)
    sys.exit(0 if found.holds else 1)


@evidence.command()
@click.argument("names", nargs=-1, metavar="[NAME…]")
@click.option("--public", is_flag=True, help="The installation's public key: verifies all of its bundles, makes none.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Into this file (0600).")
def key(names: tuple[str, ...], public: bool, output: Path | None) -> None:
    """Print a key to verify with: the installation's public one, or the secret ones of NAMEs.

    Hand it over on another way than the bundle. Whoever has the key of a run can verify bundles of it, and could forge
    one that this key alone takes for good; it decrypts nothing.
    """
    from playbook_engine.app.evidence import chain_keys, installation_key, write_key
    from playbook_engine.model.errors import UsageError

    if public == bool(names):
        raise UsageError("whose key?", advice="`runbook evidence key --public`, or `runbook evidence key RUN`")
    app = make_app()
    if public:
        one = installation_key(app).public
        ids, text = [one.id], one.pem()
    else:
        found = chain_keys(app, names)
        ids, text = [each.id for each in found], "".join(each.line() for each in found)
    if output is None:
        click.echo(text, nl=False)
        return
    write_key(output, text)
    click.echo(f"{output}: {', '.join(ids)}")
