"""`runbook incident`: runs, notes, alerts and chat lines gathered into one thing that a document is made of."""

from __future__ import annotations

import sys

import click

from playbook_engine.cli.options import ask_about_key, command_line, make_app, on_terminal, watchers
from playbook_engine.cli.show import paper
from playbook_engine.model.incident import ItemStatus, ItemType, Milestone, NoteKind

SEVERITIES = ("P0", "P1", "P2", "P3", "P4")


@click.group()
def incident() -> None:
    """Gather what belongs to an incident, say what only people can judge, see what is left, close it.

    \b
      runbook incident open --run last
      runbook report last --template post-incident
      runbook incident lint last
    """


@incident.command(name="open")
@click.argument("title", default="")
@click.option("--run", "runs", multiple=True, metavar="RUN", help="A run of it; what belongs to that is found.")
@click.option("--severity", type=click.Choice(SEVERITIES), default=None, help="Else that of its runs.")
def open_(title: str, runs: tuple[str, ...], severity: str | None) -> None:
    """Open an incident: from a run, and what is found to belong to it, or with a TITLE alone."""
    from playbook_engine.app.incidents import open_incident
    from playbook_engine.report.text import one_line

    app = make_app()
    name, found = open_incident(app, title, severity or "", runs)
    click.echo(f"{name} is open")
    for each in found:
        click.echo(one_line(f"  {each.kind} {each.id}: {each.why}"))
    click.echo(f"its document: runbook report {name} --template post-incident")
    click.echo(f"what only people can say of it: runbook incident lint {name}")


@incident.command()
@click.argument("name", metavar="INCIDENT")
@click.argument("text")
@click.option("--kind", type=click.Choice([str(k) for k in NoteKind]), default="note", help="What it answers.")
@click.option("--at", "at", default="", metavar="TIME", help="When it happened: 2025-08-01T17:42:00Z. Else now.")
@click.option("--milestone", type=click.Choice([str(m) for m in Milestone]), help="It is one of the incident's times.")
def note(name: str, text: str, kind: str, at: str, milestone: str | None) -> None:
    """Note something about INCIDENT: free text, or the answer to what only people can judge."""
    from playbook_engine.app.incidents import note as noted
    from playbook_engine.app.incidents import when
    from playbook_engine.model.errors import UsageError
    from playbook_engine.model.events import IncidentNoted

    app = make_app()
    if not text.strip():
        raise UsageError("an empty note says nothing")
    event = IncidentNoted(kind=kind, text=text, told=when(at), milestone=milestone or "", actor=app.settings.actor)
    click.echo(f"noted in {noted(app, name, event)}")


@incident.command()
@click.argument("name", metavar="INCIDENT")
@click.argument("things", nargs=-1)
def attach(name: str, things: tuple[str, ...]) -> None:
    """Add to INCIDENT: runs, escalations or drills by their ids, and files of alerts or chat lines (JSON lines, the
    webhook of Alertmanager, the export of a Slack channel). Without any, look again for what belongs to it."""
    from playbook_engine.app.incidents import attach as attached
    from playbook_engine.report.text import one_line

    app = make_app()
    incident_, told = attached(app, name, things)
    for each in told:
        click.echo(one_line(f"{incident_}: {each}"))
    if not told:
        click.echo(f"{incident_}: nothing that is not in it already")


@incident.command()
@click.argument("name", metavar="INCIDENT")
@click.argument("items", nargs=-1, required=True)
@click.option("--owner", default="", help="Who does it.")
@click.option("--due", default="", metavar="DAY", help="Until when: 2025-08-15.")
@click.option("--ticket", default="", help="Where it is followed.")
@click.option("--title", default="", help="In other words.")
@click.option("--type", "type_", type=click.Choice([str(t) for t in ItemType]), help="What it is for.")
@click.option("--proof", default="", help="What people look at, where its runbook has no probe.")
@click.option("--done", is_flag=True, help="It is done. A closing probe, where there is one, has the last word.")
@click.option("--drop", is_flag=True, help="It will not be done; wants a reason.")
@click.option("--reason", default="", help="Why; stands in the journal.")
def item(
    name: str, items: tuple[str, ...], owner: str, due: str, ticket: str, title: str, type_: str | None, proof: str,
    done: bool, drop: bool, reason: str,
) -> None:  # fmt: skip
    """Decide about action ITEMS of INCIDENT: who, until when, or that they are done or dropped."""
    from datetime import date

    from playbook_engine.app.incidents import decide
    from playbook_engine.model.errors import UsageError
    from playbook_engine.model.events import ItemDecided

    if due:
        try:
            date.fromisoformat(due)
        except ValueError as error:
            raise UsageError(f"--due {due} is no day", advice="such as 2025-08-15") from error
    if done and drop:
        raise UsageError("an item is done or dropped, not both")
    if drop and not reason:
        raise UsageError("to drop an item wants a reason", advice="--reason '…' stands in the journal")
    status = ItemStatus.DONE if done else ItemStatus.DROPPED if drop else ""
    app = make_app()
    event = ItemDecided(
        item="", title=title, type=type_ or "", owner=owner, due=due, ticket=ticket, proof=proof, status=status,
        reason=reason, actor=app.settings.actor,
    )  # fmt: skip
    if event == ItemDecided(item="", actor=event.actor):
        raise UsageError("nothing is decided", advice="--owner, --due, --ticket, --done, --drop …")
    for after in decide(app, name, items, event):
        click.echo(app.redactor.text(f"{after.id} {after.status}: {after.title}"))
        if done and after.open:
            click.echo(f"it stays open: {after.status_why or 'its records say so'}")


@incident.command()
@click.argument("name", metavar="INCIDENT")
@click.argument("items", nargs=-1)
@click.option("-v", "--verbose", count=True, help="Show the probes as they are asked.")
@click.option("--json", "as_json", is_flag=True, help="Events as JSON lines on stdout, nothing else.")
def verify(name: str, items: tuple[str, ...], verbose: int, as_json: bool) -> None:
    """Run the closing probes of INCIDENT's open action items, or of ITEMS, on the hosts; an item that holds is closed.

    Exit code 0: all of them hold. 2: something is not met, invalid or unknown.
    """
    from playbook_engine.app.verifying import verify as verified
    from playbook_engine.report.terminal import items as listed

    app = make_app()
    watching = watchers(app, as_json=as_json, verbose=verbose, diff=False) if as_json or verbose else []
    found = verified(app, name, items, watching, ask_about_key if on_terminal() else None, command_line())
    if not as_json:
        sheet = paper()
        listed(sheet, found.items)
        click.echo(app.redactor.text(sheet.text()), nl=False)
    sys.exit(found.code)


@incident.command()
@click.argument("name", metavar="INCIDENT")
def lint(name: str) -> None:
    """List what is left for people to judge: of an INCIDENT, or in a document's FILE that somebody has edited.

    Exit code 0: nothing. 2: something.
    """
    from pathlib import Path

    from playbook_engine.app.incidents import report_of
    from playbook_engine.model.errors import LoadError
    from playbook_engine.report.blanks import found_in
    from playbook_engine.report.text import count, visible

    path = Path(name)
    if path.is_file():
        try:
            found = [f"{name}:{line}: {b.id}: {b.question}" for line, b in found_in(path.read_text("utf-8"))]
        except (OSError, UnicodeDecodeError) as error:
            raise LoadError(f"{name} cannot be read: {error}") from error
    else:
        blanks = report_of(make_app(), name).blanks
        wide = max((len(b.id) for b in blanks), default=0)
        found = [f"{b.id.ljust(wide)}  {b.question}: {b.fill}" for b in blanks]
    for each in found:
        click.echo(visible(each))
    click.echo(f"{count(len(found), 'blank')} left" if found else "nothing is left to be judged")
    sys.exit(2 if found else 0)


@incident.command(name="list")
def list_() -> None:
    """List the incidents, oldest first."""
    from playbook_engine.app.incidents import report_of
    from playbook_engine.model.errors import EngineError
    from playbook_engine.report.terminal import incidents

    app = make_app()
    found = []
    for name in app.incidents.runs():
        try:
            found.append(report_of(app, name))
        except EngineError as error:
            click.echo(f"! {name}: {error.message}", err=True)
    sheet = paper()
    incidents(sheet, found)
    click.echo(app.redactor.text(sheet.text()), nl=False)


@incident.command()
@click.argument("name", metavar="[INCIDENT]", default="last")
@click.option("--json", "as_json", is_flag=True, help="The document as JSON.")
def show(name: str, as_json: bool) -> None:
    """Show INCIDENT: its times, its runs, its action items, what is left to be judged."""
    from playbook_engine.app.incidents import report_of
    from playbook_engine.report.render import render
    from playbook_engine.report.terminal import incident as shown

    app = make_app()
    report = report_of(app, name)
    if as_json:
        click.echo(render(report, "json", app.redactor.text), nl=False)
        return
    sheet = paper()
    shown(sheet, report)
    click.echo(app.redactor.text(sheet.text()), nl=False)


@incident.command()
@click.argument("name", metavar="INCIDENT")
@click.option("--force", is_flag=True, help="Although something is left; wants a reason.")
@click.option("--reason", default="", help="Why; stands in the journal.")
def close(name: str, force: bool, reason: str) -> None:
    """Close INCIDENT. Refused while something is left for people to judge, or an open item has no owner or day."""
    from playbook_engine.app.incidents import close as closed

    click.echo(f"{closed(make_app(), name, force=force, reason=reason)} is closed")
