"""What only people can judge of an incident, and which of it nobody has judged yet: the blanks of its document."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from playbook_engine.journal.incident import IncidentView
from playbook_engine.model.events import IncidentNoted
from playbook_engine.model.frozen import frozen
from playbook_engine.model.incident import NoteKind
from playbook_engine.report.dossier import OWN
from playbook_engine.report.items import Item
from playbook_engine.report.text import one_line

MARK = "▢ to be judged:"
FOUND = re.compile(re.escape(MARK) + r"\s*(?P<question>[^▢\n]*?)\s*\((?P<id>[a-z0-9-]+)\)")


@frozen
class Blank:
    """`fill` is the command that fills it; empty for one that was found in a file."""

    id: str
    section: str
    question: str
    fill: str = ""

    @property
    def text(self) -> str:
        """How it stands in a document, so that it is found again there."""
        return f"{MARK} {self.question} ({self.id})"


@frozen
class Answer:
    """What somebody noted, with the record; or with nobody who says so, what a record of a run has."""

    text: str
    who: str
    at: str
    evidence: str


@frozen
class Judged:
    """One thing to judge: `answers`, or else the `blank`."""

    title: str
    answers: tuple[Answer, ...]
    blank: Blank | None


@frozen
class Question:
    section: str
    title: str
    asks: str


QUESTIONS: Mapping[NoteKind, Question] = {
    NoteKind.OWNER: Question(section="document", title="Owner", asks="who owns this document"),
    NoteKind.REVIEWERS: Question(section="document", title="Reviewers", asks="who reviews it"),
    NoteKind.MEETING: Question(section="document", title="Meeting", asks="when is it talked about"),
    NoteKind.SUMMARY: Question(section="summary", title="What it meant", asks="what it meant, in a sentence or two"),
    NoteKind.IMPACT: Question(
        section="impact",
        title="Users, requests, money, tickets",
        asks="exact numbers of users, requests, money, tickets",
    ),
    NoteKind.DATA: Question(section="impact", title="Data", asks="was data lost, or seen by somebody"),
    NoteKind.DETECTION: Question(
        section="detection", title="Sooner", asks="how could it have been detected in half the time"
    ),
    NoteKind.TRIGGER: Question(section="causes", title="Trigger", asks="what set it off"),
    NoteKind.CAUSE: Question(section="causes", title="Root cause", asks="root cause"),
    NoteKind.CONTRIBUTING: Question(section="causes", title="Contributing factors", asks="what contributed"),
    NoteKind.WHYS: Question(section="causes", title="Five whys", asks="why, and why that, five times"),
    NoteKind.PERMANENCE: Question(
        section="resolution", title="Temporary or permanent", asks="is what was done a stopgap, or for good"
    ),
    NoteKind.WELL: Question(section="lessons", title="What went well", asks="what went well"),
    NoteKind.BADLY: Question(section="lessons", title="What went badly", asks="what went badly"),
    NoteKind.LUCKY: Question(section="lessons", title="Where we were lucky", asks="where we were lucky"),
    NoteKind.PROCESS: Question(section="lessons", title="Process", asks="where did the process break down"),
    NoteKind.LESSONS: Question(section="lessons", title="Lessons", asks="what is learned from it"),
}
"""All that is asked of people, in the order of the document."""


def judged(view: IncidentView, given: Mapping[NoteKind, Answer]) -> dict[str, Judged]:
    """By the kind of the note. `given`: what is known from elsewhere, such as the runbook's owner."""
    return {str(kind): _judged(view, kind, question, given.get(kind)) for kind, question in QUESTIONS.items()}


def _judged(view: IncidentView, kind: NoteKind, question: Question, known: Answer | None) -> Judged:
    answers = tuple(
        Answer(text=one_line(e.text), who=one_line(e.actor), at=r.at, evidence=f"{OWN}{r.seq}")
        for r in view.notes if isinstance(e := r.event, IncidentNoted) and e.kind == kind
    )  # fmt: skip
    if known is not None and not answers:
        answers = (known,)
    fill = f"runbook incident note {view.incident} --kind {kind} '…'"
    blank = None if answers else Blank(id=str(kind), section=question.section, question=question.asks, fill=fill)
    return Judged(title=question.title, answers=answers, blank=blank)


def of_item(item: Item, incident: str) -> dict[str, Blank]:
    """Those of an open item: `owner`, `due`, and `probe` where nothing in its runbook would prove it repaired."""
    if not item.open:
        return {}
    command = f"runbook incident item {incident} {item.id}"
    found: dict[str, Blank] = {}
    for field, asks in (("owner", "who does it"), ("due", "until when")):
        if not getattr(item, field):
            found[field] = Blank(
                id=f"{item.id}-{field}", section="items", question=asks, fill=f"{command} --{field} '…'"
            )
    if item.probe is None and not item.proof:
        found["probe"] = Blank(
            id=f"{item.id}-probe", section="items", question="what would prove it repaired: its runbook has no probe",
            fill=f"{command} --proof '…'",
        )  # fmt: skip
    return found


def left(answers: Mapping[str, Judged], items: Sequence[Item], incident: str) -> tuple[Blank, ...]:
    """All blanks of a document, in its order."""
    asked = [j.blank for j in answers.values() if j.blank is not None]
    return (*asked, *(blank for item in items for blank in of_item(item, incident).values()))


def found_in(text: str) -> Iterator[tuple[int, Blank]]:
    """(line, blank) of each that is left in a document, whoever has edited it since."""
    for number, line in enumerate(text.splitlines(), 1):
        for match in FOUND.finditer(line):
            yield number, Blank(id=match["id"], section="", question=match["question"])
