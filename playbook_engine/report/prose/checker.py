"""All rules over one report."""

from __future__ import annotations

from collections.abc import Sequence

from playbook_engine.model.frozen import frozen
from playbook_engine.report.prose.document import Document, Place
from playbook_engine.report.prose.rule import Contradiction, Rule
from playbook_engine.report.prose.rules import (
    contacts,
    counts,
    fields,
    impossible,
    parts,
    risk,
    scales,
    thresholds,
    work,
)

_FAMILIES = (contacts, counts, fields, impossible, parts, risk, scales, thresholds, work)
RULES: tuple[Rule, ...] = tuple(
    sorted((rule for family in _FAMILIES for rule in family.RULES), key=lambda rule: int(rule.id[1:]))
)


@frozen
class Finding:
    """A contradiction, the rule that found it, and the report that it stands in."""

    file: str
    rule: Rule
    found: Contradiction

    @property
    def others(self) -> Sequence[Place]:
        """The other lines, each once, in their order."""
        rest = {p.line: p for p in self.found.others if p.line != self.found.at.line}
        return [rest[line] for line in sorted(rest)]


def check(file: str, document: Document) -> list[Finding]:
    """Everything that contradicts something, in the order of the lines."""
    found = [Finding(file=file, rule=rule, found=each) for rule in RULES for each in rule.find(document)]
    return sorted(found, key=lambda f: (f.found.at.line, int(f.rule.id[1:])))
