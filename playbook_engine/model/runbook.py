"""What a person wrote, typed: a runbook, its parameters, preconditions, steps, handlers and checks.

Values that may hold templates are `object`: compiled by `templating`, rendered by the engine for each host.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum

from playbook_engine.model.frozen import frozen
from playbook_engine.model.source import SourcePos


class OnFailure(StrEnum):
    """What a measured failure of a step does to the host's earlier changes."""

    ROLLBACK = "rollback"
    STOP = "stop"
    CONTINUE = "continue"


class Otherwise(StrEnum):
    """What a precondition that does not hold means: refuse, or nothing to do here."""

    FAIL = "fail"
    SKIP = "skip"


class OnDisconnect(StrEnum):
    """What becomes of an action when the link to its host is lost: it goes on to its deadline, or it is killed."""

    FINISH = "finish"
    KILL = "kill"


class Tier(StrEnum):
    """What a service's failure means for those it serves: severity is computed from it and from what was measured."""

    CRITICAL = "critical"
    NORMAL = "normal"
    LOW = "low"


@frozen
class Service:
    """A service that a runbook repairs or watches: the one registry that every count in a report is a query over.

    `needs`: services that must be well before this one can be. `writes`: it is not well until a probe has written to
    it, for a full disk answers every read.
    """

    name: str
    tier: Tier = Tier.NORMAL
    needs: tuple[str, ...] = ()
    writes: bool = False


@frozen
class Param:
    """A typed input of a runbook."""

    name: str
    type: str = "str"
    default: object = None
    required: bool = False
    description: str = ""
    choices: tuple[object, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    pattern: str | None = None
    secret: bool = False
    where: SourcePos | None = None


@frozen
class Probe:
    """One look at the world and what is expected of it: a precondition, a check, an `unless`.

    `within`: seconds it may take to become true. `hold` (written `for`): seconds it must then stay true.
    `phase`: the gate of the runbook's `phases` that it belongs to. `remedy`: the runbook that repairs it.
    """

    id: str
    name: str
    action: str
    args: Mapping[str, object]
    expect: str | None = None
    within: float = 0.0
    every: float = 1.0
    hold: float = 0.0
    timeout: float = 60.0
    when: tuple[str, ...] = ()
    otherwise: Otherwise = Otherwise.FAIL
    delegate_to: object = None
    become: bool | None = None
    become_user: object = None
    register: str | None = None
    severity: str | None = None
    severity_reason: str | None = None
    service: str | None = None
    phase: str | None = None
    remedy: str | None = None
    metric: str | None = None
    unit: str | None = None
    threshold: object = None
    critical: bool = False
    no_log: bool = False
    where: SourcePos | None = None


@frozen
class Step:
    """One step, its contract in one place. `id` is unique in the compiled plan and stable over resumes.

    `background` (written `async`): seconds that it may run on its own on the host, looked at every `poll` seconds.
    """

    id: str
    name: str
    action: str
    args: Mapping[str, object]
    when: tuple[str, ...] = ()
    loop: object = None
    loop_var: str = "item"
    loop_label: object = None
    register: str | None = None
    until: tuple[str, ...] = ()
    retries: int = 3
    delay: float = 5.0
    timeout: float = 300.0
    changed_when: tuple[str, ...] | None = None
    failed_when: tuple[str, ...] | None = None
    ignore_errors: object = False
    no_log: bool = False
    become: bool | None = None
    become_user: object = None
    environment: Mapping[str, object] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    vars: Mapping[str, object] = field(default_factory=dict)
    notify: tuple[str, ...] = ()
    listen: tuple[str, ...] = ()
    delegate_to: object = None
    run_once: bool = False
    preconditions: tuple[Probe, ...] = ()
    unless: tuple[Probe, ...] = ()
    checks: tuple[Probe, ...] = ()
    rollback: tuple[Step, ...] | None = None
    irreversible: str | None = None
    undo_limit: int = 64 << 20
    on_disconnect: OnDisconnect = OnDisconnect.FINISH
    background: float = 0.0
    poll: float = 15.0
    where: SourcePos | None = None


@frozen
class Import:
    """`import_runbook`: another runbook in this place, a scope of its own for rollback."""

    id: str
    name: str
    runbook: Runbook
    params: Mapping[str, object] = field(default_factory=dict)
    when: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    where: SourcePos | None = None


@frozen
class Runbook:
    """One YAML file, loaded and checked."""

    name: str
    file: str
    title: str = ""
    description: str = ""
    severity: str = "P3"
    owner: str = ""
    services: tuple[str, ...] = ()
    registry: tuple[Service, ...] = ()
    phases: tuple[str, ...] = ()
    hosts: str | None = None
    serial: tuple[object, ...] = ()
    max_fail_percentage: float | None = None
    failure_budget: int | str | None = None
    protected: bool = False
    deadline: float | None = None
    on_failure: OnFailure = OnFailure.ROLLBACK
    escalation: str | None = None
    become: bool | None = None
    become_user: object = None
    environment: Mapping[str, object] = field(default_factory=dict)
    vars: Mapping[str, object] = field(default_factory=dict)
    params: tuple[Param, ...] = ()
    preconditions: tuple[Probe, ...] = ()
    steps: tuple[Step | Import, ...] = ()
    handlers: tuple[Step, ...] = ()
    checks: tuple[Probe, ...] = ()
    read_only: bool = False
    text: str = ""

    def count(self) -> int:
        """How many steps it has, those of imports included."""
        return sum(s.runbook.count() if isinstance(s, Import) else 1 for s in self.steps)

    def guarded(self) -> bool:
        """Whether it, or something that it imports, is `protected`."""
        return self.protected or any(s.runbook.guarded() for s in self.steps if isinstance(s, Import))
