"""A policy file → `Policy`: validated, cross-checked, every complaint with its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from playbook_engine.escalation import policy_model as shape
from playbook_engine.escalation.policy import (
    Contact,
    Kind,
    Level,
    Override,
    Policy,
    QuietHours,
    Rule,
    Schedule,
    Sender,
    Target,
    Trigger,
)
from playbook_engine.escalation.policy_check import addresses, check
from playbook_engine.loading.named_files import NamedFiles
from playbook_engine.loading.problems import Problems, kind_of
from playbook_engine.loading.salvage import salvaged
from playbook_engine.loading.yaml_source import Document, parse_yaml, read_yaml
from playbook_engine.model.errors import LoadError


class Policies(NamedFiles):
    """Finds and loads policies by name. `path` are the folders where a bare name is looked for."""

    def __init__(self, path: Sequence[Path]) -> None:
        super().__init__(path, "escalation policy")

    def load(self, name: str) -> Policy:
        """Raises LoadError, or LoadErrors with everything that is wrong."""
        return _read(read_yaml(self.find(name)))


def from_text(text: str, file: str) -> Policy:
    """A policy as an escalation keeps it. Raises LoadError."""
    return _read(parse_yaml(text, file))


def outlasts(policy: Policy, deadline: float) -> list[LoadError]:
    """Levels whose ack timeout is longer than a run may last: it would be over before the next level hears of it."""
    document = parse_yaml(policy.text, policy.file)
    return [
        LoadError(
            f"the ack timeout of {level.name!r}, {_span(level.ack_timeout)}, is longer than the run's deadline, "
            f"{_span(deadline)}",
            advice="nobody else would hear of it while it can be helped: shorten it, or give the runbook more time",
            where=document.at(("levels", n, "ack_timeout")),
        )
        for n, level in enumerate(policy.levels)
        if level.ack_timeout > deadline
    ]  # fmt: skip


def _span(seconds: float) -> str:
    return str(timedelta(seconds=seconds))


def _read(document: Document) -> Policy:
    problems = Problems(document)
    if not isinstance(document.value, Mapping):
        raise LoadError(
            f"an escalation policy is a mapping, and this is {kind_of(document.value)}", where=document.at(()),
            advice="it has name:, contacts: and levels: at the top; `runbook schema escalation` tells all of it",
        )  # fmt: skip
    model = salvaged(document.value, problems, shape.PolicyModel)
    if model is None:
        problems.raise_any()
        raise AssertionError("a file that is no policy has a problem")
    policy = _built(model, document)
    if not problems.found:  # what is missing because it was refused must not be complained about again
        check(model, policy, problems)
    problems.raise_any()
    return policy


# ------------------------------------------------------------------ building


def _built(model: shape.PolicyModel, document: Document) -> Policy:
    senders = model.senders.model_dump(by_alias=True)
    return Policy(
        name=model.name, title=model.title, description=model.description, owner=model.owner,
        contacts=(*(_contact(c) for c in model.contacts), *(_room(r) for r in model.rooms)),
        schedules=tuple(_schedule(s) for s in model.schedules), levels=tuple(_level(v) for v in model.levels),
        rules=tuple(
            Rule(on=tuple(Trigger(t) for t in r.on), severities=tuple(r.severities), attempts=r.attempts)
            for r in model.triggers
        ),
        repeat=model.repeat, tell_everyone=model.exhausted.notify_everyone, then=model.exhausted.then,
        again_after=model.escalate_again_after, quiet=_quiet(model.quiet_hours), dedup=tuple(model.dedup),
        recovered=model.recovered, file=document.file, text=document.text,
        senders={Kind(k): Sender(settings=v) for k, v in senders.items() if v is not None},
    )  # fmt: skip


def _contact(model: shape.ContactModel) -> Contact:
    return Contact(
        id=model.id, name=model.name, roles=tuple(model.roles), timezone=ZoneInfo(model.timezone),
        addresses=addresses(model.channels), backup=model.backup or "",
        away=tuple((shape.instant(a.from_), shape.instant(a.until)) for a in model.away),
    )  # fmt: skip


def _room(model: shape.RoomModel) -> Contact:
    return Contact(
        id=model.id, name=model.name or model.id, timezone=ZoneInfo("UTC"), room=True,
        addresses=addresses(model.channels),
    )  # fmt: skip


def _schedule(model: shape.ScheduleModel) -> Schedule:
    zone = ZoneInfo(model.timezone)
    return Schedule(
        id=model.id, timezone=zone, members=tuple(model.rotation.members),
        begin=datetime.fromisoformat(model.rotation.from_).replace(tzinfo=zone),
        every=timedelta(seconds=model.rotation.every),
        overrides=tuple(
            Override(contact=o.contact, begin=shape.instant(o.from_), end=shape.instant(o.until))
            for o in model.overrides
        ),
    )  # fmt: skip


def _level(model: shape.LevelModel) -> Level:
    notify = tuple(
        Target(contact=t.contact or "", schedule=t.schedule or "", role=t.role or "", room=t.room or "")
        for t in model.notify
    )
    return Level(name=model.name, notify=notify, ack_timeout=model.ack_timeout, delay=model.delay, via=tuple(model.via))


def _quiet(model: shape.QuietModel | None) -> QuietHours | None:
    if model is None:
        return None
    return QuietHours(
        begin=time.fromisoformat(model.from_), end=time.fromisoformat(model.until), timezone=ZoneInfo(model.timezone),
        severities=tuple(model.severities),
    )  # fmt: skip
