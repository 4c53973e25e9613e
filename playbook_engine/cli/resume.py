"""`runbook resume`: go on with a run that died, was interrupted or paused, or lost hosts on the way."""

from __future__ import annotations

import sys

import click

from playbook_engine.cli.options import (
    ask_about_key,
    command_line,
    drill_option,
    forks_option,
    gates,
    lock_options,
    make_app,
    on_terminal,
    operator,
    options,
    vault_options,
    watchers,
)


@click.command()
@click.argument("run", default="last")
@click.option("--skip", multiple=True, metavar="STEP", help="Leave this step (or precondition) out: you decided so.")
@click.option("--again", multiple=True, metavar="STEP", help="Send this step once more: you saw that it was not done.")
@click.option("--reason", default="", help="Why; stands in the journal. Demanded by --skip and --again.")
@click.option("--force", is_flag=True, help="Also where somebody changed the same thing since, or it was handed over.")
@forks_option
@click.option("-v", "--verbose", count=True, help="Show more.")
@click.option("--json", "as_json", is_flag=True, help="Events as JSON lines on stdout, nothing else.")
@click.option("-u", "--user", help="Log in as this user, not as the journal says.")
@click.option("--private-key", metavar="FILE", help="Log in with this key, not with the one that the journal names.")
@lock_options
@drill_option
@vault_options
def resume(
    run: str, skip: tuple[str, ...], again: tuple[str, ...], reason: str, force: bool, forks: int, verbose: int,
    as_json: bool, user: str | None, private_key: str | None, wait: float, take_over: str,
    drill: str,
) -> None:  # fmt: skip
    """Go on with RUN where it stopped, from its journal alone: an id, a unique part of one, or `last`, the newest that
    died or left hosts open.

    What was done is not done again. A change of which nobody heard the end is asked for on its host; where that cannot
    be learned the run stops and says so, and you decide with --skip or --again.
    """
    from playbook_engine.app.resume import Login, last_open
    from playbook_engine.app.resume import resume as resume_run
    from playbook_engine.model.errors import UsageError

    if (skip or again) and not reason:
        raise UsageError("--skip and --again want a --reason", advice="it stands in the journal beside your name")
    app = make_app()
    end = resume_run(
        app, last_open(app) if run == "last" else app.store.find(run),
        options(check=False, diff=False, forks=forks, reason=reason, force=force, skip=skip, again=again, wait=wait,
                take_over=take_over),
        [*watchers(app, as_json=as_json, verbose=verbose, diff=False), *gates(app, drill)], command_line(),
        ask_about_key if on_terminal() else None, Login(user=user, private_key=private_key), operator(),
    )  # fmt: skip
    sys.exit(end.code)
