"""What stands around a step: the keywords of its blocks, of the file's include, of its role and play."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import field
from typing import Any

from playbook_engine.model.frozen import frozen
from playbook_engine.model.runbook import Include, Step

EVERY = (
    "when", "tags", "vars", "become", "become_user", "become_method", "environment", "no_log", "ignore_errors",
    "ignore_unreachable", "delegate_to", "run_once", "check_mode", "diff", "throttle", "notify",
)  # fmt: skip
"""Keywords that a block says for each of its steps."""


@frozen
class Around:
    """A step's own word wins over these; conditions, tags, variables and environments add up, the inner ones last.

    `file` and `role` say where the step comes from, `role_path` is the folder of that role. `prefix` goes before its
    name (`web : `).
    """

    when: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    vars: Mapping[str, object] = field(default_factory=dict)
    environments: tuple[object, ...] = ()
    become: bool | None = None
    become_user: object = None
    become_method: str | None = None
    no_log: bool = False
    ignore_errors: object = False
    ignore_unreachable: object = False
    delegate_to: object = None
    run_once: bool = False
    check_mode: bool | None = None
    diff: bool | None = None
    throttle: int = 0
    notify: tuple[str, ...] = ()
    file: str = ""
    role: str = ""
    role_path: str = ""
    prefix: str = ""

    @property
    def place(self) -> dict[str, str]:
        """What a template may say, before the run, of where it stands."""
        return {"role_path": self.role_path} if self.role_path else {}

    def inside(self, inner: Around) -> Around:
        """Both together: what `inner` says is nearer to the step."""
        return Around(
            **self._before(inner), file=inner.file or self.file, role=inner.role or self.role,
            role_path=inner.role_path or self.role_path, prefix=inner.prefix or self.prefix,
        )  # fmt: skip

    def of(self, step: Step) -> Step:
        """The step with all of it."""
        if self == NOTHING:
            return step
        return dataclasses.replace(
            step, **self._before(step), name=f"{self.prefix}{step.name}", file=self.file, role=self.role,
            listen=self._heard(step),
        )  # fmt: skip

    def _before(self, inner: Around | Step) -> dict[str, Any]:
        """The keywords of both: what `inner` says wins, or comes last."""
        return {
            "when": (*self.when, *inner.when),
            "tags": (*self.tags, *(t for t in inner.tags if t not in self.tags)),
            "vars": {**self.vars, **inner.vars},
            "environments": (*self.environments, *inner.environments),
            "become": self.become if inner.become is None else inner.become,
            "become_user": self.become_user if inner.become_user is None else inner.become_user,
            "become_method": inner.become_method or self.become_method,
            "no_log": self.no_log or inner.no_log,
            "ignore_errors": inner.ignore_errors or self.ignore_errors,
            "ignore_unreachable": inner.ignore_unreachable or self.ignore_unreachable,
            "delegate_to": self.delegate_to if inner.delegate_to is None else inner.delegate_to,
            "run_once": self.run_once or inner.run_once,
            "check_mode": self.check_mode if inner.check_mode is None else inner.check_mode,
            "diff": self.diff if inner.diff is None else inner.diff,
            "throttle": inner.throttle or self.throttle,
            "notify": (*self.notify, *(n for n in inner.notify if n not in self.notify)),
        }

    def _heard(self, step: Step) -> tuple[str, ...]:
        """A handler of a role is told of by its short name too."""
        return (*step.listen, step.name) if self.prefix else step.listen

    def include(self, entry: Include) -> Include:
        return dataclasses.replace(entry, step=self.of(entry.step))


NOTHING = Around()
