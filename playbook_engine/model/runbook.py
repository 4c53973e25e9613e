"""What a person wrote, typed: a runbook, its parameters, preconditions, steps, handlers and checks.

Values that may hold templates are `object`: compiled by `templating`, rendered by the engine for each host.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import field, replace
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


class Strategy(StrEnum):
    """Each host at its own pace, or step by step: all hosts of a batch end a step before one begins the next."""

    FREE = "free"
    LINEAR = "linear"


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
    `environments`: those of the blocks and the play around it, outermost first. `throttle`: hosts that may be at it at
    the same time, 0 for no limit. `file`: where it was read, when that is not the runbook's own file: names of files
    are looked for beside it. `role`: the one of `Runbook.roles` whose variables it sees.
    """

    id: str
    name: str
    action: str
    args: Mapping[str, object]
    when: tuple[str, ...] = ()
    loop: object = None
    loop_var: str = "item"
    loop_label: object = None
    loop_index_var: str | None = None
    loop_pause: float = 0.0
    loop_extended: bool = False
    loop_allitems: bool = True
    loop_break_when: tuple[str, ...] = ()
    register: str | None = None
    until: tuple[str, ...] = ()
    retries: int = 3
    delay: float = 5.0
    timeout: float = 300.0
    changed_when: tuple[str, ...] | None = None
    failed_when: tuple[str, ...] | None = None
    ignore_errors: object = False
    ignore_unreachable: object = False
    check_mode: bool | None = None
    diff: bool | None = None
    throttle: int = 0
    no_log: bool = False
    become: bool | None = None
    become_user: object = None
    become_method: str | None = None
    environments: tuple[object, ...] = ()
    environment: Mapping[str, object] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    vars: Mapping[str, object] = field(default_factory=dict)
    notify: tuple[str, ...] = ()
    listen: tuple[str, ...] = ()
    delegate_to: object = None
    delegate_facts: bool = False
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
    file: str = ""
    role: str = ""
    where: SourcePos | None = None

    @property
    def names(self) -> tuple[str, str]:
        """What it is called: with the role that it comes from, and without."""
        return self.name, self.name.rpartition(" : ")[2] if self.role else self.name


@frozen
class Block:
    """Steps that belong together: `rescue` runs when one of them failed, `always` whatever happened.

    What a block says for its steps (`when`, `tags`, `vars`, `become` …) stands in each of them.
    """

    id: str
    name: str = ""
    steps: tuple[Entry, ...] = ()
    rescue: tuple[Entry, ...] = ()
    always: tuple[Entry, ...] = ()
    where: SourcePos | None = None


@frozen
class Include:
    """`include_steps`: a step that says which file, and what each file that it may name holds.

    All of them are part of the plan: a run that is resumed reads no files.
    """

    id: str
    step: Step
    choices: Mapping[str, Block] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.step.name


@frozen
class Role:
    """The variables of a role, for the steps that name it: `defaults` weakest, `params` strongest.

    `defaults` and `vars` of a `public` role are seen by all steps of its play; `own` is what it was given in one place.
    """

    name: str
    path: str = ""
    public: bool = True
    defaults: Mapping[str, object] = field(default_factory=dict)
    own: Mapping[str, object] = field(default_factory=dict)
    vars: Mapping[str, object] = field(default_factory=dict)
    params: Mapping[str, object] = field(default_factory=dict)


@frozen
class Import:
    """`import_runbook`: another runbook in this place, a scope of its own for rollback.

    `hosts`: those that it is for, when not all of the run's; `batches` are these, as they go together (a play).
    """

    id: str
    name: str
    runbook: Runbook
    params: Mapping[str, object] = field(default_factory=dict)
    when: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    hosts: tuple[str, ...] | None = None
    batches: tuple[tuple[str, ...], ...] = ()
    where: SourcePos | None = None


Entry = Step | Block | Include | Import
"""What a list of steps is made of."""


@frozen
class Prompt:
    """One of `vars_prompt`: a variable that is asked for on a terminal, unless `-e` gives it."""

    name: str
    text: str = ""
    default: object = None
    private: bool = True
    confirm: bool = False


@frozen
class Runbook:
    """One YAML file, loaded and checked. `play`: it is a play of a playbook, and means what Ansible means by it.

    `handler_files`: what handlers take in that are includes themselves, by the id of the handler.
    """

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
    strategy: Strategy = Strategy.FREE
    max_fail_percentage: float | None = None
    any_errors_fatal: bool = False
    failure_budget: int | str | None = None
    protected: bool = False
    deadline: float | None = None
    on_failure: OnFailure = OnFailure.ROLLBACK
    force_handlers: bool = False
    play: bool = False
    escalation: str | None = None
    become: bool | None = None
    become_user: object = None
    environment: Mapping[str, object] = field(default_factory=dict)
    vars: Mapping[str, object] = field(default_factory=dict)
    prompts: tuple[Prompt, ...] = ()
    roles: Mapping[str, Role] = field(default_factory=dict)
    params: tuple[Param, ...] = ()
    preconditions: tuple[Probe, ...] = ()
    steps: tuple[Entry, ...] = ()
    handlers: tuple[Step, ...] = ()
    handler_files: Mapping[str, Include] = field(default_factory=dict)
    checks: tuple[Probe, ...] = ()
    read_only: bool = False
    text: str = ""

    def flat(self) -> Iterator[Step | Import]:
        """Its steps and imports in the order of the file: those in blocks too, and those of files to be included."""
        return flat(self.steps)

    def everything(self) -> Iterator[Step | Import]:
        """The same, and its handlers with what they take in."""
        yield from flat(self.steps)
        yield from self.handlers
        yield from flat(self.taken_in())

    def taken_in(self) -> tuple[Block, ...]:
        """The files that handlers take in."""
        return tuple(block for include in self.handler_files.values() for block in include.choices.values())

    def heard(self, name: str) -> tuple[Step, ...]:
        """The handlers that are told of by this name. Of several with one name it is the last, as in Ansible; a topic
        (`listen`) is for all of them."""
        last = [h for h in self.handlers if name in h.names][-1:]
        return tuple(h for h in self.handlers if name in (h.name, *h.listen) and (name not in h.names or h in last))

    def count(self) -> int:
        """How many steps it has, those of imports included."""
        return sum(s.runbook.count() if isinstance(s, Import) else 1 for s in self.flat())

    def guarded(self) -> bool:
        """Whether it, or something that it imports, is `protected`."""
        return self.protected or any(s.runbook.guarded() for s in self.flat() if isinstance(s, Import))

    @property
    def playbook(self) -> bool:
        """Whether it is made of plays, each for hosts of its own."""
        return any(isinstance(s, Import) and s.hosts is not None for s in self.steps)


def nth(step_id: str, times: int) -> str:
    """The id under which the journal knows a step that a host has come to so many times before."""
    return f"{step_id}~{times + 1}" if times else step_id


def times(step_id: str) -> int:
    """How many times the host had come to it before."""
    number = step_id.partition("~")[2]
    return int(number) - 1 if number else 0


def in_plan(step_id: str) -> str:
    """The id that such a step has in the plan."""
    return step_id.partition("~")[0]


def handlers_in(entries: tuple[Entry, ...]) -> tuple[list[Step], dict[str, Include]]:
    """The handlers that a list of entries is, and what those take in that are includes."""
    handlers: list[Step] = []
    files: dict[str, Include] = {}
    for entry in entries:
        if isinstance(entry, Block):
            inner, more = handlers_in(entry.steps)
            handlers += inner
            files |= more
        elif isinstance(entry, Include):
            handlers.append(entry.step)
            files[entry.step.id] = entry
        elif isinstance(entry, Step):
            handlers.append(entry)
    return handlers, files


def flat(entries: tuple[Entry, ...]) -> Iterator[Step | Import]:
    """The steps and imports in a list of entries, the ones inside blocks and included files among them."""
    for entry in entries:
        if isinstance(entry, Block):
            yield from flat((*entry.steps, *entry.rescue, *entry.always))
        elif isinstance(entry, Include):
            yield entry.step
            yield from flat(tuple(entry.choices.values()))
        else:
            yield entry


def mapped(entries: tuple[Entry, ...], change: Callable[[Step | Import], Step | Import | None]) -> tuple[Entry, ...]:
    """The entries with every step and import in them put through `change`; None leaves it out."""
    made: list[Entry] = []
    for entry in entries:
        if isinstance(entry, Block):
            made.append(_mapped(entry, change))
        elif isinstance(entry, Include):
            step = change(entry.step)
            if isinstance(step, Step):
                choices = {name: _mapped(block, change) for name, block in entry.choices.items()}
                made.append(replace(entry, step=step, choices=choices))
        elif (other := change(entry)) is not None:
            made.append(other)
    return tuple(made)


def _mapped(block: Block, change: Callable[[Step | Import], Step | Import | None]) -> Block:
    return replace(
        block, steps=mapped(block.steps, change), rescue=mapped(block.rescue, change),
        always=mapped(block.always, change),
    )  # fmt: skip
