"""`runbook audit-report`: what contradicts what in a status report that a person wrote."""

from __future__ import annotations

import sys

import click


@click.command("audit-report")
@click.argument("files", nargs=-1, metavar="[FILE]...")
@click.option(
    "--format", "form", type=click.Choice(["text", "json", "github"]), default="text", show_default=True,
    help="For a person, for a program, or as annotations of a workflow on GitHub.",
)  # fmt: skip
@click.option("--rules", "list_rules", is_flag=True, help="List the rules and read nothing.")
def audit_report(files: tuple[str, ...], form: str, list_rules: bool) -> None:
    """Say what contradicts what in FILE (Markdown, plain text or HTML; `-` is standard input), line by line."""
    from playbook_engine.report.prose import listing
    from playbook_engine.report.prose.checker import check
    from playbook_engine.report.prose.reading import read

    if list_rules:
        click.echo("\n".join(listing.rules()))
        return
    if not files:
        raise click.UsageError("which report? Give at least one FILE, or - for standard input")
    names = tuple(dict.fromkeys(files))  # a file that is given twice is read once
    documents = [(_shown(name), read(name, _bytes(name))) for name in names]
    found = [finding for name, document in documents for finding in check(name, document)]
    shown = [name for name, _ in documents]
    if form == "json":
        click.echo(listing.data(found, shown))
    else:
        click.echo("\n".join((listing.github if form == "github" else listing.text)(found, shown)))
    sys.exit(2 if found else 0)


def _shown(name: str) -> str:
    from playbook_engine.report.text import one_line

    return "stdin" if name == "-" else one_line(name)


def _bytes(name: str) -> bytes:
    from pathlib import Path

    from playbook_engine.model.errors import UsageError

    if name == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(name).read_bytes()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UsageError(f"{_shown(name)} cannot be read: {reason}", advice="give the path of a report") from error
