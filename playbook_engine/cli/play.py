"""`runbook play`: an unmodified Ansible playbook, on this engine."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from playbook_engine.cli.options import (
    ask_about_key,
    command_line,
    inventory_options,
    login_options,
    make_app,
    on_terminal,
    options,
    run_options,
    vault_options,
    waiting_options,
    watchers,
)


@click.command()
@click.argument("playbook", type=click.Path(path_type=Path))
@click.option("-t", "--tags", multiple=True, help="Only tasks with these tags.")
@click.option("--skip-tags", multiple=True, help="Not the tasks with these tags.")
@click.option(
    "--start-at-task", "--start-at-step", "start_at", default="", metavar="NAME", help="Begin with this task."
)
@click.option("--step", "step_by_step", is_flag=True, help="Ask before each task.")
@click.option("--force-handlers", is_flag=True, help="Run waiting handlers also where a task has failed.")
@click.option("--syntax-check", is_flag=True, help="Only read it, and say what is wrong.")
@vault_options
@login_options
@inventory_options
@run_options
@waiting_options
def play(
    playbook: Path, tags: tuple[str, ...], skip_tags: tuple[str, ...], start_at: str, step_by_step: bool,
    force_handlers: bool, syntax_check: bool, inventory: tuple[str, ...], limit: str | None, extra: tuple[str, ...],
    check: bool, diff: bool, forks: int, reason: str, yes: bool, mean: int | None, max_hosts: int | None,
    verbose: int, as_json: bool, wait: float, take_over: str,
) -> None:  # fmt: skip
    """Run PLAYBOOK, a file of Ansible's. What cannot be carried out is named before anything is touched.

    With --json, one document: {"events": [...], "stats": {...}}.
    """
    from playbook_engine.app.playing import prepare_play
    from playbook_engine.app.runs import execute
    from playbook_engine.model.errors import EngineError
    from playbook_engine.report.play_document import PlayDocument

    app = make_app()
    try:
        plan = prepare_play(
            app, playbook, inventory=inventory, limit=limit, extra=extra, command=command_line(),
            options=options(
                check=check, diff=diff, forks=forks, reason=reason, tags=tags, skip_tags=skip_tags, wait=wait,
                take_over=take_over, start_at=start_at, ask=step_by_step, force_handlers=force_handlers,
            ),
            ask=_prompt if on_terminal() else None, max_hosts=max_hosts,
        )  # fmt: skip
    except EngineError as error:
        if as_json:
            click.echo(json.dumps({"error": str(error)}))
        raise
    if syntax_check:
        click.echo(f"{playbook}: nothing is wrong with it")
        return
    document = PlayDocument(plan.runbook)
    shown = [] if as_json else watchers(app, as_json=False, verbose=verbose, diff=diff, steps=plan.runbook.count())
    end = execute(app, plan, [*shown, document], ask_about_key if on_terminal() else None)
    if as_json:
        click.echo(app.redactor.text(json.dumps({"run": end.run, **document.document()}, ensure_ascii=False)))
    sys.exit(end.code)


def _prompt(question: str, hidden: bool) -> str:
    return str(click.prompt(question, hide_input=hidden, default="", show_default=False, err=True))
