"""`runbook drill`: break a lab host, run the runbook, score it."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from playbook_engine.cli.options import command_line, make_app


class DrillGroup(click.Group):
    """`runbook drill NAME` holds that drill; what is no subcommand is a name."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.commands:
            return "hold", self.commands["hold"], args
        return super().resolve_command(ctx, args)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0].startswith("-") and args[0] not in ("-h", "--help"):
            args = ["hold", *args]
        return super().parse_args(ctx, args)


@click.group(cls=DrillGroup)
def drill() -> None:
    """Rehearse: lab hosts are broken, the ordinary run repairs them, people hear of it, and all of it is scored.

    \b
      runbook drill free-disk-heals        hold a drill
      runbook drill list                   which there are, and when each was last held
      runbook drill mutate free-disk       which breakages of the runbook nobody would notice
      runbook drill clean                  put right what a killed drill has left

    Every line says DRILL. No message leaves this machine, unless --page-for-real is given.
    """


@drill.command()
@click.argument("names", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Every drill that is found.")
@click.option("--runbook", help="Every drill of this runbook.")
@click.option("--wheel", is_flag=True, help="Let chance pick one.")
@click.option("--seed", type=int, help="The same chance again.")
@click.option("--page-for-real", "real", is_flag=True, help="Messages go to real people, marked DRILL.")
@click.option("--people", is_flag=True, help="Tabletop: played at this terminal, not by its written moves.")
@click.option("--real-clock", is_flag=True, help="Tabletop: let the minutes pass as they do.")
@click.option("--jobs", type=click.IntRange(1, 8), default=1, show_default=True, help="Drills at the same time.")
@click.option("--junit", type=click.Path(dir_okay=False), help="Write the scorecards as JUnit XML.")
@click.option("-q", "--quiet", is_flag=True, help="Only the scorecards.")
def hold(
    names: tuple[str, ...], everything: bool, runbook: str | None, wheel: bool, seed: int | None, real: bool,
    people: bool, real_clock: bool, jobs: int, junit: str | None, quiet: bool,
) -> None:  # fmt: skip
    """Hold the drills NAMES. Ends with 0 when all of them passed, 2 when one did not."""
    from playbook_engine.app.drills import Wishes, choose, hold_all
    from playbook_engine.drill.scorecard import as_junit, as_text

    app = make_app()
    chosen = choose(app, names, everything=everything, runbook=runbook, wheel=wheel, seed=seed)
    wishes = Wishes(real=real, quiet=quiet or jobs > 1, people=people, real_clock=real_clock, seed=seed or 0)
    done = []
    for card in hold_all(app, chosen, wishes, command_line(), sys.stdout, jobs):
        click.echo(as_text(card))
        done.append(card)
    if junit:
        Path(junit).write_text(as_junit(done), encoding="utf-8")
    if len(done) > 1:
        click.echo(f"DRILL  {sum(c.passed for c in done)} of {len(done)} drills passed")
    sys.exit(0 if all(c.passed for c in done) else 2)


@drill.command(name="list")
def list_() -> None:
    """Which drills there are, and when each was last held, and how."""
    from playbook_engine.app.drills import listing

    click.echo(listing(make_app()))


@drill.command()
@click.argument("name", default="last")
def show(name: str) -> None:
    """The scorecard of a drill that was held: its id, a unique part of it, or `last`."""
    from playbook_engine.app.drills import held
    from playbook_engine.drill.scorecard import as_text

    click.echo(as_text(held(make_app(), name)))


@drill.command()
@click.argument("name")
@click.option("--facilitator", is_flag=True, help="With everything that is to come, for whoever leads it.")
def brief(name: str, facilitator: bool) -> None:
    """What the people of a drill are told before it begins."""
    from playbook_engine.app.drills import scenarios
    from playbook_engine.drill.tabletop import brief as briefed

    click.echo(briefed(scenarios(make_app()).load(name), facilitator=facilitator))


@drill.command()
def clean() -> None:
    """Put right what drills that were killed have left: faults, hosts, links."""
    from playbook_engine.app.drills import clean as clear

    if not clear(make_app(), lambda text: click.echo(f"DRILL  {text}")):
        click.echo("DRILL  there was nothing to put right")


@drill.command()
@click.argument("runbook")
@click.option("--only", "only", multiple=True, help="Only breakages whose name contains this.")
@click.option("--list", "just_list", is_flag=True, help="Name the breakages, and break nothing.")
@click.option("--jobs", type=click.IntRange(1, 8), default=2, show_default=True, help="Drills at the same time.")
def mutate(runbook: str, only: tuple[str, ...], just_list: bool, jobs: int) -> None:
    """Break each check, rollback and precondition of RUNBOOK, one at a time: does a drill notice?

    Ends with 2 when a breakage that has no reason to be overlooked was.
    """
    from playbook_engine.app.mutations import as_text, mutate, named

    app = make_app()
    if just_list:
        click.echo("\n".join(named(app, runbook, only)))
        return
    found = mutate(app, runbook, only, jobs, command_line(), lambda text: click.echo(f"DRILL  {text}"))
    click.echo(as_text(found))
    sys.exit(0 if all(f.noticed or f.reason for f in found) else 2)
