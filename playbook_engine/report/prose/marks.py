"""What a glyph, a checkbox or a word says about how something stands: good, bad, open, or unknown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum

from playbook_engine.model.frozen import frozen


class Mark(StrEnum):
    """How something is said to stand. OPEN is under way or still to do."""

    GOOD = "good"
    BAD = "bad"
    OPEN = "open"
    UNKNOWN = "unknown"


GLYPHS: Mapping[str, Mark] = {
    **dict.fromkeys("✅✔☑✓🟢", Mark.GOOD),
    **dict.fromkeys("❌✗✘✖❎🔴⛔🚫", Mark.BAD),
    **dict.fromkeys("🔄⏳⌛🟡🟠🚧⬜☐🔜", Mark.OPEN),
    **dict.fromkeys("❓❔", Mark.UNKNOWN),
}

_WORDS: Mapping[Mark, str] = {
    Mark.GOOD: "done|completed?|resolved|fixed|closed|finished|passed|passing|pass|ok|okay|healthy|operational|met"
    "|green|success(?:ful)?|succeeded|working|up|verified|active|ready|solved|mitigated|deployed|shipped|compliant|online",
    Mark.BAD: "failed|failing|fails?|down|unhealthy|broken|red|offline|not (?:met|ready|working|reachable|done|healthy"
    "|fixed|resolved)|missing|unreachable|dead|stopped|unresolved|crashed|non-?compliant",
    Mark.OPEN: "in[ -]progress|pending|to[ -]?do|planned|blocked|not (?:yet )?(?:started|done|verified|tested)|wip|open"
    "|partial(?:ly)?|yellow|amber|degraded|ongoing|outstanding|needs? (?:\\w+ ){0,3}\\w+|awaiting|waiting|scheduled",
    Mark.UNKNOWN: "unknown|unclear|not known|not measured|unverified|undetermined|not checked|could not be measured",
}
_LEADING = re.compile(
    r"^[\W_]*(?:(?P<bad>" + _WORDS[Mark.BAD] + r")|(?P<unknown>" + _WORDS[Mark.UNKNOWN] + r")|(?P<open>"
    + _WORDS[Mark.OPEN] + r")|(?P<good>" + _WORDS[Mark.GOOD] + r"))(?![\w-])",
    re.I,
)  # fmt: skip
_GLYPH = re.compile("[" + "".join(GLYPHS) + "]")


@frozen
class Glyph:
    """A status glyph in a line, and where."""

    at: int
    mark: Mark


def glyphs(text: str) -> tuple[Glyph, ...]:
    return tuple(Glyph(at=found.start(), mark=GLYPHS[found[0]]) for found in _GLYPH.finditer(text))


def leading(text: str) -> Mark | None:
    """What a phrase says that begins with a status: `DONE (1133 ms)`, `❌ NEEDS FIX`, `not met`."""
    first = glyphs(text[:4])
    if first:
        return first[0].mark
    found = _LEADING.match(text[:80])
    return Mark(str(found.lastgroup)) if found else None


def bare(text: str) -> str:
    """Without status glyphs and the blanks around them."""
    return " ".join(_GLYPH.sub(" ", text).replace("\ufe0f", " ").split())


def only_status(text: str) -> bool:
    """Whether a phrase is a status and names nothing that has it: `done`, `✅ COMPLETE`, `not met`."""
    found = _LEADING.match(text[:80])
    return (bool(glyphs(text[:4])) and not re.search(r"\w", bare(text))) or bool(
        found and not re.search(r"\w", text[found.end() :])
    )
