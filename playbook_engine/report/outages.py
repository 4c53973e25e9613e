"""The impact that was measured: each criterion that was not met on a host, and from when to when records say so."""

from __future__ import annotations

from playbook_engine.model.frozen import frozen
from playbook_engine.report.failings import Course
from playbook_engine.report.status import Status
from playbook_engine.report.text import instant, seconds


@frozen
class Outage:
    """`evidence`: the first bad record, then the one after which it was met, if there is one.

    `lasted` is what lies between the two, or the first and the last bad one: it may have begun and ended earlier.
    """

    service: str
    name: str
    host: str
    status: str
    detail: str
    since: str
    until: str
    lasted: str
    evidence: tuple[str, ...]

    @property
    def open(self) -> bool:
        return not self.until


def outages(fate: Course) -> tuple[Outage, ...]:
    """Measured misses only: what is unknown or invalid says nothing of those who use the service."""
    found = []
    for each in fate.failings:
        if each.kind != "criterion" or each.status != Status.NOT_MET:
            continue
        began, ended = instant(each.first.at), instant(each.over.at if each.over else each.last.at)
        span = (ended - began).total_seconds() if began and ended else 0.0
        least = "" if each.over else "at least "
        found.append(
            Outage(
                service=each.service, name=each.name, host=each.host, status=each.status, detail=each.detail,
                since=each.first.at, until=each.over.at if each.over else "",
                lasted=f"{least}{seconds(span)}" if span else "not known from one record",
                evidence=tuple(dict.fromkeys((each.first.evidence, (each.over or each.last).evidence))),
            )
        )  # fmt: skip
    return tuple(sorted(found, key=lambda o: (not o.open, o.since)))
