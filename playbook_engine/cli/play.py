"""`runbook play`: an unmodified Ansible playbook, on this engine."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from playbook_engine.cli.options import (
    ask_about_key,
    become_options,
    command_line,
    confirming,
    course_options,
    inventory_options,
    login_options,
    make_app,
    on_terminal,
    only_listed,
    operator,
    options,
    prompting,
    run_options,
    vault_options,
    waiting_options,
    watchers,
)


@click.command()
@click.argument("playbook", type=click.Path(path_type=Path))
@course_options
@vault_options
@login_options
@become_options
@inventory_options
@run_options
@waiting_options
def play(
    playbook: Path, tags: tuple[str, ...], skip_tags: tuple[str, ...], inventory: tuple[str, ...], limit: str | None,
    extra: tuple[str, ...], check: bool, diff: bool, forks: int, reason: str, yes: bool, mean: int | None,
    max_hosts: int | None, verbose: int, as_json: bool, wait: float, take_over: str,
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
                take_over=take_over,
            ),
            ask=prompting(), max_hosts=max_hosts,
        )  # fmt: skip
    except EngineError as error:
        if as_json:
            click.echo(json.dumps({"error": str(error)}))
        raise
    if only_listed(plan):
        return
    document = PlayDocument(plan.runbook)
    shown = [] if as_json else watchers(app, as_json=False, verbose=verbose, diff=diff, steps=plan.runbook.count())
    end = execute(app, plan, [*shown, document], ask_about_key if on_terminal() else None, confirming(), operator())
    if as_json:
        click.echo(app.redactor.text(json.dumps({"run": end.run, **document.document()}, ensure_ascii=False)))
    sys.exit(end.code)
