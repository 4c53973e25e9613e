"""All that lint advises of a runbook, or a playbook, that loads."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from playbook_engine.loading.lint import ReadFile, steps_of
from playbook_engine.loading.linting.placeholders import placeholders
from playbook_engine.loading.linting.reach import unreachable
from playbook_engine.loading.linting.shells import shells
from playbook_engine.loading.linting.silence import silenced
from playbook_engine.loading.linting.sources import Sources, family
from playbook_engine.loading.linting.unused import unused
from playbook_engine.model.finding import Finding, Severity
from playbook_engine.model.runbook import Runbook
from playbook_engine.templating.environment import Templar


def advised(
    runbook: Runbook, templar: Templar, read: ReadFile, decrypt: Callable[[bytes, str], bytes], *,
    playbook: bool = False,
) -> list[Finding]:  # fmt: skip
    """In the order of the files. Of a `playbook`, nothing is an error: it runs as it is elsewhere."""
    sources = Sources(decrypt, yaml11=playbook)
    files: dict[str, None] = {}
    for book in family(runbook):
        sources.add(book)
        files[book.file] = None
        files.update(dict.fromkeys(s.file for s in steps_of(book) if s.file))
    found = [*unreachable(runbook, templar, sources), *shells(runbook, sources)]
    if not playbook:  # the variables of a playbook are used by roles, group_vars and others that nobody reads here
        found += unused(runbook, sources, read)
    for name in files:
        source = sources.file(name)
        found += placeholders(source) if source is not None else ()
    if playbook:
        found = [
            f if f.severity is not Severity.ERROR else dataclasses.replace(f, severity=Severity.WARNING) for f in found
        ]
    return in_order(silenced(found, files, sources))


def in_order(findings: list[Finding]) -> list[Finding]:
    """Each once, in the order of the files."""
    unique = {(str(f.where), f.code, f.message): f for f in findings}
    return sorted(
        unique.values(), key=lambda f: (f.where.file, f.where.line, f.where.column) if f.where else ("", 0, 0)
    )
