"""A simulation as text for people, and as data for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta

from playbook_engine.escalation.policy import Policy
from playbook_engine.escalation.simulation import Moment, described
from playbook_engine.model.events import EscalationOpened
from playbook_engine.report.text import stamp

PURPOSES = {"page": "", "update": "update", "recovered": "it is over", "acknowledged": "", "exhausted": "last call"}


def as_text(policy: Policy, opening: EscalationOpened, begin: datetime, moments: Sequence[Moment]) -> str:
    """One block for each instant: after how long, what happens, who hears of it, what time it is there."""
    title = f" · {policy.title}" if policy.title else ""
    lines = [f"{policy.name}{title} · {opening.trigger} · {opening.severity} · {stamp(begin)}", ""]
    for moment in moments:
        lines.append(f"{after(moment.after):>9}  {stamp(moment.at)}  {described(policy, moment)}")
        for told in moment.told:
            zone = told.contact.timezone
            there = "" if told.contact.room else f"  ({moment.at.astimezone(zone):%a %H:%M} {zone.key})"
            purpose = PURPOSES.get(told.purpose, told.purpose)
            lines.append(
                f"{'':>33}  → {told.contact.name}: {', '.join(told.channels)}{f', {purpose}' if purpose else ''}{there}"
            )
    if not moments:
        lines.append("nothing happens")
    return "\n".join(lines)


def as_data(policy: Policy, opening: EscalationOpened, begin: datetime, moments: Sequence[Moment]) -> str:
    told = [
        {
            "at": stamp(m.at), "after_seconds": m.after.total_seconds(), "event": type(m.event).__name__,
            "what": described(policy, m),
            "told": [{"contact": t.contact.id, "channels": list(t.channels), "purpose": t.purpose} for t in m.told],
        }
        for m in moments
    ]  # fmt: skip
    head = {"policy": policy.name, "trigger": opening.trigger, "severity": opening.severity, "at": stamp(begin)}
    return json.dumps({"schema": "playbook-engine/escalation-simulation/1", **head, "moments": told}, indent=2)


def after(span: timedelta) -> str:
    """`+5:00`, `+1:05:00`."""
    minutes, seconds = divmod(round(span.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    return f"+{hours}:{minutes:02}:{seconds:02}" if hours else f"+{minutes}:{seconds:02}"
