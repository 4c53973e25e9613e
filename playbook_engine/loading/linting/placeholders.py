"""Values that somebody meant to fill in: `TODO`, `<your-name>`, `example.com`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from playbook_engine.loading.linting.sources import Source, strings
from playbook_engine.loading.places import CODE
from playbook_engine.model.finding import Finding, Severity

MARKS = (
    re.compile(r"(?<![\w/.-])(?:TODO|FIXME|XXX|CHANGE[-_ ]?ME|REPLACE[-_ ]?ME|FILL[-_ ]?ME|TBD)(?![\w/.-]*\w)"),
    re.compile(r"(?i)(?<![\w/.-])(?:change-?me|replace-?me)(?![\w.-]*\w)"),
    re.compile(r"(?i)<(?:your|insert|change|replace|put|fill|enter|some)[ _-][^<>\n]*>"),
    re.compile(r"<[A-Z][A-Z0-9]*(?:[_ -][A-Z0-9]+)*>"),
    re.compile(r"^<[A-Za-z][\w .-]*>$"),
    re.compile(r"▢ to be judged:[^\n]*"),
)
DOMAIN = re.compile(r"(?i)(?:[\w-]+\.)*example\.(?:com|org|net)\b")  # RFC 2606: nobody has them
SEARCHED = frozenset(
    {"pattern", "patterns", "regexp", "regex", "search", "match", "contains", "expect", "when", "that"}
)
"""Keys under which a word is looked for, not said."""
PROSE = frozenset({"description", "title", "name"})
"""Keys under which a domain is an example for a reader."""


def placeholders(source: Source) -> Iterator[Finding]:
    """Each of one file, once a place."""
    for path, text in strings(source.document.value):
        key = next((str(part) for part in reversed(path) if isinstance(part, str)), "")
        if key in SEARCHED:
            continue
        # Spaces for what is code: places stay what they are, and a comparison in it is no placeholder.
        plain = CODE.sub(lambda m: " " * len(m[0]), text)
        marks = MARKS if key in PROSE else (*MARKS, DOMAIN)
        seen: set[int] = set()
        for mark in marks:
            for found in mark.finditer(plain):
                if found.start() in seen:
                    continue
                seen.add(found.start())
                yield Finding(
                    code="placeholder", severity=Severity.WARNING, message=f"a placeholder was left here: {found[0]}",
                    advice="write what belongs here", where=source.spot(path, text, found.start(), len(found[0])),
                )  # fmt: skip
