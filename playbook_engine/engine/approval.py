"""Waiting for people: the hosts of a run that come to the same `approve` wait for the same answers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from playbook_engine.journal.approvals import Answer, person
from playbook_engine.model.events import ApprovalGiven, ApprovalRequested
from playbook_engine.model.frozen import frozen
from playbook_engine.model.ports import Clock, EventSink

LOOK = 0.5  # seconds between two looks for an answer


@frozen
class Wanted:
    """What an `approve` step asks for. `timeout` in seconds."""

    step: str
    name: str
    message: str
    by: tuple[str, ...]
    count: int
    timeout: float


@frozen
class Decision:
    """How it was decided. `stopped`: before anybody had decided. Not `answered`: nobody said anything in time."""

    granted: bool = False
    by: tuple[str, ...] = ()
    reason: str = ""
    stopped: str = ""
    answered: bool = True


@frozen
class Bound:
    """What is agreed to: the hash of the plan and its hosts; and who may not, as it is theirs."""

    plan: str
    hosts: tuple[str, ...]
    owners: frozenset[str]


@dataclass(slots=True)
class _Asked:
    """One approval while it is asked for."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    decision: Decision | None = None


class Approval:
    """Thread-safe; one a run."""

    def __init__(
        self, bound: Bound, sink: EventSink, clock: Clock, answers: Callable[[str], Sequence[Answer]],
        stopped: Callable[[], str],
    ) -> None:  # fmt: skip
        self._bound = bound
        self._sink = sink
        self._clock = clock
        self._answers = answers
        self._stopped = stopped
        self._asked: dict[str, _Asked] = {}
        self._lock = threading.Lock()

    def ask(self, wanted: Wanted) -> Decision:
        """Blocks until it is decided. The first host that comes asks; the others get the same answer."""
        with self._lock:
            asked = self._asked.setdefault(wanted.step, _Asked())
        with asked.lock:
            if asked.decision is None:
                decision = self._decided(wanted)
                asked.decision = decision if not decision.stopped else None
                return decision
            return asked.decision

    def _decided(self, wanted: Wanted) -> Decision:
        now = self._clock.utc()
        expires = (datetime.fromisoformat(now) + timedelta(seconds=wanted.timeout)).isoformat().replace("+00:00", "Z")
        self._sink.emit(
            ApprovalRequested(
                approval=wanted.step, step=wanted.step, name=wanted.name, message=wanted.message, by=wanted.by,
                count=wanted.count, plan_sha256=self._bound.plan, hosts=self._bound.hosts, expires=expires,
            )
        )  # fmt: skip
        until = self._clock.monotonic() + wanted.timeout
        heard: dict[str, Answer] = {}
        while True:
            for answer in self._answers(wanted.step):
                who = person(answer.actor)
                if who not in heard and self._counts(answer, wanted, expires):
                    heard[who] = answer
                    self._given(wanted, "yes" if answer.yes else "no", answer.actor, answer.reason)
                    if not answer.yes:
                        return Decision(by=(answer.actor,), reason=answer.reason or "no reason given")
            if len(heard) >= wanted.count:
                said = "; ".join(a.reason for a in heard.values() if a.reason)
                return Decision(granted=True, by=tuple(a.actor for a in heard.values()), reason=said)
            if stopped := self._stopped():
                return Decision(stopped=stopped)
            if self._clock.monotonic() >= until:
                self._given(wanted, "none", "", f"no answer within {wanted.timeout:g}s")
                return Decision(reason=f"no answer within {wanted.timeout:g}s, which is a no", answered=False)
            self._clock.sleep(LOOK)

    def _counts(self, answer: Answer, wanted: Wanted, expires: str) -> bool:
        """Whether an answer is to this very question, by somebody who may give it."""
        who = person(answer.actor)
        allowed = not wanted.by or who in wanted.by or answer.actor in wanted.by
        return answer.plan == self._bound.plan and allowed and who not in self._bound.owners and answer.at <= expires

    def _given(self, wanted: Wanted, answer: str, actor: str, reason: str) -> None:
        self._sink.emit(
            ApprovalGiven(approval=wanted.step, step=wanted.step, answer=answer, actor=actor, reason=reason)
        )
