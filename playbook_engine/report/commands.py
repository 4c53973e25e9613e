"""Exact commands for a reader: the run's own words (runbook file, inventory, extra variables) with other hosts."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from playbook_engine.model.events import RunStarted

KEPT = ("-i", "--inventory", "-e", "--extra-vars")


def again(started: RunStarted, verb: str, hosts: Sequence[str]) -> str:
    """The runbook once more, as `run` or `audit`, for these hosts."""
    words = _words(started.command)
    name = words[2] if words[1:2] in (["run"], ["audit"]) and _is_runbook(words, started) else started.runbook
    named = [] if (verb, name) == ("audit", "audit") else [name]
    return shlex.join(["runbook", verb, *named, ",".join(hosts), *options(started)])


def other(started: RunStarted, runbook: str, hosts: Sequence[str]) -> str:
    """Another runbook for hosts of this run, from the same inventory."""
    given = options(started)
    inventory: list[str] = []
    for n, word in enumerate(given):
        if word.startswith(("-i", "--inventory")) or given[n - 1 : n] in (["-i"], ["--inventory"]):
            inventory.append(word)
    return shlex.join(["runbook", "run", runbook, ",".join(hosts), *inventory])


def options(started: RunStarted) -> list[str]:
    """Where the run's hosts came from, and the variables it was given."""
    words = _words(started.command)
    found: list[str] = []
    for n, word in enumerate(words):
        flag, equals, _ = word.partition("=")
        if word in KEPT and n + 1 < len(words):
            found += [word, words[n + 1]]
        elif (equals and flag in KEPT) or (word[:2] in ("-i", "-e") and len(word) > 2):
            found.append(word)
    return found


def _is_runbook(words: Sequence[str], started: RunStarted) -> bool:
    """Whether the first argument names the runbook: `runbook audit web1` leaves it out."""
    if len(words) < 3 or words[2].startswith("-"):
        return False
    return words[1] == "run" or words[2] == started.runbook or words[2].endswith((".yml", ".yaml"))


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError:
        return []
