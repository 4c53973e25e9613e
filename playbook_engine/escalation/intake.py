"""From failures in the journals of runs to escalations: which are to be heard of, and which belong together."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator

from playbook_engine.escalation.policy import Policy, Trigger
from playbook_engine.escalation.view import EscalationView
from playbook_engine.journal.fold import RunView
from playbook_engine.model.events import EscalationJoined, EscalationOpened, EscalationRaised
from playbook_engine.model.frozen import frozen

Failures = Callable[[str, str, str], int]
"""(run, runbook, host) → how many runs of the runbook in a row have failed there, this one included."""


@frozen
class Failure:
    """Something that a run says people should hear of. `seq` is its record's number.

    For a run that died it is 0, and one less for each controller that has died before: it may die again.
    """

    host: str
    seq: int
    trigger: str
    step: str
    severity: str
    why: str
    raised: str = ""


def failures(view: RunView, *, live: bool) -> Iterator[Failure]:
    """What a journal calls for. A host is waited for until it has ended: what is said of it is then whole."""
    for record in view.records:
        event = record.event
        if isinstance(event, EscalationRaised) and event.trigger:
            host = view.hosts.get(event.host)
            if not live or host is None or host.finished is not None:
                yield Failure(
                    host=event.host, seq=record.seq, trigger=event.trigger, step=event.step,
                    severity=event.severity, why=event.why, raised=record.at,
                )  # fmt: skip
    if not live and view.finished is None and view.handed_over is None:
        left = [name for name, host in view.hosts.items() if host.finished is None] or list(view.hosts)[:1]
        for name in left:
            yield Failure(
                host=name, seq=1 - view.leg, trigger=Trigger.RUN_DIED, step="", severity=view.started.severity,
                why="the controller died: the journal does not say how the run ended on this host",
            )  # fmt: skip


def key_of(policy: Policy, view: RunView, failure: Failure) -> str:
    """What later failures join an escalation by."""
    parts = {
        "policy": policy.name, "runbook": view.started.runbook, "run": view.run, "host": failure.host,
        "step": failure.step, "trigger": failure.trigger,
    }  # fmt: skip
    drill = [f"drill {view.started.drill}"] if view.started.drill else []
    return "/".join([policy.name, *(parts[word] for word in policy.dedup if word != "policy"), *drill])


def opening(
    policy: Policy, view: RunView, failure: Failure, key: str, escalation: str, terminal: str
) -> EscalationOpened:
    return EscalationOpened(
        host=failure.host, escalation=escalation, policy=policy.name, key=key, run=view.run, seq=failure.seq,
        policy_sha256=hashlib.sha256(policy.text.encode()).hexdigest(), runbook=view.started.runbook,
        step=failure.step, trigger=failure.trigger, severity=severity(failure), why=failure.why,
        raised=failure.raised, terminal=terminal, drill=view.started.drill,
        snapshot={"file": policy.file, "text": policy.text},
    )  # fmt: skip


def joining(view: RunView, failure: Failure) -> EscalationJoined:
    return EscalationJoined(
        host=failure.host, run=view.run, seq=failure.seq, step=failure.step, trigger=failure.trigger,
        severity=severity(failure), why=failure.why, raised=failure.raised,
    )  # fmt: skip


def severity(failure: Failure) -> str:
    """Unsure is taken for the higher: what state a host is in is not known, or it could not be put back."""
    grave = failure.trigger in (Trigger.ROLLBACK_FAILED, Trigger.UNKNOWN_STATE, Trigger.RUN_DIED)
    given = failure.severity or "P2"
    return min(given, "P1") if grave else given


def taken(views: Iterable[EscalationView]) -> set[tuple[str, int, str]]:
    """The failures that are known already: run, record, host."""
    return {(f.run, f.seq, f.host) for view in views for _, f in view.failures}
