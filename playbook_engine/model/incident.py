"""The words of an incident: what a note is about, what its times are called, how far an action item is."""

from __future__ import annotations

from enum import StrEnum


class NoteKind(StrEnum):
    """What a note is. All but the first three answer something that only people can judge."""

    NOTE = "note"
    DECISION = "decision"
    QUESTION = "question"
    SUMMARY = "summary"
    IMPACT = "impact"
    DATA = "data"
    DETECTION = "detection"
    TRIGGER = "trigger"
    CAUSE = "cause"
    CONTRIBUTING = "contributing"
    WHYS = "whys"
    PERMANENCE = "permanence"
    WELL = "well"
    BADLY = "badly"
    LUCKY = "lucky"
    PROCESS = "process"
    LESSONS = "lessons"
    OWNER = "owner"
    REVIEWERS = "reviewers"
    MEETING = "meeting"


class Milestone(StrEnum):
    """The times that every incident has, in the order in which they come."""

    STARTED = "started"
    DETECTED = "detected"
    ACKNOWLEDGED = "acknowledged"
    MITIGATED = "mitigated"
    RESOLVED = "resolved"


class ItemStatus(StrEnum):
    """How far an action item is. `verified`: its closing probe holds. Only people say done or dropped."""

    OPEN = "open"
    VERIFIED = "verified"
    DONE = "done"
    DROPPED = "dropped"


class ItemType(StrEnum):
    """What an action item is for."""

    MITIGATE = "mitigate"
    PREVENT = "prevent"
    DETECT = "detect"
    PROCESS = "process"
