"""What is said to a shell: dangerous commands, text from a host that nobody quoted, secrets that everybody can read."""

from __future__ import annotations

import re
from collections.abc import Iterator

from playbook_engine.loading.linting.commands import dangers, statements
from playbook_engine.loading.linting.danger import FOLDER, ROOT, Danger, MayBeEmpty, Splits
from playbook_engine.loading.linting.origins import Origins
from playbook_engine.loading.linting.shell_words import ShellText
from playbook_engine.loading.linting.sources import Source, Sources, Text, doers, family
from playbook_engine.model.finding import Finding, Severity
from playbook_engine.model.runbook import Probe, Runbook, Step

SHELL = frozenset({"shell", "raw"})
"""Actions whose `cmd` a shell reads."""
COMMANDS = frozenset({"cmd", "argv", "job"})
"""Arguments that are commands."""
QUERIES = frozenset({"query", "sql", "statement", "statements", "queries"})
LOGIN = frozenset({"ssh", "sshd"})


def shells(runbook: Runbook, sources: Sources) -> Iterator[Finding]:
    """Of all steps and probes."""
    for book in family(runbook):
        origins = Origins(book, runbook)
        for each in doers(book):
            source = sources.of(each.where)
            if source is not None:
                yield from _each(each, source, origins)


def _each(each: Step | Probe, source: Source, origins: Origins) -> Iterator[Finding]:
    argv: list[Text] = []
    for text in source.texts(each):
        if text.name == "argv":
            argv.append(text)
        elif text.name in COMMANDS:
            shell = each.action in SHELL or text.name == "job"
            made = ShellText(text.text, shell=shell)
            yield from _told(dangers(made, *_judges(origins, each)), text, source)
            yield from _holes(made, text, each, source, origins)
        elif text.name in QUERIES:
            yield from _told(statements(text.text), text, source)
    if argv:
        yield from _argv(argv, each, source, origins)
    yield from _of_action(each, source)


def _judges(origins: Origins, each: Step | Probe) -> tuple[MayBeEmpty, Splits]:
    return (lambda e: origins.may_be_empty(e, each)), (lambda e: origins.splits(e, each))


def _told(found: Iterator[Danger], text: Text, source: Source) -> Iterator[Finding]:
    for danger in found:
        at = source.spot(text.path, text.text, danger.at, danger.length)
        yield Finding(
            code="dangerous-command", severity=danger.severity, message=danger.message, advice=danger.advice, where=at
        )


def _argv(argv: list[Text], each: Step | Probe, source: Source, origins: Origins) -> Iterator[Finding]:
    """A list of words: each is one, whatever is in it."""
    line = " ".join("'" + text.text.replace("'", "'\\''") + "'" for text in argv)
    may_be_empty, _ = _judges(origins, each)
    for danger in dangers(ShellText(line, shell=False), may_be_empty, lambda e: False):
        yield Finding(
            code="dangerous-command", severity=danger.severity, message=danger.message, advice=danger.advice,
            where=source.document.at(argv[0].path),
        )  # fmt: skip
    for text in argv:
        yield from _secrets(ShellText(text.text, shell=False), text, source, origins)


def _holes(
    made: ShellText, text: Text, each: Step | Probe, source: Source, origins: Origins
) -> Iterator[Finding]:  # fmt: skip
    """The templates in a command."""
    if each.action in SHELL or text.name == "job":
        for hole in made.holes:
            if hole.expression and origins.from_host(hole.expression, each, made.source):
                yield Finding(
                    code="unquoted-host-text", severity=Severity.ERROR,
                    message=f"{hole.expression} is text from a host, and the shell reads it as its own",
                    advice=f"write {{{{ {hole.expression} | quote }}}}, or use command: with argv:",
                    where=source.spot(text.path, text.text, hole.at, hole.length),
                )  # fmt: skip
    yield from _secrets(made, text, source, origins)


def _secrets(made: ShellText, text: Text, source: Source, origins: Origins) -> Iterator[Finding]:
    for hole in made.holes:
        for name in sorted(origins.secrets(hole.expression)):
            yield Finding(
                code="secret-in-shell", severity=Severity.ERROR,
                message=f"{name} is a secret: in the text of a command `ps` shows it to everybody on the host",
                advice="give it under environment: or stdin:",
                where=source.spot(text.path, text.text, hole.at, hole.length),
            )  # fmt: skip


def _of_action(each: Step | Probe, source: Source) -> Iterator[Finding]:
    """The same dangers, without a shell."""
    args, where = each.args, each.where
    path = str(args.get("path", ""))
    if each.action == "file" and args.get("state") == "absent" and (ROOT.fullmatch(path) or FOLDER.fullmatch(path)):
        yield Finding(
            code="dangerous-command", severity=Severity.ERROR, message=f"this removes a folder of the system: {path}",
            advice="name what is in it", where=where,
        )  # fmt: skip
    name = re.sub(r"\.(service|socket)$", "", str(args.get("name", "")))
    if each.action in ("service", "systemd") and name in LOGIN and args.get("state") == "stopped":
        yield Finding(
            code="dangerous-command", severity=Severity.WARNING,
            message=f"without {name} nobody reaches the host, nor does this run",
            advice="restart it instead; or have somebody at its console", where=where,
        )  # fmt: skip
