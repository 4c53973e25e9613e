"""What may be said of a criterion: from a probe's record, compared again with its threshold, and from nothing else."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum

from playbook_engine.agent import plausible
from playbook_engine.journal.fold import Evidence
from playbook_engine.model.events import CheckEvaluated, PreconditionEvaluated
from playbook_engine.model.frozen import frozen
from playbook_engine.report.text import instant, number, quantity, seconds

LIMIT = re.compile(r"^\s*(<=|>=|==|!=|<|>)\s*(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)\s*$")
OPERATORS: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip
DURATIONS = {"s": "s", "ms": "ms", "us": "us", "µs": "us", "ns": "ns"}
LONGEST = 10 * 365.25 * 86400.0  # seconds: no process that a probe times has lived for ten years
DENOMINATOR = re.compile(r"/\s*(?P<a>.+)$|\bof (?P<b>.+)$|_of_(?P<c>\w+)$")
KNOWN_RATIOS = {
    ("disk_usage", "used_percent"): "the blocks that users may fill",
    ("disk_usage", "used_inodes_percent"): "all inodes",
}
AHEAD = 300.0  # seconds that a record may lie in the future before its time is not believed


class Status(StrEnum):
    """One of these, and only one, for each criterion. None but `met` is green."""

    NOT_MET = "not met"
    INVALID = "invalid"
    UNKNOWN = "unknown"
    STALE = "stale"
    MET = "met"
    NOT_APPLICABLE = "not applicable"

    @property
    def open(self) -> bool:
        return self not in (Status.MET, Status.NOT_APPLICABLE)


MEANING: Mapping[Status, str] = {
    Status.MET: "a probe's record, not older than the maximum age, holds the value against the threshold",
    Status.NOT_MET: "a probe's record says that the value misses the threshold",
    Status.INVALID: "the value cannot be what it is said to be: it is rejected and says nothing about the service",
    Status.UNKNOWN: "there is no record, or the probe could not measure",
    Status.STALE: "the record is older than the maximum age: what was true then is not known now",
    Status.NOT_APPLICABLE: "its condition did not hold on this host; it is not counted",
}

WORST = (Status.NOT_MET, Status.INVALID, Status.UNKNOWN, Status.STALE, Status.MET)


def worst(statuses: Iterable[Status]) -> Status:
    """A parent's status: that of its worst child. Without any child nothing is known."""
    found = set(statuses)
    return next((s for s in WORST if s in found), Status.UNKNOWN)


@frozen
class Judgement:
    """A status and why it is this one; `why` may be empty only for what is met."""

    status: Status
    why: str = ""


def judge(evidence: Evidence, now: datetime, max_age: float | None) -> Judgement:
    """What a record says at the time of the report. The recorded verdict may be made worse here, never better."""
    event = evidence.event
    said = _recorded(evidence)
    if said.status in (Status.MET, Status.NOT_MET):
        for rule in (_threshold, _plausible, _ratio, _compared):
            found = rule(evidence)
            if found is not None:
                said = found
                break
    elif said.status is Status.UNKNOWN and (claim := _impossible_claim(event)):
        said = Judgement(status=Status.INVALID, why=claim)
    if said.status in (Status.MET, Status.NOT_MET):
        return _aged(evidence, now, max_age) or said
    return said


def judge_then(seq: int, at: str, event: CheckEvaluated | PreconditionEvaluated) -> Judgement:
    """The same at the time of the record itself: what it said then, however old it is now."""
    return judge(Evidence(seq=seq, at=at, event=event), instant(at) or datetime.now(UTC), None)


def compare(value: object, threshold: object) -> bool | None:
    """`1133` against `< 200`; None where either is no number."""
    limit = LIMIT.match(threshold) if isinstance(threshold, str) else None
    if limit is None or isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return OPERATORS[limit[1]](float(value), float(limit[2]))


def threshold_of(event: CheckEvaluated) -> str:
    """What the value is held against, with its unit; the whole expectation where it is no comparison."""
    limit = LIMIT.match(event.threshold) if isinstance(event.threshold, str) else None
    if limit is not None:
        wanted = float(limit[2])
        return f"{limit[1]} {quantity(int(wanted) if wanted.is_integer() else wanted, event.unit)}"
    if event.threshold not in (None, ""):
        return number(event.threshold)
    return event.expect


def value_of(event: CheckEvaluated) -> str:
    """The measured value with its unit, a ratio with its denominator; empty where nothing was measured."""
    if event.value is None:
        return ""
    shown = quantity(event.value, event.unit)
    if event.unit == "%" and (whole := denominator(event)):
        return f"{shown} of {whole}"
    return shown


def denominator(event: CheckEvaluated) -> str:
    """What a percentage is a percentage of, as its metric says; empty where it does not."""
    metric = re.sub(r"\bresult\.", "", event.metric)
    match = DENOMINATOR.search(metric)
    if match is not None:
        return next(text for text in match.groups() if text).strip()
    return KNOWN_RATIOS.get((event.action, metric), "")


def result_of(event: CheckEvaluated) -> Mapping[str, object]:
    """What the probe answered; empty where it is not in the record (`no_log`)."""
    result = event.evidence.get("result")
    return result if isinstance(result, Mapping) else {}


# ---------------------------------------------------------------- the rules


def _recorded(evidence: Evidence) -> Judgement:
    event = evidence.event
    match event.verdict:
        case "met":
            return Judgement(status=Status.MET)
        case "not_met":
            return Judgement(status=Status.NOT_MET, why=event.detail or "it does not hold")
        case "invalid":
            return Judgement(status=Status.INVALID, why=event.detail or "the probe says that the value is invalid")
        case "unknown":
            return Judgement(status=Status.UNKNOWN, why=event.detail or "the probe could not measure")
        case _:
            return Judgement(status=Status.UNKNOWN, why=f"{event.verdict!r} is no verdict of a probe")


def _threshold(evidence: Evidence) -> Judgement | None:
    event = evidence.event
    if event.expect or (isinstance(event, CheckEvaluated) and event.threshold not in (None, "")):
        return None
    return Judgement(status=Status.UNKNOWN, why="nothing was expected of it: without a threshold there is no judgement")


def _plausible(evidence: Evidence) -> Judgement | None:
    event = evidence.event
    if not isinstance(event, CheckEvaluated):
        return None
    unit = DURATIONS.get(event.unit)
    if unit is None or event.value is None or isinstance(event.value, str):
        claim = _impossible_claim(event)
        return Judgement(status=Status.INVALID, why=claim) if claim else None
    at = instant(evidence.at)
    uptime = result_of(event).get("uptime_seconds")
    lived = float(uptime) if isinstance(uptime, (int, float)) and not isinstance(uptime, bool) else None
    why = plausible.duration(event.value, unit, at.timestamp() if at else 0.0, lived)["why"]
    if not why and isinstance(event.value, (int, float)):
        span = event.value * plausible.UNITS[unit] / 1000.0
        if span > LONGEST:
            why = f"{quantity(event.value, event.unit)} are {seconds(span)}: no process has lived that long"
    why = why or _impossible_claim(event)
    return Judgement(status=Status.INVALID, why=str(why)) if why else None


def _impossible_claim(event: object) -> str:
    """Why what a service claims about itself cannot be true, where this is what the expectation looks at."""
    if not isinstance(event, CheckEvaluated) or "claim" not in f"{event.metric} {event.expect}":
        return ""
    claim = result_of(event).get("claim")
    return str(claim.get("why") or "") if isinstance(claim, Mapping) and claim.get("valid") is False else ""


def _ratio(evidence: Evidence) -> Judgement | None:
    event = evidence.event
    if not isinstance(event, CheckEvaluated) or event.unit != "%" or event.value is None or denominator(event):
        return None
    return Judgement(
        status=Status.INVALID,
        why=f"{quantity(event.value, '%')} of what? The metric does not name its denominator: metric: used of LIMIT",
    )


def _compared(evidence: Evidence) -> Judgement | None:
    event = evidence.event
    if (
        not isinstance(event, CheckEvaluated)
        or event.verdict != "met"
        or compare(event.value, event.threshold)
        in (
            True,
            None,
        )
    ):
        return None
    return Judgement(
        status=Status.NOT_MET,
        why=f"{value_of(event)} is not {threshold_of(event)}, whatever the record's verdict says",
    )


def _aged(evidence: Evidence, now: datetime, max_age: float | None) -> Judgement | None:
    at = instant(evidence.at)
    if at is None:
        return Judgement(status=Status.UNKNOWN, why=f"the record's time is none: {evidence.at!r}")
    age = (now - at).total_seconds()
    if age < -AHEAD:
        return Judgement(status=Status.UNKNOWN, why=f"the record lies {seconds(-age)} in the future: a clock is wrong")
    if max_age is not None and age > max_age:
        was = evidence.event.verdict.replace("_", " ")
        return Judgement(
            status=Status.STALE,
            why=f"measured {seconds(age)} ago, and {seconds(max_age)} is the most that counts (it was {was} then)",
        )
    return None
