"""What a run will do: the compiled runbook with the hosts it is for. `resume` and `rollback` read nothing else."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import field

from playbook_engine.model.frozen import frozen
from playbook_engine.model.host import Host
from playbook_engine.model.runbook import Runbook


@frozen
class Options:
    """How the operator wants it done. `skip` and `again` name what a resumed run leaves out, or sends once more.

    `wait`: seconds for another run to let go of a host. `take_over`: the run whose hosts are taken away from it.
    `start_at`: the name (or glob) of the step to begin with. `ask`: a person is asked before each step (`--step`).
    `verbosity`: how many -v were given.
    """

    check: bool = False
    diff: bool = False
    read_only: bool = False
    tags: tuple[str, ...] = ()
    skip_tags: tuple[str, ...] = ()
    forks: int = 50
    reason: str = ""
    force: bool = False
    skip: tuple[str, ...] = ()
    again: tuple[str, ...] = ()
    wait: float = 0.0
    take_over: str = ""
    start_at: str = ""
    ask: bool = False
    force_handlers: bool = False
    verbosity: int = 0


@frozen
class Plan:
    """A runbook, its parameters, its hosts in batches, and every host that a step may be delegated to.

    `files` are the controller's files that steps place on hosts, by `file_key`.
    `plan_run`: the run that it was planned by, and `expected` what the steps found then (`engine/drift.py`).
    `policy` is the text of the escalation policy that hears of its failures, `policy_file` where that stood.
    `drill`: the drill that it belongs to.
    """

    kind: str
    runbook: Runbook
    hosts: tuple[Host, ...]
    batches: tuple[tuple[str, ...], ...]
    variables: Mapping[str, object] = field(default_factory=dict)
    others: Mapping[str, Host] = field(default_factory=dict)
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    options: Options = field(default_factory=Options)
    command: str = ""
    of: str = ""
    files: Mapping[str, bytes] = field(default_factory=dict)
    plan_run: str = ""
    expected: Mapping[str, str] = field(default_factory=dict)
    policy: str = ""
    policy_file: str = ""
    drill: str = ""
    _known: Mapping[str, Host] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        own = {h.name: h for h in self.hosts}
        object.__setattr__(self, "_known", {**own, **{n: h for n, h in self.others.items() if n not in own}})

    def host(self, name: str) -> Host | None:
        """A host of the run, or one that a step may be delegated to."""
        return self._known.get(name)

    def names(self) -> Collection[str]:
        """Those of all hosts that `host` knows."""
        return self._known.keys()


def file_kind(kind: str, args: Mapping[str, object]) -> str:
    """`file` or `template`; with ` encrypted` after it where the arguments of a step say `decrypt: false`."""
    asis = str(args.get("decrypt", True)).lower() in ("false", "no", "off", "0", "n", "f")
    return f"{kind} encrypted" if asis else kind


def file_key(runbook: str, kind: str, name: str) -> str:
    """Under which a plan keeps a file: `kind` is as `file_kind` gives it, `runbook` the file that names it."""
    return f"{kind}\n{runbook}\n{name}"
