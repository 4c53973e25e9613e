"""What a section is about, from its heading and those above it: work still to do, a time box, criteria, findings."""

from __future__ import annotations

import re
from collections.abc import Iterator

from playbook_engine.report.prose.document import Document, Kind, Section, Statement
from playbook_engine.report.prose.marks import Mark
from playbook_engine.report.prose.words import phrase

TO_DO = phrase(
    r"next steps?|to[- ]?dos?|pending|in progress|remaining|outstanding|open (?:issues?|items?|tasks?|work"
    r"|points?)|backlog|not (?:yet )?(?:done|started)|action (?:items?|plan)|actions|planned|upcoming"
    r"|follow[- ]?ups?|required|still to do|work left|plan for|tasks?|next (?:\d+ )?(?:min|minute|hour|day"
    r"|week|month|sprint)s?"
)
DONE = phrase(r"done|completed?|resolved|fixed|closed|finished|accomplished|shipped|achieved|met")
CLOSED = re.compile(
    r"\b(?:resolved|fixed|closed|done|completed?|mitigated|solved|recovered|healthy|operational|passed|met)\b"
    r"|✅",
    re.I,
)
"""Signs that something is over."""
TIME_BOX = phrase(
    r"next \d+ ?(?:min|minute|hour|h|day|week|month)s?|within (?:the next )?\d+ ?(?:min|minute|hour|h|day"
    r"|week)s?|next (?:hour|day|week|month|sprint)|this (?:hour|morning|afternoon|evening|week|month|sprint)"
    r"|today|tonight|tomorrow|(?:short|medium|mid|long)[- ]term|immediate(?:ly)?|right now|now|later|day \d+"
    r"|week \d+|(?:by|on|before) (?:mon|tues|wednes|thurs|fri|satur|sun)day"
)
CRITERIA = phrase(
    r"(?:success|acceptance|exit|completion|go[- ]live|done) criteria|criteria|complete when|done when"
    r"|definition of done|gates?|must[- ]haves?|requirements|check ?list"
)
FINDINGS = phrase(r"findings?|issues? found|problems? found|observations")
ASIDE = phrase(
    r"follow[- ]?ups?|action items?|actions|next steps?|lessons|limitations|known issues|risks?|future|later"
    r"|notes?|timeline|history|out of scope|not in scope|nice to have|before|background|impact|what happened"
    r"|symptoms?|causes?"
)
"""Parts of something resolved that may honestly hold open things."""
ESCALATION = re.compile(
    r"^\W*(?:\w+ )?escalations?(?: (?:plan|policy|path|procedure|matrix|chain|levels?|contacts?|steps))?\b",
    re.I,
)
CONTACTS = phrase(r"contacts?|on[- ]?call|who to (?:call|page)|responsib\w+|owners?|roles|escalations?")
WORK = phrase(r"fix(?:es)?|actions?|steps?|plan|to[- ]?do|tasks?|order|remediation|repairs?|work|priorit\w+")


def about(document: Document, section: Section, topic: re.Pattern[str], *, least: int = 2) -> Section | None:
    """The nearest heading of this topic, the section's own or one above it; a title (level below `least`) is none."""
    for each in document.above(section):
        if each.heading is not None and each.level >= least and topic.search(each.title):
            return each
    return None


def to_do(document: Document, section: Section) -> bool:
    """Whether what stands here is work that is not done."""
    for each in document.above(section):
        if each.heading is None or each.level < 2:
            continue
        if DONE.search(each.title) or CRITERIA.search(each.title):
            return False
        if TO_DO.search(each.title):
            return True
    return False


def tasks(document: Document) -> Iterator[Statement]:
    """Everything that is listed as still to do: items that carry no tick."""
    known: dict[int, bool] = {}
    for item in document.of(Kind.ITEM):
        if item.section not in known:
            known[item.section] = to_do(document, document.section_of(item))
        if (known[item.section] and item.mark is not Mark.GOOD) or (
            item.mark is Mark.OPEN and item.said.lstrip()[:3] == "[ ]"
        ):
            yield item


def whole_of(document: Document, section: Section, left_out: re.Pattern[str] | None = None) -> Iterator[Statement]:
    """The statements of a section and of those under it, but for parts whose heading is `left_out`."""
    waiting = [section.index]
    while waiting:
        here = waiting.pop()
        yield from document.own[here]
        waiting += [
            child for child in document.children[here]
            if left_out is None or not left_out.search(document.sections[child].title)
        ]  # fmt: skip
