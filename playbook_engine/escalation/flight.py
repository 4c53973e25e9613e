"""One attempt at one message, in a thread of its own: a server that hangs delays nobody else."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Mapping

from playbook_engine.escalation.channels.channel import Channel, Letter, NotSent
from playbook_engine.escalation.ladder import Message
from playbook_engine.escalation.policy import Sender
from playbook_engine.model.events import NotificationFailed, NotificationSent
from playbook_engine.model.frozen import frozen

ATTEMPTS = 9  # of one message; with the pauses below that is some five minutes
PAUSES = (2.0, 4.0, 8.0, 16.0, 32.0, 60.0)  # seconds after a failed attempt; the last one repeats


@frozen
class Landed:
    """A message has arrived, or not."""

    escalation: str
    event: NotificationSent | NotificationFailed


@frozen
class Flight:
    """One attempt, in a thread of its own."""

    channel: Channel
    letter: Letter
    message: Message
    sender: Sender
    environ: Mapping[str, str]
    attempt: int
    failures: int
    escalation: str
    slots: threading.Semaphore
    landed: queue.Queue[Landed]

    def go(self) -> None:
        with self.slots:
            began = time.monotonic()
            event: NotificationSent | NotificationFailed
            try:
                answer = self.channel.send(self.letter, self.message.address, self.sender, self.environ)
            except Exception as error:  # whatever a library raises is one more way not to arrive
                event = self._failed(error, time.monotonic() - began)
            else:
                event = NotificationSent(
                    notification=self.message.id, attempt=self.attempt, answer=answer,
                    seconds=round(time.monotonic() - began, 3),
                )  # fmt: skip
        self.landed.put(Landed(escalation=self.escalation, event=event))

    def _failed(self, error: Exception, seconds: float) -> NotificationFailed:
        why = error if isinstance(error, NotSent) else NotSent(f"{type(error).__name__}: {error}", again=False)
        last = not why.again or (self.failures + 1 >= ATTEMPTS and not why.waits)
        pause = max(PAUSES[min(self.failures, len(PAUSES) - 1)], why.after)
        return NotificationFailed(
            notification=self.message.id, attempt=self.attempt, reason=why.why, retry=-1.0 if last else pause,
            seconds=round(seconds, 3),
        )  # fmt: skip
