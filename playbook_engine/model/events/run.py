"""The events of a run: what hosts were asked, what they said, what was changed and taken back."""

from __future__ import annotations

from dataclasses import field

from playbook_engine.model.events.event import Data, Event
from playbook_engine.model.frozen import frozen


@frozen
class RunStarted(Event):
    """A run begins. `plan` is the compiled plan: resume and rollback read nothing else."""

    run: str
    kind: str  # run | exec | audit | rollback | plan | check
    runbook: str
    title: str = ""
    severity: str = ""
    owner: str = ""
    escalation: str = ""
    services: tuple[str, ...] = ()
    runbook_sha256: str = ""
    inventory_sha256: str = ""
    hosts: tuple[str, ...] = ()
    batches: tuple[tuple[str, ...], ...] = ()
    actor: str = ""
    reason: str = ""
    command: str = ""
    check: bool = False
    engine: str = ""
    of: str = ""  # the run that a rollback takes back
    plan_run: str = ""  # the run that planned this one
    drill: str = ""  # the drill that it belongs to: all that it says carries DRILL
    plan: Data = field(default_factory=dict)
    variables: Data = field(default_factory=dict)


@frozen
class RunResumed(Event):
    """A controller goes on with a run that died, was interrupted or paused. `hosts` are those that had not ended.

    `leg` counts the controllers of a run: 2 for the first that resumes it. It fences the ones before. `skip` and
    `again` name the steps about which the operator has decided: not to be done, or to be sent once more.
    """

    run: str = ""
    kind: str = ""
    runbook: str = ""
    actor: str = ""
    reason: str = ""
    command: str = ""
    leg: int = 2
    hosts: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    again: tuple[str, ...] = ()


@frozen
class RunHandedOver(Event):
    """A colleague goes on with the run elsewhere, from a copy of its journal up to here. `to` names the colleague."""

    to: str = ""
    actor: str = ""
    reason: str = ""


@frozen
class HostConnected(Event):
    address: str = ""
    user: str = ""
    python: str = ""
    boot_id: str = ""
    seconds: float = 0.0
    clock_skew: float | None = None


@frozen
class HostUnreachable(Event):
    kind: str
    message: str
    advice: str = ""


@frozen
class FactsObserved(Event):
    facts: Data


@frozen
class PreconditionEvaluated(Event):
    """`verdict`: met | not_met | unknown | invalid. `evidence` is what was measured, the probe's record."""

    scope: str
    probe: str
    name: str
    action: str
    verdict: str
    expect: str = ""
    otherwise: str = "fail"
    detail: str = ""
    on: str = ""
    seconds: float = 0.0
    evidence: Data = field(default_factory=dict)
    where: str = ""


@frozen
class StepStarted(Event):
    step: str
    name: str
    action: str
    scope: str = ""
    item: int = -1
    label: str = ""
    attempt: int = 1
    handler: bool = False
    on: str = ""


@frozen
class StateObserved(Event):
    """What a changing step found: the plan it made of it. `changes` is the diff, `digest` names arguments and state,
    in a preview: what a plan expects is held against it."""

    step: str
    item: int = -1
    attempt: int = 1
    changes: tuple[Data, ...] = ()
    state: Data = field(default_factory=dict)
    digest: str = ""


@frozen
class ChangeIntended(Event):
    """Durable before the request leaves. `args` and `before` are all that an undo needs."""

    step: str
    item: int = -1
    attempt: int = 1
    action: str
    scope: str = ""
    name: str = ""
    reversible: str  # action | rollback | irreversible
    irreversible: str = ""
    become: str = ""
    on: str = ""
    changes: tuple[Data, ...] = ()
    notify: tuple[str, ...] = ()
    handler: bool = False
    args: Data = field(default_factory=dict)
    before: Data = field(default_factory=dict)


@frozen
class ChangeApplied(Event):
    """`state` is what the host observed afterwards: a later rollback finds out by it whether the host has moved.

    `settled` is empty when the host answered, else how it was learned later: record | observed | creates | unless.
    `already` means that `creates` or `removes` said that there was nothing to do.
    """

    step: str
    item: int = -1
    attempt: int = 1
    seconds: float = 0.0
    settled: str = ""
    already: bool = False
    state: Data = field(default_factory=dict)
    result: Data = field(default_factory=dict)


@frozen
class ChangeFailed(Event):
    """`untouched`: nothing was done. `settled` as in ChangeApplied, or operator: left out or to be sent again."""

    step: str
    item: int = -1
    attempt: int = 1
    kind: str
    message: str
    settled: str = ""
    untouched: bool = False
    result: Data = field(default_factory=dict)


@frozen
class CheckEvaluated(Event):
    """A check of a step, of the runbook, or an `unless`: the record that a tick in a report comes from."""

    purpose: str  # check | unless | criterion
    scope: str = ""
    step: str = ""
    item: int = -1
    probe: str
    name: str
    action: str
    verdict: str
    expect: str = ""
    detail: str = ""
    on: str = ""
    value: object = None
    unit: str = ""
    threshold: object = None
    metric: str = ""
    service: str = ""
    severity: str = ""
    critical: bool = False
    touches: str = ""
    samples: int = 1
    held: float = 0.0
    seconds: float = 0.0
    evidence: Data = field(default_factory=dict)
    where: str = ""


@frozen
class RetryScheduled(Event):
    step: str
    item: int = -1
    attempt: int
    delay: float
    why: str = ""


@frozen
class StepFinished(Event):
    """`result` is the registered value; `shown` the part of it that a person may see (output, message), masked.

    `rescued`: it did not end well, and the `rescue` of its block comes next.
    """

    step: str
    name: str
    action: str
    scope: str = ""
    item: int = -1
    label: str = ""
    handler: bool = False
    outcome: str
    kind: str = ""
    message: str = ""
    advice: str = ""
    ignored: bool = False
    rescued: bool = False
    attempts: int = 1
    seconds: float = 0.0
    notified: tuple[str, ...] = ()
    on: str = ""
    shown: Data = field(default_factory=dict)
    result: Data = field(default_factory=dict)
    where: str = ""


@frozen
class ScopeFinished(Event):
    """A runbook or an import ended on a host: what it changed stays when a later one fails."""

    scope: str
    name: str
    outcome: str


@frozen
class RollbackStarted(Event):
    scope: str
    why: str
    steps: tuple[str, ...] = ()


@frozen
class UndoIntended(Event):
    """Durable before a change is taken back: what is not as the change left it, is so because of us."""

    step: str
    item: int = -1
    attempt: int = 1
    name: str
    how: str


@frozen
class StepUndone(Event):
    """`outcome`: undone | kept | failed | untouched. `how`: action | rollback | irreversible."""

    step: str
    item: int = -1
    attempt: int = 1
    name: str
    action: str
    outcome: str
    how: str
    message: str = ""
    seconds: float = 0.0


@frozen
class RollbackVerified(Event):
    """The proof: the observed state equals the state before, or where it does not."""

    scope: str
    proved: bool
    compared: int = 0
    differences: tuple[Data, ...] = ()
    kept: tuple[str, ...] = ()


@frozen
class ApprovalRequested(Event):
    """The run waits for people. What they agree to is the plan of this hash, on these hosts, until it `expires`."""

    approval: str
    step: str
    name: str
    message: str = ""
    by: tuple[str, ...] = ()
    count: int = 1
    plan_sha256: str = ""
    hosts: tuple[str, ...] = ()
    expires: str = ""


@frozen
class ApprovalGiven(Event):
    """`answer`: yes | no | none (nobody answered in time)."""

    approval: str
    step: str
    answer: str
    actor: str = ""
    reason: str = ""


@frozen
class EscalationRaised(Event):
    """Something that people should hear of. `to` is the policy, or the owner; `trigger` the kind of failure.

    Who was told of it, and when, stands in the journal of the escalation.
    """

    to: str
    why: str
    severity: str = ""
    trigger: str = ""
    step: str = ""


@frozen
class HostFinished(Event):
    status: str
    message: str = ""
    advice: str = ""
    seconds: float = 0.0


@frozen
class RunFinished(Event):
    exit_code: int
    counts: Data = field(default_factory=dict)
    seconds: float = 0.0
    interrupted: bool = False
    message: str = ""


@frozen
class LogClosed(Event):
    """The last record of a journal that was closed in order: a cut tail shows by its absence."""

    events: int
