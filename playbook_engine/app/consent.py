"""How many hosts a run may touch, and what the operator has to say to it, before any connection is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from playbook_engine.app.wiring import App
from playbook_engine.catalog.spec import parse_bool
from playbook_engine.model.errors import EngineError, InventoryError, UsageError
from playbook_engine.model.frozen import frozen
from playbook_engine.model.host import Host
from playbook_engine.model.runbook import Runbook

GUARD = "runbook_protected"
"""The variable of a host or group that the number of hosts has to be said for."""


@frozen
class Consent:
    """What the operator said about the number of hosts: `mean` is --yes-i-mean, `terminal` whether one can be asked."""

    yes: bool = False
    mean: int | None = None
    terminal: bool = False
    max_hosts: int | None = None


def bounded(app: App, hosts: Sequence[Host], most: int | None) -> None:
    """Refuses more hosts than --max-hosts, else RUNBOOK_MAX_HOSTS, allows. Raises UsageError."""
    allowed = app.settings.max_hosts if most is None else most
    if allowed is None or len(hosts) <= allowed:
        return
    said = "RUNBOOK_MAX_HOSTS" if most is None else "--max-hosts"
    raise UsageError(
        f"these are {len(hosts)} hosts, and {said} allows {allowed}: {_some(hosts)}",
        advice="narrow the pattern or give -l; --max-hosts allows more, if all of them are meant",
    )


def agreed(app: App, runbook: Runbook, hosts: Sequence[Host], consent: Consent, *, named: bool) -> None:
    """The operator's word for a run that changes something. `named`: the operator has typed which hosts.

    What is protected wants the number of hosts, whoever named them. Raises UsageError, InventoryError.
    """
    why = _protection(app, runbook, hosts)
    if why:
        _number(hosts, why, consent)
    else:
        confirm_many(hosts, yes=consent.yes or named, mean=consent.mean, terminal=consent.terminal)


def settled(app: App, runbook: object, hosts: Sequence[Host], consent: Consent, *, named: bool) -> bool:
    """Whether nothing stands between these hosts and a connection: neither a limit, nor a question, nor a protection.

    `runbook` is its file as it is written: it has not been judged yet.
    """
    most = app.settings.max_hosts if consent.max_hosts is None else consent.max_hosts
    if (most is not None and len(hosts) > most) or not isinstance(runbook, Mapping) or runbook.get("protected"):
        return False
    if any(GUARD in host.variables for host in hosts):
        return False
    return len(hosts) == 1 or consent.yes or named or consent.mean == len(hosts)


def confirm_many(hosts: Sequence[Host], *, yes: bool, mean: int | None, terminal: bool) -> None:
    """More than one host without a pattern from the operator wants a yes. Raises UsageError."""
    count = len(hosts)
    if mean is not None and mean != count:
        raise UsageError(f"--yes-i-mean {mean}, and there are {count} hosts: {_some(hosts)}")
    if yes or mean is not None or count == 1:
        return
    if not terminal:
        raise UsageError(
            f"this would touch {count} hosts: {_some(hosts)}",
            advice=f"say --yes, or --yes-i-mean {count}, or name the hosts",
        )
    import click

    if not click.confirm(f"{count} hosts: {_some(hosts)}. Go on?"):
        raise UsageError("nothing was done")


def _protection(app: App, runbook: Runbook, hosts: Sequence[Host]) -> str:
    """Why this is protected; empty when it is not."""
    if runbook.guarded():
        return f"the runbook {runbook.name} is protected"
    guarded = [host for host in hosts if _guarded(app, host)]
    return f"protected ({GUARD}): {_some(guarded)}" if guarded else ""


def _guarded(app: App, host: Host) -> bool:
    value = host.variables.get(GUARD, False)
    try:
        return bool(parse_bool(app.templar.render(value, host.variables)))
    except (EngineError, ValueError) as error:
        raise InventoryError(f"{GUARD} of {host.name} is neither true nor false: {error}") from error


def _number(hosts: Sequence[Host], why: str, consent: Consent) -> None:
    """The number of hosts, typed or given: a habit answers `y`, not 17."""
    count = len(hosts)
    if consent.mean == count:
        return
    if consent.mean is not None:
        raise UsageError(f"--yes-i-mean {consent.mean}, and there are {count} hosts: {_some(hosts)}")
    if not consent.terminal:
        raise UsageError(
            f"{why}; this would touch {count} host{'' if count == 1 else 's'}: {_some(hosts)}",
            advice=f"if just these are meant, say --yes-i-mean {count}; --yes is not enough",
        )
    import click

    click.echo(f"{why}. This touches {_some(hosts)}.", err=True)
    said = click.prompt("Type the number of hosts to go on", default="", show_default=False, err=True)
    if str(said).strip() != str(count):
        raise UsageError("nothing was done: that is not the number of hosts")


def _some(hosts: Sequence[Host]) -> str:
    names = [h.name for h in hosts]
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
