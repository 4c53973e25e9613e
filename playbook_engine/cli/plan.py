"""`runbook plan`: look at the hosts, say what a runbook would do to each, and save it for `runbook apply`."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from playbook_engine.cli.options import (
    ask_about_key,
    command_line,
    forks_option,
    inventory_options,
    login_options,
    make_app,
    max_hosts_option,
    on_terminal,
    options,
    vault_options,
    watchers,
)
from playbook_engine.cli.show import paper

if TYPE_CHECKING:
    from playbook_engine.engine.forecast import HostForecast, Prediction
    from playbook_engine.report.terminal import Paper

SHOWN = 4  # changes of a step in the summary; all of them are in the file


@click.command()
@click.argument("runbook")
@click.argument("pattern", required=False)
@vault_options
@login_options
@inventory_options
@click.option("-e", "--extra-vars", "extra", multiple=True, help="key=value, JSON, or @file.")
@click.option("-t", "--tags", multiple=True, help="Only steps with these tags.")
@click.option("--skip-tags", multiple=True, help="Not the steps with these tags.")
@click.option("--read-only", is_flag=True, help="Leave out probes that write.")
@click.option("-o", "--output", type=click.Path(dir_okay=False), help="The file. [default: plan-RUN.json]")
@click.option("--valid", default="24h", show_default=True, help="How long it may be applied.")
@forks_option
@max_hosts_option
@click.option("--reason", default="", help="Why; stands in the journal and in the file.")
@click.option("-v", "--verbose", count=True, help="Show steps and differences as they are looked at.")
def plan(
    runbook: str, pattern: str | None, inventory: tuple[str, ...], limit: str | None, extra: tuple[str, ...],
    tags: tuple[str, ...], skip_tags: tuple[str, ...], read_only: bool, output: str | None, valid: str, forks: int,
    max_hosts: int | None, reason: str, verbose: int,
) -> None:  # fmt: skip
    """Look at the hosts of PATTERN, say what RUNBOOK would change there, and write it to a file. Changes nothing.

    The file holds no secrets and may be shown to others; `runbook apply FILE` does exactly what it says.
    """
    from playbook_engine.app.consent import Consent
    from playbook_engine.app.plans import make
    from playbook_engine.app.prepare import prepare
    from playbook_engine.catalog.spec import parse_duration
    from playbook_engine.model.errors import UsageError

    try:
        seconds = parse_duration(valid)
    except ValueError as error:
        raise UsageError(f"--valid: {error}") from error
    if not 0 < seconds <= 365 * 86400:
        raise UsageError(f"--valid {valid}: a plan is good for more than nothing, and at most a year")
    app = make_app()
    made = prepare(
        app, runbook, pattern, inventory=inventory, limit=limit, extra=extra, kind="plan", command=command_line(),
        options=options(
            check=True, diff=True, forks=forks, reason=reason, tags=tags, skip_tags=skip_tags, read_only=read_only
        ),
        consent=Consent(max_hosts=max_hosts),
    )  # fmt: skip
    watching = watchers(app, as_json=False, verbose=verbose, diff=True) if verbose else []
    end, path, found = make(
        app, made, Path(output) if output else None, seconds, watching, ask_about_key if on_terminal() else None
    )
    sheet = paper()
    summary(sheet, found)
    sheet.line(f"nothing was changed · {path} is good for {valid} · journal {end.run}")
    sheet.line(f"do it: runbook apply {shlex.quote(str(path))}")
    click.echo(app.redactor.text(sheet.text()), nl=False)
    sys.exit(end.code)


def summary(sheet: Paper, found: Sequence[HostForecast]) -> None:
    """For each host how many steps would change something, and every one of them, and what is not known."""
    from playbook_engine.engine.forecast import Will
    from playbook_engine.model.outcome import HostStatus

    for host in found:
        counts = [f"{n} {str(will).replace('_', ' ')}" for will in Will if (n := host.count(will))]
        sheet.line(f"{host.host}: {', '.join(counts) or 'nothing to do'}", "1")
        if host.message and not HostStatus(host.ended).good:
            sheet.line(f"  {host.ended}: {host.message}", "31")
        for step in host.steps:
            if step.will is not Will.NOT:
                name = f"{step.name} [{step.label}]" if step.label else step.name
                sheet.line(f"  {str(step.will).replace('_', ' ')} · {name}: {_what(step)}")


def _what(step: Prediction) -> str:
    said = [_change(change) for change in step.changes[:SHOWN]]
    more = len(step.changes) - SHOWN
    return "; ".join([*said, *([f"and {more} more"] if more > 0 else [])]) or step.why or step.action


def _change(change: Mapping[str, object]) -> str:
    before, after = change.get("before"), change.get("after")
    what = f"{change.get('path') or change.get('subject') or ''} {change.get('aspect') or ''}".strip()
    return what if before is None and after is None else f"{what}: {before} → {after}"
