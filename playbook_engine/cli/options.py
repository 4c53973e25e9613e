"""Options that several commands share, spelled as Ansible's users know them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

import click

from playbook_engine.model.ports import EventSink

if TYPE_CHECKING:
    from playbook_engine.app.wiring import App
    from playbook_engine.model.plan import Options, Plan

F = TypeVar("F", bound=Callable[..., object])


def inventory_options(function: F) -> F:
    """-i and -l."""
    for option in (
        click.option("-l", "--limit", help="Only these hosts of the pattern."),
        click.option("-i", "--inventory", "inventory", multiple=True, help="Inventory: file, folder, script, or a,b,"),
    ):
        function = option(function)
    return function


def max_hosts_option(function: F) -> F:
    """--max-hosts."""
    return click.option(
        "--max-hosts", type=click.IntRange(1), metavar="N", help="Refuse when there are more hosts than this."
    )(function)


def run_options(function: F) -> F:
    """What steers a run."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Events as JSON lines on stdout, nothing else."),
        click.option("-v", "--verbose", count=True, help="Show output; -vv shows evidence."),
        max_hosts_option,
        click.option("--yes-i-mean", "mean", type=int, metavar="N", help="Yes, exactly N hosts."),
        click.option("-y", "--yes", is_flag=True, help="Do not ask about the number of hosts."),
        click.option("--reason", default="", help="Why; stands in the journal."),
        click.option(
            "-f", "--forks", type=click.IntRange(1), default=50, show_default=True, help="Hosts at the same time."
        ),
        click.option("-D", "--diff", is_flag=True, help="Show the differences that are made."),
        click.option("-C", "--check", is_flag=True, help="Change nothing, say what would be done."),
        click.option("-e", "--extra-vars", "extra", multiple=True, help="key=value, JSON, or @file."),
    ):
        function = option(function)
    return function


def drill_option(function: F) -> F:
    """--drill: given by `runbook drill` to the runs that it watches."""
    return click.option("--drill", default="", hidden=True)(function)


def drilled(app: App, plan: Plan, drill: str) -> tuple[Plan, list[EventSink]]:
    """The plan with what a drill has ordered, and what makes the run wait for it."""
    if not drill:
        return plan, []
    from playbook_engine.app.drilling import drilled as ordered
    from playbook_engine.app.drilling import orders

    return ordered(plan, orders(app, drill)), gates(app, drill)


def gates(app: App, drill: str) -> list[EventSink]:
    """What makes a run wait for the drill that it belongs to."""
    if not drill:
        return []
    from playbook_engine.app.drilling import gate, orders

    return [gate(orders(app, drill))]


def waiting_options(function: F) -> F:
    """The same for those who know no locks: they wait by default."""
    return lock_options(function, wait="10m")


def lock_options(function: F, wait: str = "0") -> F:
    """What to do about a host that another run is working at."""
    for option in (
        click.option("--take-over", default="", metavar="RUN", help="Take hosts away from this run: it is fenced."),
        click.option(
            "--wait",
            type=Duration(),
            default=wait,
            show_default=wait != "0",
            metavar="TIME",
            help="Wait so long for another run to end: 5m.",
        ),
    ):
        function = option(function)
    return function


class Duration(click.ParamType[float]):
    """30s, 5m, 1h30m, or seconds."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        from playbook_engine.catalog.spec import parse_duration

        try:
            return parse_duration(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


def make_app() -> App:
    """The wired application for this process's environment."""
    from playbook_engine.app.settings import Settings
    from playbook_engine.app.wiring import App

    return App(Settings.of(os.environ))


def options(
    *, check: bool, diff: bool, forks: int, reason: str, tags: Sequence[str] = (), skip_tags: Sequence[str] = (),
    read_only: bool = False, force: bool = False, skip: Sequence[str] = (), again: Sequence[str] = (),
    wait: float = 0.0, take_over: str = "", start_at: str = "", ask: bool = False, force_handlers: bool = False,
) -> Options:  # fmt: skip
    from playbook_engine.model.plan import Options

    return Options(
        check=check, diff=diff, forks=forks, reason=reason, read_only=read_only, force=force,
        tags=_words(tags), skip_tags=_words(skip_tags), skip=tuple(skip), again=tuple(again), wait=wait,
        take_over=take_over, start_at=start_at, ask=ask, force_handlers=force_handlers,
    )  # fmt: skip


def watchers(app: App, *, as_json: bool, verbose: int, diff: bool, steps: int = 0) -> list[EventSink]:
    """Who watches a run: JSON lines, or text for a person (with a live table on a terminal)."""
    if as_json:
        from playbook_engine.report.json_lines import JsonLines

        return [JsonLines(sys.stdout, app.redactor.text)]
    if sys.stdout.isatty():
        from playbook_engine.report.live import LiveConsole

        return [LiveConsole(sys.stdout, redact=app.redactor.text, verbose=verbose, diff=diff, steps=steps)]
    from playbook_engine.report.console import Console

    return [Console(sys.stdout, redact=app.redactor.text, verbose=verbose, diff=diff)]


def ask_about_key(host: str, fingerprint: str) -> bool:
    """On a terminal: whether to trust an unknown host key, as ssh asks."""
    click.echo(f"The key of {host} is not known: {fingerprint}", err=True)
    return click.confirm("Trust it from now on?", err=True)


def command_line() -> str:
    """What was typed, for the journal. Secrets given with -e are masked there as everywhere."""
    import shlex

    return shlex.join(["runbook", *sys.argv[1:]])


def on_terminal() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def _words(given: Sequence[str]) -> tuple[str, ...]:
    return tuple(word.strip() for text in given for word in text.split(",") if word.strip())
