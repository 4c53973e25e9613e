"""Options that several commands share, spelled as Ansible's users know them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

import click

from playbook_engine.model.ports import EventSink

if TYPE_CHECKING:
    from playbook_engine.app.configuration import Configuration
    from playbook_engine.app.settings import Settings
    from playbook_engine.app.wiring import App
    from playbook_engine.inventory.vault import Vault
    from playbook_engine.inventory.vault_passwords import Source
    from playbook_engine.model.plan import Options, Plan

F = TypeVar("F", bound=Callable[..., object])
T = TypeVar("T")


def inventory_options(function: F) -> F:
    """-i and -l."""
    for option in (
        click.option("-l", "--limit", help="Only these hosts of the pattern."),
        click.option("-i", "--inventory", "inventory", multiple=True, help="Inventory: file, folder, script, or a,b,"),
    ):
        function = option(function)
    return function


CONFIGURATION = "playbook_engine.configuration"
GIVEN = "playbook_engine.given."
"""Before the names of options that many commands have and few look at: they lie in the context, not in signatures."""


def _kept(ctx: click.Context, param: click.Parameter, value: object) -> None:
    ctx.meta[f"{GIVEN}{param.name}"] = value


def _given(name: str, default: T) -> T:
    ctx = click.get_current_context(silent=True)
    value = ctx.meta.get(f"{GIVEN}{name}") if ctx is not None else None
    return default if value is None else value


def _option(*names: str, **settings: Any) -> Callable[[F], F]:
    return click.option(*names, expose_value=False, callback=_kept, **settings)


def configuration() -> Configuration:
    """What this process's environment and the files that count here say; read once for a command. Raises UsageError."""
    from playbook_engine.app.configuration import configured

    ctx = click.get_current_context(silent=True)
    found: Configuration | None = ctx.meta.get(CONFIGURATION) if ctx is not None else None
    if found is None:
        found = configured(os.environ, Path.cwd())
        for warning in found.warnings:
            click.echo(f"warning: {warning}", err=True)
        if ctx is not None:
            ctx.meta[CONFIGURATION] = found
    return found


def settings() -> Settings:
    """The settings of this command. Raises UsageError."""
    from playbook_engine.app.settings import Settings

    return Settings.made(configuration(), os.environ)


def become_options(function: F) -> F:
    """Be another user, where neither the step, the runbook nor the inventory says it."""
    for option in (
        _option("--become-user", "become_user_all", metavar="NAME", help="As this user; root by default."),
        _option("-b", "--become", "become_all", is_flag=True, help="Be another user on the hosts."),
    ):
        function = option(function)
    return function


def vault_options(function: F) -> F:
    """How to open what ansible-vault has encrypted."""
    for option in (
        _option("-J", "--ask-vault-pass", "--ask-vault-password", "ask_vault", is_flag=True,
                help="Ask for the vault password."),
        _option("--vault-password-file", "--vault-pass-file", "vault_files", multiple=True, metavar="FILE",
                help="A file with the vault password, or a program that prints it."),
        _option("--vault-id", "vault_ids", multiple=True, metavar="LABEL@SOURCE",
                help="The vault password of a label: LABEL@FILE, LABEL@prompt."),
    ):  # fmt: skip
        function = option(function)
    return function


def login_options(function: F) -> F:
    """How to log in, where the inventory does not say."""
    for option in (
        _option("--ssh-extra-args", metavar="ARGS", help="More arguments for ssh."),
        _option("--ssh-common-args", metavar="ARGS", help="Arguments for ssh: -o Key=value, -J host."),
        _option("--become-password-file", "--become-pass-file", "become_file", metavar="FILE",
                help="A file with the password for becoming another user."),
        _option("-K", "--ask-become-pass", "ask_become", is_flag=True, help="Ask for that password."),
        _option("--connection-password-file", "--conn-pass-file", "password_file", metavar="FILE",
                help="A file with the login password."),
        _option("-k", "--ask-pass", is_flag=True, help="Ask for the login password."),
        _option("-T", "--connect-timeout", type=click.IntRange(1), metavar="SECONDS", help="For connecting."),
        _option("-c", "--connection", metavar="KIND", help="ssh, openssh or local."),
        _option("--private-key", "--key-file", "private_key", metavar="FILE", help="Log in with this key."),
        _option("-u", "--user", metavar="NAME", help="Log in as this user."),
        _option("--become-method", metavar="KIND", help="How: sudo, su or doas."),
    ):  # fmt: skip
        function = option(function)
    return function


def course_options(function: F) -> F:
    """Which steps, and how one goes from one to the next."""
    for option in (
        _option("--syntax-check", is_flag=True, help="Only read everything, and say what is wrong."),
        _option("--list-tags", is_flag=True, help="Say which tags there are, and do nothing."),
        _option("--list-steps", "--list-tasks", "list_steps", is_flag=True, help="Say which steps there are."),
        _option("--list-hosts", is_flag=True, help="Say which hosts it would be for."),
        _option("--force-handlers", is_flag=True, help="Run waiting handlers also where a step has failed."),
        _option("--step", "one_by_one", is_flag=True, help="Ask before each step."),
        _option("--start-at-step", "--start-at-task", "start_at", metavar="NAME", help="Begin with this step."),
        click.option("--skip-tags", multiple=True, help="Not the steps with these tags."),
        click.option("-t", "--tags", multiple=True, help="Only steps with these tags."),
    ):
        function = option(function)
    return function


LISTS = ("list_hosts", "list_steps", "list_tags", "syntax_check")


def only_listing() -> bool:
    """Whether nothing is to be done."""
    return any(_given(word, False) for word in LISTS)


def only_listed(plan: Plan) -> bool:
    """Whether the operator only wants to know what there is; then it has been said."""
    if not only_listing():
        return False
    from playbook_engine.cli.listing import lines

    click.echo("\n".join(lines(plan, [w for w in LISTS if _given(w, False)])))
    return True


def confirming() -> Callable[[str], str] | None:
    """Who is asked before each step (`--step`). Raises UsageError when nobody is at a terminal."""
    if not _given("one_by_one", False):
        return None
    if not on_terminal():
        from playbook_engine.model.errors import UsageError

        raise UsageError("--step asks before each step, and nobody is at a terminal")
    return _confirm


def _confirm(name: str) -> str:
    """yes, no, or continue: yes to all that come."""
    words = {"y": "yes", "n": "no", "c": "continue"}
    said = click.prompt(
        f"Do the step {name!r}? (n)o, (y)es, (c)ontinue", type=click.Choice([*words, *words.values()]), default="n",
        show_choices=False, err=True,
    )  # fmt: skip
    return words.get(str(said), str(said))


def operator() -> Callable[[str, bool], str] | None:
    """Who answers a `pause`: whoever is at the terminal; without one nobody, and with --yes Enter is always said."""
    if on_terminal():
        return _prompt
    return (lambda _text, _hidden: "") if _parameter("yes", False) else None


def _parameter(name: str, default: T) -> T:
    """Of the command that runs, where it has one of that name."""
    ctx = click.get_current_context(silent=True)
    value = ctx.params.get(name) if ctx is not None else None
    return default if value is None else value


def prompting() -> Callable[[str, bool], str] | None:
    """Who answers `vars_prompt`; nobody without a terminal."""
    return _prompt if on_terminal() else None


def _prompt(question: str, hidden: bool) -> str:
    return str(click.prompt(question, hide_input=hidden, default="", show_default=False, err=True))


def make_vault() -> Vault:
    """For a command that has no need of an `App`. What it opens is masked in errors."""
    from playbook_engine.inventory.vault import Vault
    from playbook_engine.journal.redaction import Redactor

    redactor = Redactor()
    masking(redactor.text)
    return Vault(vault_sources(), hide=redactor.add, match=settings().vault_id_match)


def vault_sources() -> tuple[Source, ...]:
    """Raises UsageError."""
    from playbook_engine.inventory.vault_passwords import VaultOptions, sources

    usual = settings()
    files = (*_given("vault_files", ()), usual.vault_password_file)
    options = VaultOptions(
        ids=_given("vault_ids", ()), password_files=tuple(filter(None, files)), listed=usual.vault_identity_list,
        ask=_given("ask_vault", False) or usual.ask_vault_pass,
    )  # fmt: skip
    return sources(options)


def masking(redact: Callable[[str], str]) -> None:
    """From now on errors of this command are printed without secrets."""
    from playbook_engine.cli.group import REDACT

    if ctx := click.get_current_context(silent=True):
        ctx.meta[REDACT] = redact


def _login() -> dict[str, object]:
    from playbook_engine.app.login import LoginOptions, login_variables

    usual = settings()
    return login_variables(
        LoginOptions(
            user=_given("user", usual.user or None), connection=_given("connection", None),
            connect_timeout=_given("connect_timeout", usual.connect_timeout),
            private_key=_given("private_key", usual.private_key or None),
            common_args=_given("ssh_common_args", None), extra_args=_given("ssh_extra_args", None),
            ask_password=_given("ask_pass", False), password_file=_given("password_file", None),
            become=_given("become_all", False), become_user=_given("become_user_all", None),
            become_method=_given("become_method", None), ask_become_password=_given("ask_become", False),
            become_password_file=_given("become_file", None),
        )
    )  # fmt: skip


def max_hosts_option(function: F) -> F:
    """--max-hosts."""
    return click.option(
        "--max-hosts", type=click.IntRange(1), metavar="N", help="Refuse when there are more hosts than this."
    )(function)


def _forks(ctx: click.Context, param: click.Parameter, value: int | None) -> int:
    return value or settings().forks


def forks_option(function: F) -> F:
    """-f; the settings say it where it is not given."""
    return click.option(
        "-f", "--forks", type=click.IntRange(1), metavar="N", callback=_forks,
        help="Hosts at the same time; 50 by default.",
    )(function)  # fmt: skip


def _diff(ctx: click.Context, param: click.Parameter, value: bool) -> bool:
    return value or settings().diff


def run_options(function: F) -> F:
    """What steers a run."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Events as JSON lines on stdout, nothing else."),
        click.option("-v", "--verbose", count=True, help="Show output; -vv shows evidence."),
        max_hosts_option,
        click.option("--yes-i-mean", "mean", type=int, metavar="N", help="Yes, exactly N hosts."),
        click.option("-y", "--yes", is_flag=True, help="Do not ask about the number of hosts."),
        click.option("--reason", default="", help="Why; stands in the journal."),
        forks_option,
        click.option("-D", "--diff", is_flag=True, callback=_diff, help="Show the differences that are made."),
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
    from playbook_engine.app.wiring import App

    app = App(settings(), vault=vault_sources(), login=_login())
    masking(app.redactor.text)
    return app


def options(
    *, check: bool, diff: bool, forks: int, reason: str, tags: Sequence[str] = (), skip_tags: Sequence[str] = (),
    read_only: bool = False, force: bool = False, skip: Sequence[str] = (), again: Sequence[str] = (),
    wait: float = 0.0, take_over: str = "",
) -> Options:  # fmt: skip
    from playbook_engine.model.plan import Options

    return Options(
        check=check, diff=diff, forks=forks, reason=reason, read_only=read_only, force=force,
        tags=_words(tags), skip_tags=_words(skip_tags), skip=tuple(skip), again=tuple(again), wait=wait,
        take_over=take_over, start_at=_given("start_at", ""),
        ask=_given("one_by_one", False), force_handlers=_given("force_handlers", False),
        verbosity=_parameter("verbose", 0),
    )  # fmt: skip


def watchers(app: App, *, as_json: bool, verbose: int, diff: bool, steps: int = 0) -> list[EventSink]:
    """Who watches a run: JSON lines, or text for a person (with a live table on a terminal)."""
    if as_json:
        from playbook_engine.report.json_lines import JsonLines

        return [JsonLines(sys.stdout, app.redactor.text)]
    colour = in_colour(sys.stdout)
    asking = _given("one_by_one", False)  # questions stand between the lines, not under a table that moves
    if sys.stdout.isatty() and os.environ.get("TERM") != "dumb" and not asking:
        from playbook_engine.report.live import LiveConsole

        return [
            LiveConsole(
                sys.stdout, redact=app.redactor.text, verbose=verbose, diff=diff, steps=steps, colour=colour
            )
        ]  # fmt: skip
    from playbook_engine.report.console import Console

    return [Console(sys.stdout, redact=app.redactor.text, verbose=verbose, diff=diff, colour=colour)]


def in_colour(out: TextIO) -> bool:
    """Whether what this command prints there is to have colours. Raises UsageError where the settings do not load."""
    from playbook_engine.cli.colour import COLOUR
    from playbook_engine.report.colour import coloured

    ctx = click.get_current_context(silent=True)
    flag = ctx.meta.get(COLOUR) if ctx is not None else None
    return coloured(out, os.environ, flag=flag, setting=settings().color)


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
