"""`runbook escalation`: what a policy will do, what an escalation has done, and the process that does it."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta

import click

from playbook_engine.cli.options import Duration, make_app


@click.group()
def escalation() -> None:
    """Who hears of failures: simulate a policy, look at an escalation, end it."""


@escalation.command()
@click.argument("policy")
@click.option("--severity", type=click.Choice(["P0", "P1", "P2", "P3", "P4"]), default="P1", show_default=True)
@click.option("--trigger", default="step_failed", show_default=True, help="What fails: step_failed, rollback_failed, …")
@click.option("--attempts", type=click.IntRange(1), default=1, show_default=True, help="How often it has failed.")
@click.option("--at", "at", default="now", help="When, such as 2026-03-02T03:00Z.  [default: now]")
@click.option("--ack", "acks", multiple=True, metavar="TIME[=WHO]", help="Somebody acknowledges after TIME: 7m=ana.")
@click.option("--resolved", type=Duration(), help="It is over after this time.")
@click.option("--for", "horizon", type=Duration(), default="24h", show_default=True, help="How far to look.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def simulate(
    policy: str, severity: str, trigger: str, attempts: int, at: str, acks: tuple[str, ...], resolved: float | None,
    horizon: float, as_json: bool,
) -> None:  # fmt: skip
    """Show who hears what when, on a clock that only runs in thought. Nothing is sent."""
    from playbook_engine.app.policies import policies
    from playbook_engine.catalog.spec import parse_duration
    from playbook_engine.escalation.policy import Trigger
    from playbook_engine.escalation.policy_model import instant
    from playbook_engine.escalation.rehearsal import as_data, as_text
    from playbook_engine.escalation.simulation import simulate as simulated
    from playbook_engine.model.events import EscalationOpened

    try:
        begin = datetime.now(UTC).replace(microsecond=0) if at == "now" else instant(at)
        if not 2000 <= begin.year < 2200:
            raise ValueError(f"{at} lies too far away")
        given = [(parse_duration(a.partition("=")[0]), a.partition("=")[2] or "somebody") for a in acks]
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
    if trigger not in list(Trigger):
        raise click.BadParameter(f"{trigger!r} is none of {', '.join(Trigger)}", param_hint="--trigger")
    book = policies(make_app()).load(policy)
    if not book.wants(trigger, severity, attempts):
        click.echo(f"{book.name}: nobody hears of {trigger} {severity}" + (f" (failure {attempts})" * (attempts > 1)))
        return
    opening = EscalationOpened(
        escalation="esc-simulated", policy=book.name, key="", run="", trigger=trigger, severity=severity,
        why=f"{trigger.replace('_', ' ')}, simulated",
    )  # fmt: skip
    moments = simulated(
        book, opening, begin, acks=[(timedelta(seconds=s), who) for s, who in given],
        resolved=None if resolved is None else timedelta(seconds=resolved), horizon=timedelta(seconds=horizon),
    )  # fmt: skip
    click.echo(as_data(book, opening, begin, moments) if as_json else as_text(book, opening, begin, moments))


@escalation.command()
@click.argument("names", nargs=-1)
def lint(names: tuple[str, ...]) -> None:
    """Check policies (names or files; all that are found without any)."""
    from playbook_engine.app.policies import policies
    from playbook_engine.model.errors import LoadError

    found = policies(make_app())
    bad = 0
    for name in names or found.names():
        try:
            policy = found.load(name)
        except LoadError as error:
            bad += 1
            click.echo(error.render() + "\n", err=True)
        else:
            click.echo(f"{policy.name}: clean ({len(policy.levels)} levels, {len(policy.contacts)} contacts)")
    sys.exit(5 if bad else 0)


@escalation.command()
@click.argument("name", default="last")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def show(name: str, as_json: bool) -> None:
    """One escalation: what, who was told, when, by what, and who has answered."""
    from playbook_engine.app.escalations import data_of, found, told

    app = make_app()
    view, policy = found(app, name)
    click.echo(data_of(app, policy, view) if as_json else told(app, policy, view))


@escalation.command()
@click.argument("name", default="last")
def status(name: str) -> None:
    """Text for those outside: what is affected, since when, when the next word comes. No hosts, no names."""
    from playbook_engine.app.dispatching import external

    click.echo(external(make_app(), name), nl=False)


@escalation.command()
@click.argument("name", default="last")
@click.option("--reason", required=True, help="Why it is over; those who were told hear it.")
@click.option("--by", default="", help="Who says so.  [default: you]")
def resolve(name: str, reason: str, by: str) -> None:
    """Say that an escalation is over."""
    from playbook_engine.app.escalations import answer

    click.echo(answer(make_app(), name, "resolve", by, reason))


@escalation.command()
@click.argument("name")
@click.argument("text")
@click.option("--by", default="", help="Who says so.  [default: you]")
def note(name: str, text: str, by: str) -> None:
    """Write down what is being done: it counts as progress, and nobody else is woken meanwhile."""
    from playbook_engine.app.escalations import answer

    click.echo(answer(make_app(), name, "note", by, text))


@escalation.command()
@click.option("--forever", is_flag=True, help="Do not end when nothing is left to do: for a service manager.")
def dispatch(forever: bool) -> None:
    """Send what is due, and go on until nothing is left to wait for. Runs start this themselves."""
    from playbook_engine.app.dispatching import dispatch as work

    work(make_app(), lambda text: click.echo(text, err=True), forever=forever)
